"""Bodies in several parts: split as loosely as they are sent, written as strictly as the standard says.

Source: RFC 2046 section 5.1 (multipart), RFC 2045 section 5.1 (Content-Type), RFC 5621 (bodies in SIP).
"""

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from quopri import decodestring

BODY_BYTES_MAX = 512 * 1024
PARTS_MAX = 32
DEPTH_MAX = 3
HEADER_LINES_MAX = 64
HEADER_CHARS_MAX = 2048
BOUNDARY_BYTES_MAX = 200
PREAMBLE_LINES_MAX = 200
DEFAULT_BOUNDARY = "recording-hub-boundary"
BLANKS = " \t\r\n"
BLANK_BYTES = b" \t\r\n\0"
TOKEN_CHARS = frozenset("!#$%&'*+-.^_`|~abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
BOUNDARY_CHARS = frozenset("'()+_,-./:=? abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


class BadMultipart(ValueError):
    """The body is too large or has too many parts to be taken apart, or cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a body.

    content_type: lower case, without parameters, "" if none was given; parameters: its own, their names lower case.
    disposition: such as "recording-session", lower case, without parameters, "" if none was given.
    """

    content_type: str
    body: bytes
    parameters: Mapping[str, str] = field(default_factory=dict)
    disposition: str = ""


def split_body(body: bytes, content_type: str = "", disposition: str = "") -> tuple[Part, ...]:
    """The parts of a message body in the order they came, nested ones in the place of what held them.

    A body that is no multipart is one part, an empty one is none. A boundary that is missing from the Content-Type or
    names no line of the body is guessed from the body. A missing closing boundary ends the last part with the body.

    Raises: BadMultipart.
    """
    if len(body) > BODY_BYTES_MAX:
        raise BadMultipart(f"a body of {len(body)} bytes is longer than is read")
    if not body.strip(BLANK_BYTES):
        return ()
    name, parameters = parse_value(content_type)
    whole = Part(content_type=name, parameters=parameters, disposition=parse_value(disposition)[0], body=body)
    parts = tuple(islice(_leaves(whole, 0), PARTS_MAX + 1))
    if len(parts) > PARTS_MAX:
        raise BadMultipart(f"a body of more than {PARTS_MAX} parts is not read")
    return parts


def write_body(parts: Sequence[Part], boundary: str = DEFAULT_BOUNDARY) -> tuple[str, bytes]:
    """The Content-Type and the bytes of a multipart/mixed body; the boundary is lengthened until no part contains it.

    Raises: BadMultipart (no part, or a header of a part that cannot be written).
    """
    if not parts:
        raise BadMultipart("a multipart body needs a part")
    if not boundary or len(boundary) > 60 or boundary[-1] == " " or not BOUNDARY_CHARS.issuperset(boundary):
        raise BadMultipart(f"{boundary!r} is no boundary")
    chosen, turn = boundary, 0
    while any(b"--" + chosen.encode() in part.body for part in parts):
        turn += 1
        chosen = f"{boundary}-{turn}"
    lines: list[bytes] = []
    for part in parts:
        lines += [b"--" + chosen.encode(), *_header_lines(part), b"", part.body]
    lines += [b"--" + chosen.encode() + b"--", b""]
    return f'multipart/mixed;boundary="{chosen}"', b"\r\n".join(lines)


def parse_value(value: str) -> tuple[str, dict[str, str]]:
    """A header value in front of its parameters, lower case, and the parameters, their names lower case.

    Source: RFC 2045 section 5.1; a parameter may be quoted or not, whatever characters it has.
    """
    pieces = _split_quoted(value[:HEADER_CHARS_MAX])
    parameters: dict[str, str] = {}
    for piece in pieces[1:]:
        name, _, text = piece.partition("=")
        parameters.setdefault(name.strip(BLANKS).lower(), _unquote(text.strip(BLANKS)))
    return pieces[0].strip(BLANKS).lower(), parameters


def _split_quoted(text: str) -> list[str]:
    """The text split at semicolons outside quotation marks."""
    if '"' not in text:
        return text.split(";")
    pieces, start, quoted, index = [], 0, False, 0
    while index < len(text):
        char = text[index]
        if quoted and char == "\\":
            index += 1
        elif char == '"':
            quoted = not quoted
        elif char == ";" and not quoted:
            pieces.append(text[start:index])
            start = index + 1
        index += 1
    return [*pieces, text[start:]]


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text
    inner = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
    chars, escaped = [], False
    for char in inner:
        if char == "\\" and not escaped:
            escaped = True
            continue
        chars.append(char)
        escaped = False
    return "".join(chars)


def _leaves(part: Part, depth: int) -> Iterator[Part]:
    """The part itself, or the parts it is made of; what is nested too deep stays whole."""
    is_multipart = part.content_type.startswith("multipart/")
    may_hold_parts = depth < DEPTH_MAX and (is_multipart or depth == 0)
    boundary = _find_boundary(part, is_multipart) if may_hold_parts else b""
    if not boundary:
        yield part
        return
    for chunk in _chunks(part.body, boundary):
        yield from _leaves(_read_part(chunk), depth + 1)


def _find_boundary(part: Part, is_multipart: bool) -> bytes:
    """The boundary of a body that has parts, else b""; a body of another type must begin with it."""
    given = part.parameters.get("boundary", "").strip(BLANKS).encode("utf-8", "surrogateescape")
    if is_multipart and given and _has_delimiter(part.body, given):
        return given
    for number, line in enumerate(part.body.split(b"\n", PREAMBLE_LINES_MAX)):
        bare = line.rstrip(BLANK_BYTES)
        if bare.startswith(b"--") and 2 < len(bare) <= BOUNDARY_BYTES_MAX:
            return bare[2:]
        if not is_multipart and bare and number < PREAMBLE_LINES_MAX:
            return b""
    return b""


def _has_delimiter(body: bytes, boundary: bytes) -> bool:
    mark = b"--" + boundary
    return body.startswith(mark) or b"\n" + mark in body


def _chunks(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What lies between the delimiter lines; the line end before a delimiter belongs to the delimiter."""
    start = -1
    for begin, end, closes in _delimiters(body, b"--" + boundary):
        if start >= 0:
            yield body[start : _trim_line_end(body, start, begin)]
        if closes:
            return
        start = end
    if start >= 0:
        yield body[start:]


def _delimiters(body: bytes, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    """(begin, end, whether it closes) of each delimiter line; spaces may follow the boundary."""
    at = 0
    while (at := body.find(mark, at)) >= 0:
        end = body.find(b"\n", at)
        end = len(body) if end < 0 else end + 1
        rest = body[at + len(mark) : end].rstrip(BLANK_BYTES)
        if (at == 0 or body[at - 1 : at] == b"\n") and rest in {b"", b"--"}:
            yield at, end, rest == b"--"
        at = end


def _trim_line_end(body: bytes, start: int, end: int) -> int:
    for mark in (b"\r\n", b"\n"):
        if body.endswith(mark, start, end):
            return end - len(mark)
    return end


def _read_part(chunk: bytes) -> Part:
    headers: list[tuple[str, str]] = []
    position = 0
    for _ in range(HEADER_LINES_MAX):
        end = chunk.find(b"\n", position)
        line_end = len(chunk) if end < 0 else end
        line = chunk[position:line_end][:HEADER_CHARS_MAX].decode("utf-8", "replace").rstrip(BLANKS)
        name, colon, value = line.partition(":")
        name = name.rstrip(BLANKS)
        if headers and line[:1] in {" ", "\t"} and line.strip(BLANKS):
            headers[-1] = (headers[-1][0], f"{headers[-1][1]} {line.strip(BLANKS)}")
        elif colon and name and TOKEN_CHARS.issuperset(name):
            headers.append((name.lower(), value.strip(BLANKS)))
        else:
            # An empty line ends the headers; a line that is no header is the body of a part that forgot the empty line.
            position = position if line else min(line_end + 1, len(chunk))
            break
        position = min(line_end + 1, len(chunk))
        if position == len(chunk):
            break
    return _make_part(dict(reversed(headers)), chunk[position:])


def _make_part(headers: Mapping[str, str], body: bytes) -> Part:
    name, parameters = parse_value(headers.get("content-type", headers.get("c", "")))
    disposition = parse_value(headers.get("content-disposition", ""))[0]
    coding = headers.get("content-transfer-encoding", "").strip(BLANKS).lower()
    return Part(content_type=name, parameters=parameters, disposition=disposition, body=_decode(body, coding))


def _decode(body: bytes, coding: str) -> bytes:
    """A part as it was before it was made fit for mail, of which SIP knows nothing; what is no such coding stays.

    Source: RFC 2045 section 6.7 (quoted-printable), section 6.8 (base64).
    """
    if coding == "quoted-printable":
        return decodestring(body)
    if coding != "base64":
        return body
    try:
        return b64decode(body.translate(None, BLANK_BYTES), validate=True)
    except ValueError:
        return body


def _header_lines(part: Part) -> list[bytes]:
    content_type = part.content_type + "".join(f';{name}="{_escape(text)}"' for name, text in part.parameters.items())
    headers = [("Content-Type", content_type), ("Content-Disposition", part.disposition)]
    for _, value in headers:
        if any(char < " " or char == "\x7f" for char in value):
            raise BadMultipart(f"{value!r} cannot stand in a header")
    return [f"{name}: {value}".encode() for name, value in headers if value]


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
