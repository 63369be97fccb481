"""Recording rules that name devices which were deleted."""

import html

import pytest
from starlette.testclient import TestClient

from hub.access.person import Person
from hub.app.services import Services
from hub.audit import SYSTEM
from hub.rules.rule import Rule
from hub.sdk import Kind
from tests.unit.webui.api.conftest import ACTOR, PASSWORD


@pytest.fixture
def browser(site: TestClient, services: Services, administrator: Person) -> TestClient:
    """Signed in."""
    site.cookies.set("sid", services.accounts.sign_in("maria", PASSWORD, ACTOR).session_token)
    return site


def _add_device(services: Services, name: str) -> int:
    return services.instances.create(Kind.SOURCE, "ipoffice", name, {"folder": f"/{name}"}, SYSTEM).id


def _text(browser: TestClient, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return html.unescape(answer.text)


def test_before_a_device_is_deleted_the_rules_that_name_it_are_told(browser: TestClient, services: Services) -> None:
    oslo, rome = _add_device(services, "Oslo"), _add_device(services, "Rome")
    services.rules.add(Rule(name="Only Oslo", devices=(oslo,)), SYSTEM)
    services.rules.add(Rule(name="Both", devices=(oslo, rome)), SYSTEM)
    services.rules.add(Rule(name="Everywhere"), SYSTEM)
    text = _text(browser, f"/devices/{oslo}/delete")
    assert "2 recording rules name it" in text
    assert "Only Oslo</a>: it fits no call any more" in text
    assert "Both</a>: it holds for its other devices" in text
    assert "Everywhere" not in text
    assert "1 recording rule names it" in _text(browser, f"/devices/{rome}/delete")


def test_a_rule_whose_devices_were_deleted_says_so_and_shows_the_way_out(
    browser: TestClient, services: Services
) -> None:
    oslo, rome = _add_device(services, "Oslo"), _add_device(services, "Rome")
    only = services.rules.add(Rule(name="Only Oslo", devices=(oslo,)), SYSTEM)
    services.rules.add(Rule(name="Both", devices=(oslo, rome)), SYSTEM)
    assert "deleted" not in _text(browser, "/rules")
    services.instances.delete(oslo, SYSTEM)
    text = _text(browser, "/rules")
    assert "on the device Oslo (deleted)" in text
    assert text.count("It fits no call: each device that it names was deleted.") == 1
    assert text.count("A device that it names was deleted; it holds for the others.") == 1
    assert f'<a href="/rules/{only.id}">Choose other devices, or delete the rule</a>' in text


def test_the_test_of_rules_says_that_the_device_of_a_rule_was_deleted(browser: TestClient, services: Services) -> None:
    oslo, rome = _add_device(services, "Oslo"), _add_device(services, "Rome")
    services.rules.add(Rule(name="Only Oslo", devices=(oslo,)), SYSTEM)
    assert "it is another device" in _text(browser, f"/rules/test?device={rome}")
    services.instances.delete(oslo, SYSTEM)
    assert "each device that it names was deleted" in _text(browser, f"/rules/test?device={rome}")
    assert "There is no such device any more." in _text(browser, f"/rules/test?device={oslo}")


def test_a_rule_that_is_saved_again_does_not_come_to_hold_for_every_device(
    browser: TestClient, services: Services
) -> None:
    oslo = _add_device(services, "Oslo")
    rule = services.rules.add(Rule(name="Only Oslo", devices=(oslo,)), SYSTEM)
    services.instances.delete(oslo, SYSTEM)
    text = _text(browser, f"/rules/{rule.id}")
    assert f'name="devices" value="{oslo}" checked' in text
    assert "With none ticked the rule holds for all devices" in text
