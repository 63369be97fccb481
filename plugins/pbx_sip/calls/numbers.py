"""The device's number plan: who is one of us, and which way a call went."""

from dataclasses import dataclass

from hub.sdk import Direction
from plugins.pbx_sip.sip.address import Address
from plugins.pbx_sip.sip.errors import SipError

_ANONYMOUS = frozenset({"anonymous", "restricted", "unavailable", "unknown", "private"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPlan:
    """internal_digits: numbers up to this length are extensions; 0: never guess.

    internal_prefixes: what numbers of the company begin with, such as "+4930123". outside_prefix: dialled for a line.
    """

    internal_digits: int = 5
    internal_prefixes: tuple[str, ...] = ()
    outside_prefix: str = ""

    def is_internal(self, number: str) -> bool:
        """Whether it belongs to the company."""
        if any(number.startswith(prefix) for prefix in self.internal_prefixes):
            return True
        return number.isdecimal() and len(number) <= self.internal_digits

    def direction(self, caller: str, called: str) -> Direction:
        """Which way a call between two numbers went; unknown where neither, or one that is missing, tells."""
        if not caller and not called:
            return Direction.UNKNOWN
        match self.is_internal(caller), self.is_internal(called):
            case True, True:
                return Direction.INTERNAL
            case True, False:
                return Direction.OUTGOING
            case False, True:
                return Direction.INCOMING
        return Direction.UNKNOWN

    def without_line(self, dialled: str) -> str:
        """A dialled number without what was dialled for an outside line."""
        rest = dialled.removeprefix(self.outside_prefix) if self.outside_prefix else dialled
        return rest if rest != dialled and len(rest) > self.internal_digits else dialled


def number_of(address: Address | None) -> str:
    """The number, or else the name, that an address leads to; "" for none and for who does not want to be known."""
    if address is None:
        return ""
    try:
        uri = address.uri
    except SipError:
        return ""
    user = uri.number or uri.user.partition(";")[0]
    return "" if user.lower() in _ANONYMOUS else user


def name_of(address: Address | None) -> str:
    """The name that an address shows; "" if it only repeats the number."""
    if address is None or address.display.lower() in _ANONYMOUS:
        return ""
    return "" if address.display == number_of(address) else address.display
