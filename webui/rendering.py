"""Templates: one Jinja2 environment that escapes everything, and what every page gets."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from hub.access.permissions import allows
from hub.access.person import Person
from hub.clock import to_ms
from hub.ids import to_text
from webui import facts, navigation, parties
from webui import language as speech
from webui.assets import Assets
from webui.fact_names import name_of_fact
from webui.language import DEFAULT, FOLDER, Language, later
from webui.recording_filters import write_cursor
from webui.security import person_of
from webui.told import told
from webui.viewing import language_of

TEMPLATES = Path(__file__).parent / "templates"
THEMES = (("auto", later("System"), "monitor"), ("light", later("Light"), "sun"), ("dark", later("Dark"), "moon"))
_SCRIPTS = "webui/static/js/"
_ICON = Markup('<svg class="icon {shape}" aria-hidden="true" focusable="false"><use href="{sprite}#{name}"/></svg>')


@dataclass(frozen=True, slots=True)
class Standing:
    """What the bell and the sidebar count; None where the person may not know."""

    open_alarms: int | None
    worst: str
    quarantine: int | None

    @property
    def alarm_counts(self) -> dict[str, Any] | None:
        """For the bell: how many, and whether they are warnings only."""
        if self.open_alarms is None:
            return None
        return {"open": self.open_alarms, "shade": "" if self.worst in ("critical", "major") else "warning"}


class Renderer:
    """Makes pages.

    languages: what can be chosen, as (locale identifier, own name). standing: what the bell and the sidebar count for
    a person. newest_event: where the page's event stream begins.
    """

    def __init__(
        self,
        assets: Assets,
        languages: Sequence[tuple[str, str]],
        standing: Callable[[Person], Standing],
        newest_event: Callable[[], int],
    ) -> None:
        self.assets = assets
        self.languages = languages
        self.standing = standing
        self.newest_event = newest_event
        self.icon = lru_cache(maxsize=1000)(self._make_icon)

    @cached_property
    def environment(self) -> Environment:
        """The environment with our filters."""
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.install_gettext_callables(speech.gettext, speech.ngettext, newstyle=True)  # type: ignore[attr-defined]
        environment.globals |= {"asset": self.assets.url}
        environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
        environment.filters |= {
            "icon": self.icon,
            "translated": speech.gettext,
            "told": told,
            "moment": lambda value: speech.current().moment(value),
            "exact": lambda value: speech.current().exact(value),
            "stamp": lambda value: speech.current().stamp(value),
            "since": lambda value: speech.current().since(value),
            "ago": lambda value: speech.current().ago(value),
            "number": lambda value: speech.current().number(value),
            "size": lambda value: speech.current().size(value),
            "duration": speech.length,
            "initials": initials,
            "id_text": to_text,
            "in_order": parties.in_order,
            "party_name": parties.name_of,
            "owner_name": parties.owner_of,
            "straight": parties.straight,
            "call_title": parties.title_of,
            "is_directed": parties.is_directed,
            "cursor": write_cursor,
            "epoch_ms": to_ms,
            "short_length": lambda seconds: "" if seconds is None else speech.length(seconds),
            "provenance": facts.provenance,
            "field_name": name_of_fact,
            "moment_name": facts.moment_name,
            "problem_words": facts.problem_words,
            "raw_text": facts.raw_text,
            "browser_name": facts.browser_name,
            "json_attribute": lambda value: json.dumps(value, ensure_ascii=False, default=list),
        }
        return environment

    def page(self, request: Request, template: str, status: int = 200, /, **context: Any) -> Response:
        """A whole page, or its middle alone where the browser only swaps that."""
        person = person_of(request)
        shared = self._shared(request, person)
        middle = wants_middle(request)
        shared["layout"] = "partial.html" if middle else "layout.html"
        if person is not None and not middle:
            shared |= self._for_person(person, shared["language"])
        html = self.environment.get_template(template).render(shared | context)
        return HTMLResponse(html, status, {"Vary": "HX-Request, HX-Target"})

    def badge(self, request: Request, name: str, **context: Any) -> Response:
        """One of the counts that stand on every page, alone."""
        person = person_of(request)
        counts = self._counts(person) if person else {}
        return self.fragment(request, f"parts/alone_{name}.html", **counts, **context)

    def fragment(self, request: Request, template: str, status: int = 200, /, **context: Any) -> Response:
        """A piece of a page."""
        shared = self._shared(request, person_of(request))
        return HTMLResponse(self.environment.get_template(template).render(shared | context), status)

    def _make_icon(self, name: str, shape: str = "") -> Markup:
        """One symbol of the sprite; shape: further classes."""
        return _ICON.format(name=name, shape=shape, sprite=self.assets.url("vendor/icons.svg"))

    def _shared(self, request: Request, person: Person | None) -> dict[str, Any]:
        language = language_of(request)
        return {
            "person": person,
            "language": language,
            "nonce": request.state.csp_nonce,
            "path": request.url.path,
            "section": "/" + request.url.path.strip("/").split("/")[0],
            "theme": person.theme if person else "auto",
            "themes": THEMES,
            "languages": self.languages,
            "modules": self.assets.modules,
            "app_data": self._app_data(language),
            "home": navigation.home_of(person) if person else navigation.ENTRANCE,
            "may": lambda key: person is not None and allows(person, key),
        }

    def _for_person(self, person: Person, language: Language) -> dict[str, Any]:
        data = {**self._app_data(language), "person": to_text(person.id), "after": self.newest_event()}
        return {"navigation": navigation.groups_for(person), "app_data": data, **self._counts(person)}

    def _counts(self, person: Person) -> dict[str, Any]:
        standing = self.standing(person)
        return {"alarm_counts": standing.alarm_counts, "quarantine_count": standing.quarantine}

    def _app_data(self, language: Language) -> Mapping[str, Any]:
        """What our scripts need to know; texts only where they are not the English ones that stand in them."""
        spoken = str(language.locale) != DEFAULT or type(language.texts).gettext is not _plain_gettext
        return {
            "icons": self.assets.url("vendor/icons.svg"),
            "mark": self.assets.url("mark.svg"),
            "locale": language.tag,
            "texts": {text: language.texts.gettext(text) for text in self.script_texts} if spoken else {},
        }

    @cached_property
    def script_texts(self) -> tuple[str, ...]:
        """Every text of our scripts, by the template of the catalogues."""
        with (FOLDER / "messages.pot").open("rb") as file:
            catalogue = read_po(file)
        return tuple(
            message.id
            for message in catalogue
            if isinstance(message.id, str) and any(place.startswith(_SCRIPTS) for place, _ in message.locations)
        )


_plain_gettext = NullTranslations.gettext


def wants_middle(request: Request) -> bool:
    """Whether the asking page keeps its frame and takes only what stands in <main>."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-target") == "main#main"


def initials(person: Person) -> str:
    """One or two letters for the round picture."""
    words = (person.name or person.login).split()
    if not words:
        return "?"
    if not words[0].isascii():
        return words[0][:1]
    return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()
