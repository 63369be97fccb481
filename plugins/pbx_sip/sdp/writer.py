"""Session descriptions written as strictly as the standard says.

Source: RFC 8866 section 5 (order of the lines) and section 9 (grammar).
"""

import re
from collections.abc import Iterator

from plugins.pbx_sip.sdp.codecs import Codec
from plugins.pbx_sip.sdp.description import Description, Media
from plugins.pbx_sip.sdp.errors import BadDescription
from plugins.pbx_sip.sdp.keys import format_crypto

TOKEN = re.compile(r"[!#-'*+\-.0-9A-Z^-~]+")
PORT_MAX = 65535


def render_description(description: Description) -> bytes:
    """The bytes of an application/sdp body.

    Raises: BadDescription (a value cannot stand in its line, or a media section has neither address nor port 0).
    """
    lines = list(_session_lines(description))
    for media in description.media:
        lines += _media_lines(media, description.address)
    for line in lines:
        if any(char in line for char in "\r\n\0"):
            raise BadDescription(f"{line[:80]!r} would break its line")
    return "".join(f"{line}\r\n" for line in lines).encode()


def _session_lines(description: Description) -> Iterator[str]:
    origin = description.origin
    username = _token(origin.username, "the user name of the origin")
    yield "v=0"
    yield f"o={username} {origin.session_id} {origin.version} {_format_address(origin.address)}"
    yield f"s={description.name or '-'}"
    if description.address:
        yield f"c={_format_address(description.address)}"
    yield "t=0 0"
    yield from _attribute_lines(description.attributes)


def _format_address(address: str) -> str:
    if not address or any(char.isspace() for char in address):
        raise BadDescription(f"{address!r} is no address")
    return f"IN {'IP6' if ':' in address else 'IP4'} {address}"


def _media_lines(media: Media, session_address: str) -> Iterator[str]:
    if not 0 <= media.port <= PORT_MAX or not media.formats:
        raise BadDescription(f"a media line needs a port and formats, not {media.port} and {media.formats}")
    if not (session_address or media.address or media.is_rejected):
        raise BadDescription("a media section in use has no address")
    port = f"{media.port}/{media.port_count}" if media.port_count > 1 else str(media.port)
    formats = " ".join(_token(text, "a format") for text in media.formats)
    yield f"m={_token(media.kind, 'a kind of media')} {port} {_format_protocol(media.protocol)} {formats}"
    if media.address and media.address != session_address:
        yield f"c={_format_address(media.address)}"
    for codec in media.codecs:
        yield from _codec_lines(codec)
    yield from _own_lines(media)
    yield from _attribute_lines(media.attributes)
    if not media.is_rejected:
        yield f"a={media.direction}"


def _format_protocol(protocol: str) -> str:
    return "/".join(_token(word, "a protocol") for word in protocol.split("/"))


def _own_lines(media: Media) -> Iterator[str]:
    if media.ptime_ms is not None:
        yield f"a=ptime:{media.ptime_ms}"
    if media.maxptime_ms is not None:
        yield f"a=maxptime:{media.maxptime_ms}"
    if media.label:
        yield f"a=label:{_token(media.label, 'a label')}"
    if media.rtcp_port is not None:
        yield f"a=rtcp:{media.rtcp_port}{f' {_format_address(media.rtcp_address)}' if media.rtcp_address else ''}"
    if media.rtcp_mux:
        yield "a=rtcp-mux"
    for crypto in media.crypto:
        yield f"a=crypto:{format_crypto(crypto)}"


def _codec_lines(codec: Codec) -> Iterator[str]:
    if codec.encoding:
        channels = f"/{codec.channels}" if codec.channels > 1 else ""
        encoding = _token(codec.encoding, "an encoding")
        yield f"a=rtpmap:{codec.payload_type} {encoding}/{codec.clock_rate_hz}{channels}"
    if codec.parameters:
        yield f"a=fmtp:{codec.payload_type} {codec.parameters}"


def _attribute_lines(attributes: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, value in attributes:
        yield f"a={_token(name, 'an attribute')}{f':{value}' if value else ''}"


def is_token(text: str) -> bool:
    """Whether a text can stand as one word, such as a label."""
    return TOKEN.fullmatch(text) is not None


def _token(text: str, what: str) -> str:
    if not is_token(text):
        raise BadDescription(f"{text[:80]!r} cannot be {what}")
    return text
