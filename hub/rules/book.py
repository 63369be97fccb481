"""The rule book: all rules in their order, with the time profiles and calendars they refer to."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from hub.rules.entry import Entry
from hub.rules.errors import EntryRefused
from hub.rules.hours import HolidayCalendar, TimeProfile
from hub.rules.rule import Otherwise, Rule

E = TypeVar("E", bound=Entry)
_WORDS = {
    "missing": "This is needed.",
    "int_parsing": "Write a whole number.",
    "int_type": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "date_parsing": "Write a date as 2026-12-25.",
    "date_from_datetime_parsing": "Write a date as 2026-12-25.",
    "greater_than_equal": "Write {ge} or more.",
    "less_than_equal": "Write {le} or less.",
    "too_long": "There can be at most {max_length}.",
}

_SENTENCES = {
    "name": "Another one has this name.",
    "profile": "There is no such time profile any more.",
    "calendars": "There is no such calendar any more.",
}


class Book(BaseModel):
    """As it is stored. last_id: the newest id of any entry. revision: grows with every change of anything."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    revision: int = 0
    last_id: int = 0
    rules: tuple[Rule, ...] = ()
    profiles: tuple[TimeProfile, ...] = ()
    calendars: tuple[HolidayCalendar, ...] = ()
    otherwise: Otherwise = Otherwise()

    def shelf(self, kind: type[E]) -> tuple[E, ...]:
        """All entries of one kind, in their order."""
        found: tuple[E, ...] = getattr(self, kind.shelf)
        return found

    def find(self, kind: type[E], entry_id: int) -> E | None:
        """One entry."""
        return next((entry for entry in self.shelf(kind) if entry.id == entry_id), None)

    def users_of(self, entry: Entry) -> tuple[str, ...]:
        """Names of what refers to a time profile or calendar; a rule is used by nobody."""
        if isinstance(entry, TimeProfile):
            return tuple(rule.name for rule in self.rules if rule.profile == entry.id)
        if isinstance(entry, HolidayCalendar):
            return tuple(profile.name for profile in self.profiles if entry.id in profile.calendars)
        return ()

    def refuse_strangers(self, entry: Entry) -> None:
        """See that its name is free, that what it refers to is there and that nothing in it is misread.

        Raises: EntryRefused.
        """
        wrong = entry.find_misread() if isinstance(entry, Rule) else {}
        others = (other for other in self.shelf(type(entry)) if other.id != entry.id)
        if any(other.name.casefold() == entry.name.casefold() for other in others):
            wrong["name"] = (_SENTENCES["name"],)
        if isinstance(entry, Rule) and entry.profile is not None and self.find(TimeProfile, entry.profile) is None:
            wrong["profile"] = (_SENTENCES["profile"],)
        if isinstance(entry, TimeProfile) and any(
            self.find(HolidayCalendar, calendar) is None for calendar in entry.calendars
        ):
            wrong["calendars"] = (_SENTENCES["calendars"],)
        if wrong:
            raise EntryRefused(wrong)


M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], values: dict[str, object]) -> M:
    """An entry from JSON values.

    Raises: EntryRefused with every error at once; of a value in a list the field is "hours.0.begins".
    """
    try:
        return model.model_validate(values)
    except ValidationError as exc:
        by_field: dict[str, list[str]] = {}
        for error in exc.errors(include_url=False):
            words = _WORDS.get(error["type"])
            text = words.format(**error.get("ctx", {})) if words else str(error["msg"]).removeprefix("Value error, ")
            by_field.setdefault(".".join(str(part) for part in error["loc"]), []).append(text)
        raise EntryRefused(by_field) from None
