"""The device's number plan: who is one of us, and which way a call went."""

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from unicodedata import combining, normalize

from hub.sdk import Direction
from plugins.pbx_sip.calls.countries import Country, may_exist
from plugins.pbx_sip.sip.address import Address
from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.text import make_readable
from plugins.pbx_sip.siprec.addresses import ANONYMOUS, parse_number

_SEPARATORS = str.maketrans("", "", " -./()")
_DIALLED = frozenset("0123456789#*?")
_SHORTEST, _LONGEST = 7, 15
_NORTH_AMERICA, _NORTH_AMERICAN_DIGITS = "1", 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPlan:
    """internal_digits: numbers up to this length are extensions; 0: never guess.

    internal_prefixes: what numbers of the company begin with, such as "+4930123". outside_prefix: dialled for a line.
    country, area_code: where the telephone system stands, if that is known. voicemail_numbers: numbers and names of its
    voicemail; "*" stands for any characters, "?" for one.
    """

    internal_digits: int = 5
    internal_prefixes: tuple[str, ...] = ()
    outside_prefix: str = ""
    country: Country | None = None
    area_code: str = ""
    voicemail_numbers: tuple[str, ...] = ()

    def is_internal(self, number: str) -> bool:
        """Whether it belongs to the company."""
        fulls = self._read(number)
        for prefix in self.internal_prefixes:
            begins = self._expand(prefix) or prefix
            if number.startswith(prefix) or any(full.startswith(begins) for full in fulls):
                return True
        if self.outside_prefix and number.startswith(self.outside_prefix):
            return False
        return number.isdecimal() and len(number) <= self.internal_digits

    def is_voicemail(self, number: str, name: str = "") -> bool:
        """Whether somebody of that number and name is the voicemail."""
        keys = {_key(text) for text in (number, *self._read(number)[:1], name) if text}
        wanted = {_key(text) for each in self.voicemail_numbers for text in (each, *self._read(each)[:1]) if text}
        return any(fnmatchcase(key, each.replace("[", "[[]")) for key in keys for each in wanted)

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

    def called_by(self, caller: str, called: str) -> str:
        """Who was called, without what was dialled for an outside line; nobody dials one from outside."""
        return called if self._is_outside(caller) else self._without_line(called)

    def _is_outside(self, number: str) -> bool:
        return number.removeprefix("+").isdecimal() and not self.is_internal(number)

    def _without_line(self, dialled: str) -> str:
        rest = dialled.removeprefix(self.outside_prefix) if self.outside_prefix else dialled
        return rest if rest != dialled and len(rest) > self.internal_digits else dialled

    def in_full(self, number: str) -> str:
        """The number as all the world dials it, such as "+4930123456"; "" where the plan does not tell for certain.

        Source: ITU-T E.164 section 6.
        """
        digits = number.translate(_SEPARATORS)
        fulls, inner = self._read(digits), self._without_line(digits)
        possible = list(filter(may_exist, fulls))
        if len(fulls) < 2 or len(possible) == 1 or self.country is None:
            return next(iter(possible or fulls), "")
        # As it is shown, it may have a line before it, for whoever calls back: 0066412345 is 0664 12345 or of abroad.
        if digits.startswith(self.country.international) and fulls[0].startswith(f"+{self.country.code}"):
            return fulls[0]
        prefixes = [each for each in (self.country.international, self.country.national) if each]
        return "" if inner.startswith(tuple(prefixes)) else fulls[0]

    def _read(self, number: str) -> list[str]:
        """What it may be in full: as it is, then without an outside line; none for what may be an extension."""
        digits = number.translate(_SEPARATORS)
        if self._is_short(digits):
            return []
        fulls = (self._expand(each) for each in (digits, self._without_line(digits)))
        return [full for full in dict.fromkeys(fulls) if _is_full(full)]

    def spellings(self, number: str) -> tuple[str, ...]:
        """How else it is written: in full, and as it is dialled within its country and from abroad.

        Where it may have an outside line before it, also without; then in full without "+", as that is not certain.
        """
        found = self._spell(*self._read(number)[:1])
        inner = self._without_line(number)
        if inner != number:
            found += [each.removeprefix("+") for each in (inner, *self._spell(*self._read(inner)[:1]))]
        return tuple(each for each in dict.fromkeys(found) if each != number and len(each) > self.internal_digits)

    def _spell(self, full: str = "") -> list[str]:
        """A number in full as it is written; nothing for ""."""
        if self.country is None or not full:
            return [full] if full else []
        found = [full, self.country.international + full.removeprefix("+")]
        rest = full.removeprefix(f"+{self.country.code}")
        if rest != full:
            found.append(self.country.national + rest)
            found += [rest] if self.country.code == _NORTH_AMERICA else []
        return found

    def describe(self, *, caller: str, called: str) -> dict[str, str]:
        """Both numbers in full, where that says more than they do; called: without the outside line.

        What one of us dials begins with that, so that there is no doubt of what is behind it.
        """
        may_have_line = self._is_outside(caller) or self._is_short(called)
        plan = self if may_have_line else replace(self, outside_prefix="")
        fulls = {"caller": (caller, self.in_full(caller)), "called": (called, plan.in_full(called))}
        return {f"{name}_e164": full for name, (number, full) in fulls.items() if full not in {"", number}}

    def _is_short(self, digits: str) -> bool:
        """Whether it may be an extension, also behind an outside line."""
        return not digits.startswith("+") and len(digits.removeprefix(self.outside_prefix)) <= self.internal_digits

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


def _is_full(full: str) -> bool:
    """Whether it can be a number of some country."""
    digits = len(full) - 1
    if full.startswith(f"+{_NORTH_AMERICA}"):
        return digits == len(_NORTH_AMERICA) + _NORTH_AMERICAN_DIGITS
    return _SHORTEST <= digits <= _LONGEST and full[1] != "0"


def _key(text: str) -> str:
    """What numbers and names are compared by: digits without what parts them, words without case and accents."""
    digits = text.strip().removeprefix("+").translate(_SEPARATORS)
    if digits and _DIALLED.issuperset(digits):
        return digits
    plain = "".join(each for each in normalize("NFKD", text) if not combining(each))
    return " ".join(plain.casefold().split())


def number_of(address: Address | None) -> str:
    """The number, or else the name, that an address leads to; "" for none and for who does not want to be known."""
    if address is None:
        return ""
    try:
        uri = address.uri
    except SipError:  # some write blanks into it, or leave out what belongs there
        user = make_readable(parse_number(address.spec))
    else:
        user = uri.number or make_readable(uri.user.partition(";")[0])
    return "" if user.lower() in ANONYMOUS else user


def name_of(address: Address | None) -> str:
    """The name that an address shows; "" if it only repeats the number."""
    if address is None or address.display.lower() in ANONYMOUS:
        return ""
    name = make_readable(address.display)
    return "" if name and name == number_of(address) else name
