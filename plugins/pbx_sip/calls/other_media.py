"""Media of a call that is no sound, which is told of and not recorded: fax, video, text.

Source: RFC 8866 section 8.2.1 (media types), ITU-T T.38 annex D (fax as an image).
"""

from plugins.pbx_sip.calls.dialog import Dialog, Side

_NAMES = {"image": "fax (T.38)", "video": "video", "text": "real-time text"}


def find_other_media(dialog: Dialog) -> dict[str, int]:
    """What else than sound both sides agreed on, or a recording client asked for.

    Returns: by kind, since when, ns since 1970.
    """
    found: dict[str, int] = {}
    stances = sorted([*dialog.stances, *(dialog.declined if dialog.session else ())], key=lambda each: each.at_ns)
    for kind in _NAMES:
        since_ns: dict[Side, int] = {}
        for stance in stances:
            if stance.media.kind == kind and not stance.media.is_rejected:
                since_ns.setdefault(stance.side, stance.at_ns)
        # Of a recording session only the client says what there is; the recorder rejects what it cannot record.
        if len(since_ns) == len(Side) or (since_ns and dialog.session is not None):
            found[kind] = max(since_ns.values())
    return found


def name_other_media(dialog: Dialog) -> str:
    """In words, such as "fax (T.38), video"; "" where there was only sound."""
    return ", ".join(_NAMES[kind] for kind in find_other_media(dialog))
