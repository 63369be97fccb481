"""A party as From, To, Contact, Route and their like name it: a name, a URI and parameters.

Source: RFC 3261 sections 20.10 and 25.1 (name-addr, addr-spec); RFC 3325 (P-Asserted-Identity), RFC 5806 (Diversion).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from plugins.pbx_sip.sip.errors import BadValue
from plugins.pbx_sip.sip.params import Parameterised, Params, cut_quoted, is_token, parse_params, quote, write_params
from plugins.pbx_sip.sip.uri import Uri, parse_uri


@dataclass(frozen=True, slots=True)
class Address(Parameterised):
    """spec: the URI as it was written; only who asks for `uri` has it read. params: those of the field."""

    spec: str
    display: str = ""
    params: Params = ()

    @property
    def uri(self) -> Uri:
        """What the address leads to.

        Raises: BadValue.
        """
        return parse_uri(self.spec)

    @property
    def tag(self) -> str:
        """The tag of a From or To; "" without one."""
        return self.param("tag") or ""

    def __str__(self) -> str:
        display = self.display
        if display and not all(is_token(word) for word in display.split(" ")):
            display = quote(display)
        return f"{display}{' ' if display else ''}<{self.spec}>{write_params(self.params)}"


def parse_address(text: str) -> Address:
    """The one address in a text, with or without angle brackets.

    Raises: BadValue.
    """
    text = text.strip()
    if text.startswith('"'):
        display, rest = cut_quoted(text)
        before, bracket, rest = rest.partition("<")
        if not bracket or before.strip():
            raise BadValue(f"no URI follows the name in {text[:80]!r}")
    else:
        display, bracket, rest = text.partition("<")
        display = display.strip()
    if bracket:
        spec, _, params = rest.partition(">")  # which some forget
        params = params.strip()
        if params and not params.startswith(";"):
            raise BadValue(f"a URI does not end as it should in {text[:80]!r}")
    else:
        spec, _, params = text.partition(";")
        display = ""
        if "?" in spec or "," in spec:
            raise BadValue(f"{text[:80]!r} needs angle brackets")
    spec = spec.strip()
    if not spec:
        raise BadValue(f"{text[:80]!r} has no URI")
    return Address(spec, display, parse_params(params))


def parse_addresses(items: Iterable[str]) -> tuple[Address, ...]:
    """The addresses of a list such as `headers.items("Contact")`; "*" is none.

    Raises: BadValue.
    """
    return tuple(parse_address(item) for item in items if item != "*")
