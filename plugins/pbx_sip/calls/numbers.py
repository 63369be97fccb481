"""The device's number plan: who is one of us, and which way a call went."""

from dataclasses import dataclass

from hub.sdk import Direction
from plugins.pbx_sip.calls.countries import Country
from plugins.pbx_sip.sip.address import Address
from plugins.pbx_sip.sip.errors import SipError

_ANONYMOUS = frozenset({"anonymous", "restricted", "unavailable", "unknown", "private"})
_SEPARATORS = str.maketrans("", "", " -./()")
_SHORTEST, _LONGEST = 7, 15
_NORTH_AMERICA, _NORTH_AMERICAN_DIGITS = "1", 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPlan:
    """internal_digits: numbers up to this length are extensions; 0: never guess.

    internal_prefixes: what numbers of the company begin with, such as "+4930123". outside_prefix: dialled for a line.
    country, area_code: where the telephone system stands, if that is known.
    """

    internal_digits: int = 5
    internal_prefixes: tuple[str, ...] = ()
    outside_prefix: str = ""
    country: Country | None = None
    area_code: str = ""

    def is_internal(self, number: str) -> bool:
        """Whether it belongs to the company."""
        full = self.in_full(number)
        for prefix in self.internal_prefixes:
            if number.startswith(prefix) or (full and full.startswith(self._expand(prefix) or prefix)):
                return True
        if self.outside_prefix and number.startswith(self.outside_prefix):
            return False
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

    def in_full(self, number: str) -> str:
        """The number as all the world dials it, such as "+4930123456"; "" where the plan does not tell for certain.

        Source: ITU-T E.164 section 6.
        """
        digits = number.translate(_SEPARATORS)
        if not digits.startswith("+") and len(digits) <= self.internal_digits:
            return ""
        full = self._expand(digits)
        return full if _SHORTEST <= len(full) - 1 <= _LONGEST else ""

    def describe(self, **numbers: str) -> dict[str, str]:
        """The numbers in full, by what they are, where that says more than they do."""
        full = {name: self.in_full(number) for name, number in numbers.items()}
        return {f"{name}_e164": full[name] for name, number in numbers.items() if full[name] not in {"", number}}

    def _expand(self, digits: str) -> str:
        """Digits, or the first ones of a number, with the code of their country; "" if that is not certain."""
        plain = digits.removeprefix("+")
        if not (plain.isascii() and plain.isdecimal()):
            return ""
        if plain != digits:
            return digits
        return self._add_country(self.country, digits) if self.country else ""

    def _add_country(self, country: Country, digits: str) -> str:
        if digits.startswith(country.international):
            return "+" + digits.removeprefix(country.international)
        if not country.national or (country.code == _NORTH_AMERICA and len(digits) == _NORTH_AMERICAN_DIGITS):
            return f"+{country.code}{digits}"
        if digits.startswith(country.national):
            return f"+{country.code}{digits.removeprefix(country.national)}"
        return f"+{country.code}{self.area_code}{digits}" if self.area_code else ""


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
