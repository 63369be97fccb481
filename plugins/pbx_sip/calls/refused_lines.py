"""Lines of sound that a recorder refused, as it cannot record what they were to carry.

Source: RFC 3264 section 6 (port 0 in an answer refuses a line).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.sdp.answer import is_unknown_sound, name_coding

if TYPE_CHECKING:
    from plugins.pbx_sip.sdp.description import Media


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLine:
    """A line of a recording session, refused from some moment on, ns since 1970, UTC.

    coding: which it was to be in; what it is encrypted by, "SRTP" or "DTLS-SRTP", where no key is known that opens it.
    """

    section: int
    at_ns: int
    coding: str


def find_refused_lines(dialog: Dialog) -> Iterator[RefusedLine]:
    """Each as often as it was refused after it had been taken; those of ordinary calls are none."""
    if dialog.session is None:
        return
    offered: dict[int, Media] = {}
    refused: set[int] = set()
    for stance in sorted(dialog.stances, key=lambda each: each.at_ns):
        section = stance.section
        if stance.side is Side.CALLER:
            offered[section] = stance.media
        elif not stance.media.is_rejected:
            refused.discard(section)
        elif section in offered and section not in refused and is_unknown_sound(offered[section]):
            refused.add(section)
            yield RefusedLine(section=section, at_ns=stance.at_ns, coding=name_coding(offered[section]))
