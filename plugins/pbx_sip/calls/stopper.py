"""Who has ended a recording before its call was over."""

from enum import StrEnum


class Stopper(StrEnum):
    """By whom, or by what."""

    NOBODY = ""
    PERSON = "person"
    """Under Live calls, or a program that may do so."""
    KEYS = "keys"
    """Keys that somebody pressed in the call."""
    SYSTEM = "system"
    """The telephone system, by a header field."""
    RULE = "rule"
    """Its rule, after the longest length."""

    @property
    def is_against_rule(self) -> bool:
        """Whether no rule has it so."""
        return self in {Stopper.PERSON, Stopper.KEYS, Stopper.SYSTEM}
