"""What rules, time profiles and calendars have in common: a name, and a revision that grows with every change."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

NAME_LENGTH = 100
TEXT_LENGTH = 100


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _tidy_name(name: str) -> str:
    name = _tidy(name)
    if not name:
        raise ValueError("This is needed.")
    return _short(name, NAME_LENGTH)


def _short(text: str, length: int) -> str:
    if len(text) > length:
        raise ValueError(f"Write at most {length} characters.")
    if not text.isprintable():
        raise ValueError("This has characters that cannot be shown.")
    return text


Name = Annotated[str, AfterValidator(_tidy_name)]
"""What people call it: one line of 1 to 100 characters."""

Line = Annotated[str, AfterValidator(_tidy), AfterValidator(lambda text: _short(text, TEXT_LENGTH))]
"""One line of at most 100 characters, or nothing."""


class Entry(BaseModel):
    """Something that people keep in the rule book under a name of its own. id: 0 before it is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    noun: ClassVar[str]
    """What people call such a thing, also in the audit trail's subjects."""
    shelf: ClassVar[str]
    """The field of the book that holds them."""
    most: ClassVar[int]
    """How many there can be."""

    id: int = 0
    revision: int = Field(default=1, ge=1)
    name: Name

    def facts(self) -> dict[str, Any]:
        """What people decide about it, as JSON values."""
        return self.model_dump(mode="json", exclude={"id", "revision"})
