"""Addresses of SIP: sip, sips and tel URIs.

Source: RFC 3261 section 19.1, RFC 3966 (tel), RFC 5118 (IPv6).
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from plugins.pbx_sip.sip.errors import BadValue
from plugins.pbx_sip.sip.params import Parameterised, Params
from plugins.pbx_sip.sip.phone_context import find_context, put_in_context

SCHEMES = ("sip", "sips", "tel")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_HOST = re.compile(r"[\w.~%!-]+", re.ASCII)
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+(?:%[\w.~-]+)?", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9*#]+")
_IN_USER = "-_.!~*'()&=+$,;?/"
_IN_PASSWORD = "-_.!~*'()&=+$,"  # noqa: S105 - characters that need no escape
_IN_PARAM = "[]/:&+$-_.!~*'()"
_IN_HEADER = "[]/?:+$-_.!~*'()"


@dataclass(frozen=True, slots=True)
class Uri(Parameterised):
    """An address, its parts decoded.

    scheme and host: in small letters, an IPv6 address without brackets. port: None where it is not said. user: may hold
    any character, NUL too, and surrogates for bytes that are no UTF-8; of a tel URI the number. opaque: what follows
    the colon of a scheme that is neither sip, sips nor tel.
    """

    scheme: str
    user: str = ""
    host: str = ""
    port: int | None = None
    params: Params = ()
    password: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    opaque: str = ""

    @property
    def number(self) -> str:
        """The telephone number of a tel URI or of a user part that is one, without visual separators; else "".

        A local one is as in all the world where the URI says so.
        """
        number = re.sub(r"[-.() ]", "", self.user.partition(";")[0])
        context = self.param("phone-context") or find_context(self.user)
        return put_in_context(number, context) if _NUMBER.fullmatch(number) else ""

    def __str__(self) -> str:
        params = _write_params(self.params)
        if self.scheme == "tel":
            return f"tel:{quote(self.user, safe='+*#-.()', errors='surrogateescape')}{params}"
        if self.scheme not in SCHEMES:
            return f"{self.scheme}:{self.opaque}"
        user = quote(self.user, safe=_IN_USER, errors="surrogateescape")
        if self.password:
            user += ":" + quote(self.password, safe=_IN_PASSWORD, errors="surrogateescape")
        headers = "&".join(f"{_escape(name, _IN_HEADER)}={_escape(value, _IN_HEADER)}" for name, value in self.headers)
        return "".join(
            (
                f"{self.scheme}:",
                f"{user}@" if user else "",
                write_host(self.host, self.port),
                params,
                f"?{headers}" if headers else "",
            )
        )


def write_host(host: str, port: int | None = None) -> str:
    """A host, an IPv6 address in brackets, and the port where there is one."""
    place = f"[{host}]" if ":" in host else host
    return place if port is None else f"{place}:{port}"


def parse_host(text: str) -> tuple[str, int | None]:
    """The host in small letters, an IPv6 address without its brackets, and the port.

    Raises: BadValue.
    """
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        is_host = bool(bracket) and _IPV6.fullmatch(host) is not None
        colon, port = rest[:1], rest[1:]
    else:
        host, colon, port = text.partition(":")
        is_host = _HOST.fullmatch(host) is not None
    if not is_host or colon not in {"", ":"} or (port and not (port.isascii() and port.isdecimal() and len(port) < 6)):
        raise BadValue(f"{text[:80]!r} is no host with a port")
    if port and int(port) > 65535:
        raise BadValue(f"{port} is no port")
    return host.lower(), int(port) if port else None


def parse_uri(text: str) -> Uri:
    """The address in a text without angle brackets; a scheme that is not known keeps its text as it is.

    Raises: BadValue.
    """
    scheme, colon, rest = text.partition(":")
    if not colon or not rest or not _SCHEME.fullmatch(scheme):
        raise BadValue(f"{text[:80]!r} is no URI")
    if any(sign in rest for sign in ' \t<>"'):
        raise BadValue(f"{text[:80]!r} holds what a URI must not hold")
    scheme = scheme.lower()
    if scheme == "tel":
        number, _, params = rest.partition(";")
        return Uri(scheme, user=_decode(number), params=_parse_params(params))
    if scheme not in SCHEMES:
        return Uri(scheme, opaque=rest)
    userinfo, place = _cut_user(rest)
    place, _, headers = place.partition("?")
    place, _, params = place.partition(";")
    user, _, password = userinfo.partition(":")
    host, port = parse_host(place)
    return Uri(
        scheme,
        user=_decode(user),
        host=host,
        port=port,
        params=_parse_params(params),
        password=_decode(password),
        headers=tuple(_decode_pair(header) for header in headers.split("&") if header),
    )


def _cut_user(text: str) -> tuple[str, str]:
    """A user may hold ";" and "?", and with some vendors "@": the host stands behind the last "@" before its own."""
    user, at, place = text.partition("@")
    if not at:
        return "", text
    before, sign, after = _cut_at_first(place)
    if "@" in before:
        more, _, host = before.rpartition("@")
        return f"{user}@{more}", host + sign + after
    return user, place


def _cut_at_first(text: str) -> tuple[str, str, str]:
    ends = [place for place in (text.find(";"), text.find("?")) if place >= 0]
    end = min(ends, default=len(text))
    return text[:end], text[end : end + 1], text[end + 1 :]


def _parse_params(text: str) -> Params:
    pairs = (_decode_pair(part) for part in text.split(";") if part)
    return tuple((name.lower(), value) for name, value in pairs)


def _write_params(params: Params) -> str:
    return "".join(f";{_escape(name)}={_escape(value)}" if value else f";{_escape(name)}" for name, value in params)


def _decode_pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return _decode(name), _decode(value)


def _decode(text: str) -> str:
    return unquote(text, errors="surrogateescape") if "%" in text else text


def _escape(text: str, safe: str = _IN_PARAM) -> str:
    return quote(text, safe=safe, errors="surrogateescape")
