"""The list of recordings, whatever it is filtered by."""

import pytest
from starlette.testclient import TestClient

from hub.access.person import Person
from hub.app.services import Services
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
