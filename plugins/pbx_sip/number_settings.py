"""Settings of every device of this package: how the numbers of its telephone system read."""

from pydantic import field_validator

from hub.sdk import PluginSettings, setting
from plugins.pbx_sip.calls.countries import COUNTRIES
from plugins.pbx_sip.calls.numbers import NumberPlan


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
        "What is dialled before an outside number; it is left out of the number. No extension begins with it.",
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
        pattern=r"^[0-9]{0,8}$",
    )

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
        )
