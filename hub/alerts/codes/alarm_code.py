"""What one alarm says."""

from dataclasses import dataclass
from string import Formatter

from hub.sdk import Alarm, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCode:
    """What one alarm says. text: has {facts} in braces. one: the text where the first fact counts and is 1.

    lasting: a condition, open until it is over; otherwise something that happened, open until somebody acknowledges it.
    """

    code: str
    severity: Severity
    title: str
    text: str
    one: str = ""
    hint: str = ""
    lasting: bool = True

    @property
    def facts(self) -> tuple[str, ...]:
        """What the text needs to know, by name."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.text) if name)

    def alarm(self, key: str, **facts: object) -> Alarm:
        """The alarm to raise; `key` is the same for the same trouble. A fact may be a whole sentence with its stop.

        Raises: KeyError for a fact that the text needs and was not given.
        """
        plain = {name: str(fact).removesuffix(".") for name, fact in facts.items()}
        text = self.one if self.one and plain[self.facts[0]] == "1" else self.text
        return Alarm(key=key, code=self.code, severity=self.severity, text=text.format_map(plain), hint=self.hint)
