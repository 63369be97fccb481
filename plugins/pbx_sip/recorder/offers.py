"""What the body of a request offers, and the refusals that it may earn.

Source: RFC 3261 sections 8.2.3, 20.43 (Warning) and 21.4; RFC 5621 section 3 (which bodies have to be understood).
"""

from plugins.pbx_sip.recorder.capabilities import BODIES
from plugins.pbx_sip.sdp.answer import is_unknown_sound, name_coding
from plugins.pbx_sip.sdp.description import Description
from plugins.pbx_sip.sdp.errors import BadDescription
from plugins.pbx_sip.sdp.reader import parse_description
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.headers import Field
from plugins.pbx_sip.sip.message import Message, Request
from plugins.pbx_sip.siprec.contents import SNAPSHOT_REQUEST_TYPE, read_contents
from plugins.pbx_sip.siprec.multipart import BadMultipart, parse_value

_WARNER = "recording-hub"


def read_offer(request: Request) -> Description | None:
    """The session description that an INVITE, UPDATE or ACK brings; None without one. Metadata is not looked at.

    Raises: BadRequest with 400 or 415.
    """
    if not request.body:
        return None
    coding = (request.headers.get("Content-Encoding") or "identity").strip().lower()
    if coding != "identity":
        raise BadRequest(415, "Unsupported Media Type", request, (("Accept-Encoding", "identity"),))
    content_type = request.headers.get("Content-Type") or ""
    disposition = request.headers.get("Content-Disposition") or ""
    try:
        contents = read_contents(request.body, content_type, disposition)
    except BadMultipart as error:
        raise BadRequest(400, "Bad Request", request, (_warn(399, str(error)),)) from None
    if contents.sdp is not None:
        return _parse(contents.sdp, request)
    is_strange = contents.metadata is None and len(contents.others) == 1 and request.method == "INVITE"
    if is_strange and contents.others[0].content_type != SNAPSHOT_REQUEST_TYPE and not _is_optional(disposition):
        raise BadRequest(415, "Unsupported Media Type", request, (("Accept", BODIES),))
    return None


def check_accept(request: Request) -> None:
    """Refuse a client that would understand no description of ours, whatever it says.

    Some forget to name application/sdp and understand it all the same, so any such kind of body will do.

    Raises: BadRequest with 406. Source: RFC 3261 section 20.1, RFC 4475 section 3.3.15.
    """
    kinds = {token.partition("/")[0].strip().lower() for token in request.tokens("Accept") if token}
    if kinds and kinds.isdisjoint({"application", "multipart", "*"}):
        warning = _warn(399, "An answer has a body of the kind application/sdp")
        raise BadRequest(406, "Not Acceptable", request, (warning,))


def read_description(message: Message) -> tuple[bytes, Description] | None:
    """The session description in a message that was accepted before: its bytes, and what it says; None without one."""
    try:
        sdp = read_contents(message.body, message.headers.get("Content-Type") or "").sdp
        return None if sdp is None else (sdp, parse_description(sdp))
    except (BadMultipart, BadDescription):
        return None


def refuse_media(offer: Description, request: Request) -> BadRequest:
    """The refusal of an offer of which nothing can be recorded.

    Source: RFC 3261 section 20.43: 304 where there is no audio, 305 where the audio has no codec or keys in common.
    """
    if (refusal := refuse_lines(offer, request)) is not None:
        return refusal
    has_audio = any(media.kind == "audio" and not media.is_rejected for media in offer.media)
    warning = _warn(305, "Incompatible media format") if has_audio else _warn(304, "Media type not available")
    return BadRequest(488, "Not Acceptable Here", request, (warning,))


def refuse_lines(offer: Description, request: Request) -> BadRequest | None:
    """The refusal that names the lines of sound in an offer that cannot be recorded; None if all can.

    It is told to people where the offer is accepted for other lines.
    """
    refused = [
        f"line {place} ({name_coding(media)})"
        for place, media in enumerate(offer.media, start=1)
        if is_unknown_sound(media)
    ]
    if not refused:
        return None
    warning = _warn(305, f"Incompatible media format: {'; '.join(refused)}")
    return BadRequest(488, "Not Acceptable Here", request, (warning,))


def find_codings(refusal: BadRequest) -> tuple[str, ...]:
    """What the lines of sound are in that an offer was refused for, as `name_coding` says; () for other reasons."""
    described = read_description(refusal.request) if refusal.status == 488 else None
    lines = described[1].media if described else ()
    return tuple(dict.fromkeys(name_coding(media) for media in lines if is_unknown_sound(media)))


def has_no_audio(refusal: BadRequest) -> bool:
    """Whether an offer was refused as there is no audio in it, such as one of a fax."""
    return refusal.status == 488 and any(value.startswith("304 ") for _, value in refusal.headers)


def _parse(sdp: bytes, request: Request) -> Description:
    try:
        return parse_description(sdp)
    except BadDescription as error:
        raise BadRequest(400, "Bad Request", request, (_warn(399, str(error)),)) from None


def _is_optional(disposition: str) -> bool:
    return parse_value(disposition)[1].get("handling", "").lower() == "optional"


def _warn(code: int, text: str) -> Field:
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "'" for sign in text)
    return "Warning", f'{code} {_WARNER} "{plain[:200]}"'
