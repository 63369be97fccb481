"""The list of recordings, whatever it is filtered by."""

import pytest
from starlette.testclient import TestClient

from hub import ids
from hub.access.person import Person
from hub.app.services import Services
from hub.sdk import Party
from tests.doubles import recordings
from tests.unit.webui.api.conftest import ACTOR, PASSWORD


@pytest.fixture
def browser(site: TestClient, services: Services, administrator: Person) -> TestClient:
    """Signed in."""
    site.cookies.set("sid", services.accounts.sign_in("maria", PASSWORD, ACTOR).session_token)
    return site


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("device=7", "Deleted device"),
        ("direction=incoming", "Incoming"),
        ("range=today", "Today"),
        ("from=2026-11-21T10:00", "from "),
        ("min=5&max=60", "5"),
        ("problems=1", "roblem"),
        ("agent=Maria", "Maria"),
        ("q=8005", "8005"),
    ],
)
def test_every_filter_says_what_it_asks_for(query: str, shown: str, browser: TestClient) -> None:
    answer = browser.get(f"/recordings?{query}")
    assert answer.status_code == 200
    assert shown in answer.text


def test_who_may_add_no_device_is_not_told_to(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Three steps" in browser.get("/recordings").text
    monkeypatch.setattr("webui.pages.recordings.allows", lambda _person, permission: permission != "device.add")
    text = browser.get("/recordings").text
    assert "Three steps" not in text
    assert "No recording so far" in text


def test_a_moment_of_a_call_is_the_same_second_wherever_it_stands_and_a_length_is_rounded(
    browser: TestClient, services: Services
) -> None:
    party = Party(number="8001", joined_s=12.7, left_s=59.6)
    made = recordings.prepared(parties=(party,), duration_s=59.6)
    [committed] = recordings.commit(services.db, made)
    text = browser.get(f"/r/{ids.to_text(committed.recording_id)}").text
    assert "joined at 0:12" in text
    assert "left at 0:59" in text
    assert "1:00" in text
