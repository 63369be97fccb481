"""A recording rule: which calls, when, and what becomes of them."""

import re
from collections.abc import Collection
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hub.rules.entry import Entry, Line
from hub.sdk import LONGEST_S

VALUES_MOST = 200
_SENTENCES = {
    "range": "{text} is read as one number. For a range write patterns, such as 20? for 200 to 209.",
    "several": "{text} is more than one number. Write each as an entry of its own.",
}
_RANGE = re.compile(r"([1-9][0-9]{1,4}) ?[-\u2013] ?([1-9][0-9]{1,4})")


class CallKind(StrEnum):
    """Which way calls go; EXTERNAL are those with somebody outside, incoming and outgoing."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    INTERNAL = "internal"
    EXTERNAL = "external"


class Treatment(StrEnum):
    """What becomes of a call."""

    RECORD = "record"
    SHARE = "share"
    """A share of the calls is recorded, counted and never left to chance."""
    MANDATORY = "mandatory"
    """It is recorded, and an alarm is raised where that failed: a recorder cannot refuse a call."""
    ON_DEMAND = "on_demand"
    LEAVE_OUT = "leave_out"
    """It is not recorded; that it took place is kept."""


def _in_order(kinds: Collection[CallKind]) -> tuple[CallKind, ...]:
    return tuple(kind for kind in CallKind if kind in kinds)


def _values(texts: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


Values = Annotated[tuple[Line, ...], Field(max_length=VALUES_MOST), AfterValidator(_values)]
"""Numbers or names; "*" stands for any characters, "?" for one."""


class Rule(Entry):
    """The first rule that fits decides. A field that is empty fits every call; of a filled one, any value must fit.

    users, groups: whose call it is, by number or name. routes: the line or incoming route it came by. numbers: of
    anybody in the call. devices: ids of source instances. profile: id of a time profile, None for always.
    longest_s: the recording ends there. stops_at_voicemail: it ends where a call goes to voicemail.
    """

    noun: ClassVar[str] = "rule"
    shelf: ClassVar[str] = "rules"
    most: ClassVar[int] = 500

    enabled: bool = True
    users: Values = ()
    groups: Values = ()
    routes: Values = ()
    account_codes: Values = ()
    numbers: Values = ()
    devices: tuple[int, ...] = Field(default=(), max_length=VALUES_MOST)
    calls: Annotated[tuple[CallKind, ...], AfterValidator(_in_order)] = ()
    profile: int | None = None
    treatment: Treatment = Treatment.RECORD
    share_percent: int = Field(default=100, ge=1, le=100)
    longest_s: int = Field(default=int(LONGEST_S), ge=1, le=int(LONGEST_S))
    keeps_keys: bool = False
    masks_keys: bool = False
    stops_at_voicemail: bool = False

    def find_misread(self) -> dict[str, tuple[str, ...]]:
        """Field -> sentences of what is not read as people mean who write such a thing."""
        ranges = {name: list(filter(_is_range, getattr(self, name))) for name in ("users", "numbers")}
        wrong = {name: [_SENTENCES["range"].format(text=text) for text in texts] for name, texts in ranges.items()}
        several = [text for text in self.numbers if "," in text or ";" in text]
        wrong["numbers"] += [_SENTENCES["several"].format(text=text) for text in several]
        return {name: tuple(sentences) for name, sentences in wrong.items() if sentences}


def _is_range(text: str) -> bool:
    """Whether it looks like 201-209; a longer number, or one that begins with 0, is written with dashes too."""
    both = _RANGE.fullmatch(text)
    return both is not None and len(both[1]) == len(both[2]) and both[1] < both[2]


class Otherwise(BaseModel):
    """What holds where no rule fits, and how long calls without recording are remembered.

    revision: grows with every change of these.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    revision: int = Field(default=1, ge=1)
    records: bool = True
    absent_days: int = Field(default=365, ge=1, le=36_500)
