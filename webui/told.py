"""What the hub and its plug-ins say in sentences, in the viewer's language.

They speak English, with their facts filled in: "The disk of /var is full". A sentence is known by the template in the
catalogue that it was made from; one that none fits stays as it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from gettext import NullTranslations
from string import Formatter

from babel.messages.pofile import read_po

from webui.language import FOLDER, current

_LONGEST = 4000
_OWN = "webui/"
_WIDE_STOPS = ("\N{IDEOGRAPHIC FULL STOP}", "\N{FULLWIDTH QUESTION MARK}")
_STOP = ". "
_SENTENCES_MOST = 8
_UTC_TIME = re.compile(r"\b(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?(?: UTC|\+00:00|Z\b)")


def told(text: str) -> str:
    """A sentence of the hub or a plug-in, or several after one another; times in it as the viewer reads them."""
    texts = current().texts
    is_known = bool(text) and len(text) <= _LONGEST and type(texts) is not NullTranslations
    return _UTC_TIME.sub(_say_time, _say(text, texts) if is_known else text)


@dataclass(frozen=True, slots=True)
class _Template:
    """A text with facts: words stand before, between and behind the facts that `names` names."""

    text: str
    words: tuple[str, ...]
    names: tuple[str, ...]

    def facts_in(self, text: str) -> dict[str, str] | None:
        """The facts of a sentence that was made from this; each reaches to the next words."""
        first, *middle, last = self.words
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return None
        facts = []
        for words in middle:
            found = text.find(words, at, end)
            if found < 0:
                return None
            facts.append(text[at:found])
            at = found + len(words)
        return dict(zip(self.names, (*facts, text[at:end]), strict=True))

    def stays_within_stops(self, facts: dict[str, str]) -> bool:
        """Whether no fact has several sentences, but for a last one that stands for the sentences behind its own."""
        *_, before, behind = self.words
        is_rest = not behind and before.endswith(_STOP)
        return not any(_STOP in facts[name] for name in (self.names[:-1] if is_rest else self.names))


@lru_cache(maxsize=2000)
def _say(text: str, texts: NullTranslations) -> str:
    """Sentence by sentence, as many as one template has; a fact goes over a stop only where nothing else fits."""
    stops = [found.start() + 1 for found in re.finditer(re.escape(_STOP), text)]
    if len(stops) >= _SENTENCES_MOST:
        return text
    for end in (len(text), *reversed(stops)):
        if (known := _say_one(text[:end], texts)) is not None:
            return _join(known, text[end:].removeprefix(" "), texts)
    if (whole := _say_one(text, texts, over_stops=True)) is not None or not stops:
        return text if whole is None else whole
    return _join(text[: stops[0]], text[stops[0] :].removeprefix(" "), texts)


def _join(known: str, rest: str, texts: NullTranslations) -> str:
    if not rest:
        return known
    return f"{known}{'' if known.endswith(_WIDE_STOPS) else ' '}{_say(rest, texts)}"


def _say_one(text: str, texts: NullTranslations, *, over_stops: bool = False) -> str | None:
    """What one template says; over_stops: its facts may be several sentences, or names such as "Dr. Wu"."""
    if (same := texts.gettext(text)) != text:
        return same
    for template in _templates():
        facts = template.facts_in(text)
        if facts is not None and (over_stops or template.stays_within_stops(facts)):
            told_facts = {name: _say_fact(fact, texts) for name, fact in facts.items()}
            return texts.gettext(template.text).format_map(told_facts)
    return None


def _say_time(found: re.Match[str]) -> str:
    language = current()
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00")
    except ValueError:
        return found[0]
    return language.stamp(moment)


def _say_fact(fact: str, texts: NullTranslations) -> str:
    """A fact is a name, which stays, or a sentence without its stop, such as a reason, or several sentences."""
    if " " not in fact:
        return fact
    known = next(filter(None, (_say_one(each, texts) for each in (fact, f"{fact}.", fact.removesuffix(".")))), None)
    if known is None:
        return _say(fact, texts) if _STOP in fact else fact
    return known.removesuffix(".").removesuffix(_WIDE_STOPS[0])


@cache
def _templates() -> tuple[_Template, ...]:
    """All of them, those with the most words first."""
    return tuple(sorted(_read_templates(), key=lambda template: -len("".join(template.words))))


def _read_templates() -> Iterator[_Template]:
    with (FOLDER / "messages.pot").open("rb") as file:
        catalogue = read_po(file)
    for message in catalogue:
        if isinstance(message.id, str) and not all(place.startswith(_OWN) for place, _ in message.locations):
            parts = [(words, name) for words, name, _, _ in Formatter().parse(message.id)]
            names = tuple(name for _, name in parts if name is not None)
            if names and all(name.isidentifier() for name in names):
                behind = () if parts[-1][1] is None else ("",)
                yield _Template(message.id, (*(words for words, _ in parts), *behind), names)
