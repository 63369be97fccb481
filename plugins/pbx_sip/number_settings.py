"""Settings of every device of this package: how the numbers of its telephone system read."""

import re
from typing import Annotated

from pydantic import AfterValidator, field_validator

from hub.sdk import PluginSettings, setting
from plugins.pbx_sip.calls.countries import COUNTRIES
from plugins.pbx_sip.calls.numbers import NumberPlan

_ENTRY_MAX, _ENTRIES_MAX = 100, 50
_AREA_CODE_MAX = 8
_DIALLED = frozenset("0123456789*#")
_BEGINNING = re.compile(r"\+?[0-9*#]+")
_SEPARATORS = str.maketrans("", "", " \u00a0()-./")


def _be_voicemail(text: str) -> str:
    entry, shown = " ".join(text.split()), text[:20]
    if not any(map(str.isalnum, entry)):
        raise ValueError(f"{text!r} names nobody in particular; give a number or a name, such as 9000 or VoiceMail*")
    if len(entry) > _ENTRY_MAX or not entry.isprintable():
        raise ValueError(f"{shown!r} is no number or name of at most {_ENTRY_MAX} characters")
    return entry


class NumberSettings(PluginSettings):
    """Who is one of us, and what is dialled for whom."""

    internal_digits: int = setting(
        "Internal numbers have at most",
        "Numbers up to this length count as extensions; 0: never guess.",
        default=5,
        unit="digits",
        ge=0,
        le=15,
        group="metadata",
    )
    internal_prefixes: tuple[str, ...] = setting(
        "Numbers of the company begin with",
        "Longer numbers that are internal as well.",
        default=(),
        examples=["+4930123"],
        group="metadata",
    )
    outside_prefix: str = setting(
        "Outside line",
        "What is dialled before an outside number; it is left out of the number, unless what remains is as short as an "
        "extension. No extension begins with it. Leave it empty where calls come without it, as on a trunk.",
        default="",
        examples=["0"],
        group="metadata",
        max_length=5,
    )
    country: str = setting(
        "Country",
        "Where the telephone system stands, by its two letters. With it, a number is known however it is dialled, and "
        "is kept in full beside what was dialled.",
        default="",
        examples=["DE"],
        group="metadata",
    )
    area_code: str = setting(
        "Area code",
        "What others dial for the town of the telephone system, without what begins such a code; for numbers that are "
        "dialled without one.",
        default="",
        examples=["30"],
        group="metadata",
        max_length=20,
    )

    voicemail_numbers: tuple[Annotated[str, AfterValidator(_be_voicemail)], ...] = setting(
        "Numbers or names of the voicemail",
        "Whom callers reach who leave a message: one number or name in a line. A * stands for any characters, a ? for "
        "one, also for a * that is dialled. Recording rules that stop at voicemail need this: without it no call is "
        "known to have gone there.",
        default=(),
        examples=["9000", "VoiceMail*"],
        group="metadata",
        max_length=_ENTRIES_MAX,
    )

    @field_validator("internal_prefixes")
    @classmethod
    def _be_beginnings(cls, prefixes: tuple[str, ...]) -> tuple[str, ...]:
        bare = [prefix.translate(_SEPARATORS) for prefix in prefixes]
        for prefix, given in zip(bare, prefixes, strict=True):
            if not _BEGINNING.fullmatch(prefix):
                raise ValueError(f"{given!r} is no beginning of a number; give digits, such as +4930123")
        return tuple(dict.fromkeys(bare))

    @field_validator("outside_prefix")
    @classmethod
    def _be_dialled(cls, prefix: str) -> str:
        if not _DIALLED.issuperset(prefix):
            raise ValueError(f"{prefix!r} cannot be dialled; give digits, * or #, such as 0")
        return prefix

    @field_validator("area_code")
    @classmethod
    def _be_digits(cls, code: str) -> str:
        bare = code.translate(_SEPARATORS)
        if bare and not (bare.isascii() and bare.isdecimal() and len(bare) <= _AREA_CODE_MAX):
            raise ValueError(f"{code!r} is no area code; give at most {_AREA_CODE_MAX} digits, such as 30")
        return bare

    @field_validator("country")
    @classmethod
    def _be_known(cls, country: str) -> str:
        letters = country.strip().upper()
        if letters and letters not in COUNTRIES:
            raise ValueError(f"{country!r} is not among the countries that are known: {', '.join(sorted(COUNTRIES))}")
        return letters

    @property
    def number_plan(self) -> NumberPlan:
        """Who is one of us."""
        return NumberPlan(
            internal_digits=self.internal_digits,
            internal_prefixes=self.internal_prefixes,
            outside_prefix=self.outside_prefix,
            country=COUNTRIES.get(self.country),
            area_code=self.area_code,
            voicemail_numbers=self.voicemail_numbers,
        )
