"""The list of calls that go on, as a person reads it."""

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from hub import ids
from hub.access.person import Person
from hub.app.services import Services
from hub.audit import SYSTEM
from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.trail import append
from hub.catalog import live_calls
from hub.catalog.live_calls import LiveChange
from hub.clock import utc_now
from hub.rules.rule import Rule, Treatment
from hub.sdk import DISCARDED, STATE_BY, STATE_SINCE, Kind, LiveCall, LiveState, Party, StateBy
from tests.unit.webui.api.conftest import ACTOR, PASSWORD

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PAUSED_AT = NOON + timedelta(minutes=2)


@pytest.fixture
def browser(site: TestClient, services: Services, administrator: Person) -> TestClient:
    """Signed in."""
    site.cookies.set("sid", services.accounts.sign_in("maria", PASSWORD, ACTOR).session_token)
    return site


def _show(services: Services, *calls: LiveCall) -> list[int]:
    device = services.instances.create(Kind.SOURCE, "sip_mirror", "Tower", {"interface": "lo"}, SYSTEM)
    changes = [
        LiveChange(id=ids.new_id() + place, instance_id=device.id, call=call) for place, call in enumerate(calls)
    ]
    with services.db.write() as session:
        live_calls.write(session, set(), changes)
    return [change.id for change in changes]


def _silenced(state: LiveState, by: StateBy, since: datetime = PAUSED_AT) -> LiveCall:
    fields = {STATE_SINCE: since.isoformat(), STATE_BY: by.value}
    return LiveCall(id="one", started_at=NOON, state=state, parties=(Party(number="8001"),), fields=fields)


def _rows(browser: TestClient, path: str = "/live/list") -> list[str]:
    text = html.unescape(browser.get(path).text)
    return re.findall(r'<li class="live-call.*?</li>', text, re.DOTALL)


OFFERED = {
    LiveState.RECORDING: ["pause", "stop", "discard"],
    LiveState.PAUSED: ["resume", "stop", "discard"],
    LiveState.STOPPED: [],
    LiveState.WAITING: ["keep"],
    LiveState.LEFT_OUT: [],
}


@pytest.mark.parametrize("state", LiveState)
def test_a_call_is_offered_what_can_be_done_in_its_state(
    browser: TestClient, services: Services, state: LiveState
) -> None:
    _show(services, LiveCall(id="one", started_at=NOON, state=state))
    [row] = _rows(browser)
    assert re.findall(r'hx-post="/live/\w+/(\w+)', row) == OFFERED[state]


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (StateBy.KEYS, "by keys in the call"),
        (StateBy.SYSTEM, "by the telephone system"),
        (StateBy.RULE, "by its rule"),
    ],
)
def test_what_paused_or_stopped_a_call_is_told_with_the_time(
    browser: TestClient, services: Services, by: StateBy, said: str
) -> None:
    _show(services, _silenced(LiveState.STOPPED, by))
    [row] = _rows(browser)
    assert said in row
    assert "12:02" in row


def test_who_paused_a_call_is_known_by_the_trail(
    browser: TestClient, services: Services, administrator: Person
) -> None:
    since = utc_now() + timedelta(seconds=30)
    call, other = _show(
        services,
        _silenced(LiveState.PAUSED, StateBy.PERSON, since),
        _silenced(LiveState.PAUSED, StateBy.PERSON, since - timedelta(hours=1)),
    )
    assert all("by maria" not in row for row in _rows(browser))
    maria = Actor(administrator.id, "maria", "web")
    with services.db.write() as session:
        for each in (call, other):
            append(session, maria, Action.CALL_PAUSE, subject=f"call:{ids.to_text(each)}")
    assert ["by maria" in row for row in sorted(_rows(browser), key=lambda row: ids.to_text(other) in row)] == [
        True,
        False,
    ]


def test_of_several_hundred_calls_the_newest_are_shown_and_more_on_request(
    browser: TestClient, services: Services
) -> None:
    many = [
        LiveCall(id=str(place), started_at=NOON + timedelta(seconds=place), parties=(Party(number=str(7000 + place)),))
        for place in range(310)
    ]
    _show(services, *many)

    def numbers(path: str) -> list[int]:
        return [int(re.findall(r'class="title"[^>]*>(\d+)<', row)[0]) for row in _rows(browser, path)]

    text = browser.get("/live").text
    assert "<b>310</b> calls go on" in text
    assert 'href="/live?rows=300"' in text
    assert numbers("/live") == list(range(7309, 7209, -1))
    assert numbers("/live/list?rows=300") == list(range(7309, 7009, -1))
    assert 'href="/live?rows=600"' in browser.get("/live/list?rows=300").text
    assert numbers("/live/list?rows=600") == list(range(7309, 6999, -1))
    assert "Show more" not in browser.get("/live/list?rows=600").text
    assert numbers("/live?q=7004&rows=300") == [7004]
    assert numbers("/live?rows=1000000") == numbers("/live")


def test_the_clocks_of_a_call_begin_with_the_second_that_the_page_goes_on_from(
    browser: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webui.pages.live_calls.utc_now", lambda: NOON + timedelta(seconds=59.6))
    resumes_at = NOON + timedelta(seconds=70.2)
    _show(services, LiveCall(id="one", started_at=NOON, state=LiveState.PAUSED, resumes_at=resumes_at))
    [row] = _rows(browser)
    assert re.findall(r'data-(since|until)-ms="\d+">([\d:]+)<', row) == [("until", "0:10"), ("since", "0:59")]


def test_a_call_whose_recording_is_thrown_away_is_not_shown_as_one_that_is_kept(
    browser: TestClient, services: Services
) -> None:
    kept = _silenced(LiveState.STOPPED, StateBy.PERSON)
    _show(services, kept, replace(kept, id="two", started_at=PAUSED_AT, fields={**kept.fields, DISCARDED: "yes"}))
    badges = [re.findall(r'class="badge[^>]*>.*?</svg>(\w+)<', row) for row in _rows(browser)]
    assert badges == [["Discarded"], ["Stopped"]]


def test_the_question_names_the_call_and_says_where_a_rule_insists_on_it(
    browser: TestClient, services: Services
) -> None:
    services.rules.add(Rule(name="Bank", treatment=Treatment.MANDATORY), SYSTEM)
    services.rules.add(Rule(name="Other", treatment=Treatment.RECORD), SYSTEM)
    _show(
        services,
        LiveCall(id="one", started_at=NOON, parties=(Party(number="8001"),), rule="Bank"),
        LiveCall(id="two", started_at=PAUSED_AT, parties=(Party(number="8002"),), rule="Other"),
    )
    other, bank = (re.findall(r'data-confirm="([^"]*)"', row) for row in _rows(browser))
    assert len(bank) == len(other) == 2
    assert all(text.startswith("8001\n") and "Bank” insists" in text and "alarm" in text for text in bank)
    assert all(text.startswith("8002\n") and "insists" not in text for text in other)


def test_everybody_in_a_conference_is_named(browser: TestClient, services: Services) -> None:
    names = ("Anna", "Bert", "Carla", "Dora", "Emil")
    parties = tuple(Party(number=str(8001 + place), name=name) for place, name in enumerate(names))
    _show(services, LiveCall(id="one", started_at=NOON, parties=parties))
    [row] = _rows(browser)
    [(shown_on_hover, read_out)] = re.findall(r'<p class="title"[^>]* title="([^"]*)">(.*?)</p>', row)
    for name in names:
        assert name in shown_on_hover
        assert name in read_out


def test_a_person_who_sees_no_calls_is_told_that_others_may_go_on(site: TestClient, services: Services) -> None:
    services.accounts.add("otto", "Otto", PASSWORD, ACTOR, permissions=["live.list"])
    site.cookies.set("sid", services.accounts.sign_in("otto", PASSWORD, ACTOR).session_token)
    _show(services, LiveCall(id="one", started_at=NOON))
    text = html.unescape(site.get("/live/list").text)
    assert "No call goes on now" not in text
    assert "Only calls whose recordings you may see are shown here." in text
