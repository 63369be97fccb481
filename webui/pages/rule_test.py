"""Which rule would decide this call: asked of the same rules that devices ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hub.clock import utc_now
from hub.sdk import CallOutline, Direction, Kind
from webui import rule_words
from webui.language import gettext
from webui.pages.rules import length_text
from webui.reach import load_preferences, services_of, shows, web_of
from webui.recording_filters import DIRECTIONS
from webui.rule_devices import RuleDevices
from webui.rule_trial import judge, zone_of
from webui.viewing import zone

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams
    from starlette.requests import Request
    from starlette.responses import Response

    from hub.rules.rulebook import Judgement

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Trial:
    """The form as its address says it; every field is text, right or wrong."""

    device: str
    direction: str
    when: str
    texts: dict[str, str]
    asked: bool

    @classmethod
    def read(cls, query: QueryParams) -> Trial:
        """From the address."""
        names = ("caller", "called", "users", "groups", "route", "account_code")
        texts = {name: query.get(name, "")[:_LONGEST].strip() for name in names}
        device, direction, when = (query.get(name, "")[:_LONGEST] for name in ("device", "direction", "when"))
        return cls(device, direction, when, texts, "device" in query)

    @property
    def device_id(self) -> int:
        """Id of the device, 0 for none."""
        return int(self.device) if self.device.isdecimal() and len(self.device) < 19 else 0


@shows("rule.list")
def test_page(request: Request) -> Response:
    """The form, and the answer once it was asked."""
    trial = Trial.read(request.query_params)
    services = services_of(request)
    known = RuleDevices.of(services)
    problem, found = "", None
    if trial.asked:
        problem, found = _answer(request, trial, known)
    book = services.rules.load()
    return web_of(request).renderer.page(
        request,
        "rules/test.html",
        trial=trial,
        devices=services.instances.list(Kind.SOURCE),
        directions=DIRECTIONS,
        book=book,
        found=found,
        problem=problem,
        sentence=lambda rule: rule_words.sentence(rule, book, known),
        outcome=rule_words.outcome,
        shades=rule_words.SHADES,
        length_text=length_text,
        reasons=lambda miss: rule_words.reasons(miss, known),
    )


def _answer(request: Request, trial: Trial, known: RuleDevices) -> tuple[str, Judgement | None]:
    """(what is wrong with the question, the answer)."""
    if known.present and trial.device_id not in known.present:
        return gettext("There is no such device any more. Choose one that is there."), None
    started_at = _moment(request, trial)
    if started_at is None:
        return gettext("Write date and time as 2026-12-24 08:30."), None
    call = CallOutline(
        started_at=started_at,
        direction=Direction(trial.direction) if trial.direction in set(Direction) else Direction.UNKNOWN,
        caller=trial.texts["caller"],
        called=trial.texts["called"],
        users=_several(trial.texts["users"]),
        groups=_several(trial.texts["groups"]),
        route=trial.texts["route"],
        account_code=trial.texts["account_code"],
    )
    return "", judge(services_of(request), call, trial.device_id)


def _moment(request: Request, trial: Trial) -> datetime | None:
    """The moment on the wall clock of the device; None if it cannot be read."""
    if not trial.when:
        return utc_now()
    place = zone(zone_of(services_of(request), trial.device_id)) or zone(load_preferences(request).timezone)
    try:
        return datetime.fromisoformat(trial.when).replace(tzinfo=place)
    except ValueError:
        return None


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(r"[,;]", text) if part.strip())
