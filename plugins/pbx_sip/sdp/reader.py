"""Session descriptions read as loosely as they are sent.

Source: RFC 8866 section 5 and 6, RFC 5939 section 3.4.1 (a=acap).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from plugins.pbx_sip.sdp.codecs import PAYLOAD_TYPE_MAX, STATIC_CODECS, Codec
from plugins.pbx_sip.sdp.description import DTLS_PROTOCOLS, RTP_PROTOCOLS, Description, Direction, Media, Origin
from plugins.pbx_sip.sdp.errors import BadDescription
from plugins.pbx_sip.sdp.keys import Crypto, parse_crypto

TEXT_BYTES_MAX = 64 * 1024
LINES_MAX = 2000
MEDIA_MAX = 64
FORMATS_MAX = 128
CRYPTO_MAX = 16
PROBLEMS_MAX = 20
NUMBER_MAX = 2**64 - 1
ICE = frozenset(
    {"candidate", "remote-candidates", "end-of-candidates", "ice-ufrag", "ice-pwd", "ice-options", "ice-lite"}
    | {"ice-mismatch", "ice-pacing"}
)
_CARRYING_RTP = RTP_PROTOCOLS | DTLS_PROTOCOLS
DIRECTIONS = {way.value: way for way in Direction}
READ_FIELDS = frozenset(
    {"rtpmap", "fmtp", "ptime", "maxptime", "label", "rtcp", "rtcp-mux", "crypto", "record", "recordpref", *DIRECTIONS}
    | ICE
)


@dataclass(slots=True)
class _Section:
    """Lines that belong together: those of the session, or those of one media line."""

    heading: str = ""
    address: str = ""
    attributes: list[tuple[str, str]] = field(default_factory=list)

    def first(self, name: str) -> str:
        return next((value for key, value in self.attributes if key == name), "")

    def named(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]

    def direction(self) -> Direction | None:
        found = [key for key, _ in self.attributes if key in DIRECTIONS]
        return DIRECTIONS[found[-1]] if found else None

    def others(self) -> tuple[tuple[str, str], ...]:
        return tuple((key, value) for key, value in self.attributes if key not in READ_FIELDS)


@lru_cache(maxsize=64)
def parse_description(data: bytes) -> Description:
    """The description in the bytes of an application/sdp body.

    Unknown lines are passed over, missing ones are made up for; a media line has to be readable, for an answer has to
    hold one for each. The latest are remembered: one who answers a call and one who takes note of it read the same.

    Raises: BadDescription.
    """
    if len(data) > TEXT_BYTES_MAX:
        raise BadDescription(f"a description of {len(data)} bytes is longer than is read")
    text = data.decode("utf-8", "replace").replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if len(lines) > LINES_MAX:
        raise BadDescription(f"a description of {len(lines)} lines is longer than is read")
    problems: list[str] = []
    session, sections, heads = _gather(lines)
    if "v" not in heads and not sections:
        raise BadDescription("neither v= nor m= is in it")
    if len(sections) > MEDIA_MAX:
        raise BadDescription(f"more than {MEDIA_MAX} media lines are not read")
    media = tuple(_read_media(section, session, problems) for section in sections)
    return Description(
        origin=_read_origin(heads.get("o", ""), problems),
        media=media,
        name=heads.get("s", "") or "-",
        address=session.address,
        attributes=session.others(),
        problems=tuple(problems[:PROBLEMS_MAX]),
    )


def _gather(lines: Sequence[str]) -> tuple[_Section, list[_Section], dict[str, str]]:
    """The session's section, one section per media line, and the first of the session's own lines by letter."""
    session = _Section()
    sections: list[_Section] = []
    heads: dict[str, str] = {}
    for line in lines:
        letter, equals, value = line.strip(" \t").partition("=")
        letter, value = letter.strip().lower(), value.strip()
        if not equals or len(letter) != 1:
            continue
        section = sections[-1] if sections else session
        if letter == "m":
            sections.append(_Section(heading=value))
        elif letter == "a":
            name, _, text = value.partition(":")
            section.attributes.append((name.strip().lower(), text.strip()))
        elif letter == "c":
            section.address = section.address or _read_address(value)
        elif not sections:
            heads.setdefault(letter, value)
    return session, sections, heads


def _read_address(value: str) -> str:
    """The host of a c= or a=rtcp value without time to live or count."""
    words = value.split()
    if not words:
        return ""
    host = words[2] if len(words) > 2 and words[0].upper() == "IN" else words[-1]
    return host.partition("/")[0].strip("[]")[:255]


def _read_origin(value: str, problems: list[str]) -> Origin:
    words = value.split()
    if len(words) < 6:
        problems.append("the o= line is missing or incomplete")
        username, session_id, version = (words + ["-", "0", "0"][len(words) :])[:3]
        return Origin(username=username, session_id=_number(session_id), version=_number(version))
    # A user name with spaces in it is against the rules and seen all the same.
    return Origin(
        username=" ".join(words[:-5]),
        session_id=_number(words[-5]),
        version=_number(words[-4]),
        address=words[-1].partition("/")[0].strip("[]")[:255],
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 20 and int(text) <= NUMBER_MAX else 0


def _read_media(section: _Section, session: _Section, problems: list[str]) -> Media:
    words = section.heading.split()
    if len(words) < 3:
        raise BadDescription(f"the media line {section.heading[:80]!r} has no kind, port and protocol")
    port_text, _, count_text = words[1].partition("/")
    if not (port_text.isascii() and port_text.isdecimal() and len(port_text) <= 5 and int(port_text) <= 65535):
        raise BadDescription(f"the media line {section.heading[:80]!r} has no port")
    formats = tuple(words[3 : 3 + FORMATS_MAX])
    rtcp = section.first("rtcp").split()
    return Media(
        kind=words[0].lower(),
        port=int(port_text),
        port_count=max(1, min(_number(count_text), 65535)),
        protocol=words[2],
        formats=formats,
        codecs=_read_codecs(formats, section) if words[2].upper() in _CARRYING_RTP else (),
        address=section.address or session.address,
        direction=section.direction() or session.direction() or Direction.SENDRECV,
        label=section.first("label"),
        ptime_ms=_read_milliseconds(section.first("ptime") or session.first("ptime")),
        maxptime_ms=_read_milliseconds(section.first("maxptime") or session.first("maxptime")),
        rtcp_port=_number(rtcp[0]) if rtcp and 0 < _number(rtcp[0]) <= 65535 else None,
        rtcp_address=_read_address(" ".join(rtcp[1:])),
        rtcp_mux=any(key == "rtcp-mux" for key, _ in section.attributes),
        crypto=_read_crypto(section.named("crypto"), problems),
        possible_crypto=_read_crypto(_read_capabilities("crypto", section, session), problems),
        has_fingerprint=bool(section.first("fingerprint") or session.first("fingerprint")),
        recording=(section.first("record") or session.first("record")).lower(),
        recording_wish=(section.first("recordpref") or session.first("recordpref")).lower(),
        attributes=section.others(),
    )


def _read_milliseconds(text: str) -> int | None:
    number = _number(text.partition(".")[0].strip())
    return number if 0 < number <= 10_000 else None


def _read_codecs(formats: Sequence[str], section: _Section) -> tuple[Codec, ...]:
    maps = _by_payload_type(section.named("rtpmap"))
    parameters = _by_payload_type(section.named("fmtp"))
    codecs: dict[int, Codec] = {}
    for text in formats:
        if not text.isascii() or not text.isdecimal() or len(text) > 3 or int(text) > PAYLOAD_TYPE_MAX:
            continue
        payload_type = int(text)
        codecs.setdefault(
            payload_type, _read_codec(payload_type, maps.get(payload_type, ""), parameters.get(payload_type, ""))
        )
    return tuple(codecs.values())


def _by_payload_type(values: Sequence[str]) -> Mapping[int, str]:
    found: dict[int, str] = {}
    for value in filter(None, values):
        number, *text = value.split(None, 1)
        if number.isascii() and number.isdecimal() and len(number) <= 3:
            found.setdefault(int(number), "".join(text))
    return found


def _read_codec(payload_type: int, mapped: str, parameters: str) -> Codec:
    encoding, *rest = (piece.strip() for piece in mapped.split("/"))
    if not encoding:
        static = STATIC_CODECS.get(payload_type, Codec(payload_type=payload_type))
        encoding, rest = static.encoding, [str(static.clock_rate_hz), str(static.channels)]
    return Codec(
        payload_type=payload_type,
        encoding=encoding,
        clock_rate_hz=(_number(rest[0]) if rest else 0) or (8000 if mapped else 0),
        channels=max(1, min(_number(rest[1]), 255)) if len(rest) > 1 else 1,
        parameters=parameters,
    )


def _read_capabilities(name: str, *sections: _Section) -> list[str]:
    """The values of an attribute that a side would say if the other one wished it, such as "1 crypto:1 ..."."""
    words = (value.split(None, 1) for section in sections for value in section.named("acap"))
    told = (pair[1].partition(":") for pair in words if len(pair) == 2)
    return [value.strip() for attribute, _, value in told if attribute.strip().lower() == name]


def _read_crypto(values: Sequence[str], problems: list[str]) -> tuple[Crypto, ...]:
    found: list[Crypto] = []
    for value in values[:CRYPTO_MAX]:
        try:
            crypto = parse_crypto(value)
        except BadDescription as error:
            problems.append(str(error))
            continue
        if crypto is not None:
            found.append(crypto)
    return tuple(found)
