"""Header fields with a shape of their own: CSeq, Content-Type, Session-Expires, Reason, User-to-User and numbers.

Source: RFC 3261 section 20, RFC 4028 (timers), RFC 3326 (Reason), RFC 7433 (User-to-User).
"""

from dataclasses import dataclass

from plugins.pbx_sip.sip.errors import BadValue
from plugins.pbx_sip.sip.params import (
    Parameterised,
    Params,
    cut_quoted,
    is_token,
    parse_params,
    unquote,
    write_params,
)

CSEQ_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class CSeq:
    """The place of a request among those of its dialog."""

    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@dataclass(frozen=True, slots=True)
class ContentType(Parameterised):
    """What a body is: type and subtype in small letters."""

    type: str
    params: Params = ()

    @property
    def boundary(self) -> str:
        """What parts a multipart body; "" where none is said."""
        return self.param("boundary") or ""

    def __str__(self) -> str:
        return f"{self.type}{write_params(self.params)}"


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """How long a session lasts without a refresh; refresher: "uac", "uas" or ""."""

    interval_s: int
    refresher: str = ""

    def __str__(self) -> str:
        return f"{self.interval_s};refresher={self.refresher}" if self.refresher else str(self.interval_s)


@dataclass(frozen=True, slots=True)
class Reason(Parameterised):
    """Why a request was sent: protocol such as "Q.850" or "SIP"; cause None where it is no number."""

    protocol: str
    cause: int | None
    text: str
    params: Params = ()


@dataclass(frozen=True, slots=True)
class UserToUser(Parameterised):
    """What one user's system tells the other's; data as it was before it was encoded."""

    data: bytes
    params: Params = ()


def parse_number(text: str, largest: int = 2**32 - 1) -> int:
    """The number in a field such as Max-Forwards, Min-SE, Expires or Content-Length; what follows ";" does not count.

    Raises: BadValue.
    """
    digits = text.partition(";")[0].strip()
    significant = digits.lstrip("0") or "0"
    if not (digits.isascii() and digits.isdecimal() and len(significant) < 11 and int(significant) <= largest):
        raise BadValue(f"{text[:40]!r} is no number up to {largest}")
    return int(significant)


def parse_cseq(text: str) -> CSeq:
    """The number and the method of a CSeq.

    Raises: BadValue.
    """
    parts = text.split()
    if len(parts) != 2 or not is_token(parts[1]):
        raise BadValue(f"{text[:40]!r} is no CSeq")
    return CSeq(parse_number(parts[0], CSEQ_MAX), parts[1])


def parse_content_type(text: str) -> ContentType:
    """The type of a body.

    Raises: BadValue.
    """
    name, _, params = text.partition(";")
    name = "".join(name.split()).lower()
    if name.count("/") != 1 or name.startswith("/") or name.endswith("/"):
        raise BadValue(f"{text[:40]!r} is no type of content")
    return ContentType(name, parse_params(params))


def parse_session_expires(text: str) -> SessionExpires:
    """The interval and who refreshes it.

    Raises: BadValue.
    """
    number, _, params = text.partition(";")
    refresher = dict(parse_params(params)).get("refresher", "").lower()
    return SessionExpires(parse_number(number), refresher if refresher in {"uac", "uas"} else "")


def parse_reason(text: str) -> Reason:
    """One item of a Reason.

    Raises: BadValue.
    """
    protocol, _, rest = text.partition(";")
    params = parse_params(rest)
    named = dict(params)
    cause = named.get("cause", "")
    is_number = cause.isascii() and cause.isdecimal() and len(cause) < 6
    return Reason(protocol.strip(), int(cause) if is_number else None, named.get("text", ""), params)


def parse_user_to_user(text: str) -> UserToUser:
    """What one item of a User-to-User carries: hexadecimal digits unless it says or looks otherwise.

    Raises: BadValue when a quote does not end.
    """
    if text.startswith('"'):
        rest = cut_quoted(text)[1]
        content, params = text[: len(text) - len(rest)], rest
    else:
        content, _, params = text.partition(";")
    pairs = parse_params(params)
    plain = unquote(content.strip())
    if dict(pairs).get("encoding", "hex").lower() == "hex":
        try:
            return UserToUser(bytes.fromhex(plain), pairs)
        except ValueError:
            pass  # some write text and do not say so
    return UserToUser(plain.encode("utf-8", "surrogateescape"), pairs)
