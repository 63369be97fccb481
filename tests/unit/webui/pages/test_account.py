"""The language of a person, and of a browser before anybody has signed in."""

import pytest
from starlette.testclient import TestClient

from hub.access.person import Person
from hub.app.services import Services
from tests.unit.webui.api.conftest import ACTOR, PASSWORD

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def browser(site: TestClient, services: Services, administrator: Person) -> TestClient:
    """Signed in."""
    site.cookies.set("sid", services.accounts.sign_in("maria", PASSWORD, ACTOR).session_token)
    return site


def _choose(browser: TestClient, locale: str, back: str = "/alarms") -> str:
    form = {"locale": locale, "next": back}
    answer = browser.post("/account/language", data=form, headers=OWN, follow_redirects=False)
    assert answer.status_code == 303
    return str(answer.headers["location"])


def test_a_chosen_language_is_the_persons_and_leads_back(
    browser: TestClient, services: Services, administrator: Person
) -> None:
    assert _choose(browser, "zh_Hans") == "/alarms"
    person = services.accounts.find(administrator.id)
    assert person is not None
    assert (person.locale, person.name, person.theme) == ("zh_Hans", "Maria Keller", administrator.theme)
    assert "告警" in browser.get("/alarms").text


def test_a_language_that_is_not_installed_changes_nothing(
    browser: TestClient, services: Services, administrator: Person
) -> None:
    _choose(browser, "tlh")
    person = services.accounts.find(administrator.id)
    assert person is not None
    assert person.locale == administrator.locale


def test_the_way_back_leads_to_no_other_site(browser: TestClient) -> None:
    assert _choose(browser, "de", "https://example.com/") == "/recordings"


def test_a_refusal_on_a_form_is_in_the_language_of_the_page(browser: TestClient) -> None:
    _choose(browser, "de")
    answer = browser.post("/account/password", data={"current": "no", "new": "pear lamp fjord 12"}, headers=OWN)
    assert answer.status_code == 422
    assert "Das aktuelle Passwort ist falsch." in answer.text


def test_the_browsers_language_counts_until_one_is_chosen_in_it(site: TestClient, administrator: Person) -> None:
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9"}
    assert 'lang="zh-Hans"' in site.get("/sign-in", headers=chinese).text
    site.cookies.set("language", "de")
    assert 'lang="de"' in site.get("/sign-in", headers=chinese).text
    site.cookies.set("language", "../../etc")
    assert 'lang="zh-Hans"' in site.get("/sign-in", headers=chinese).text


def test_as_in_the_browser_forgets_what_was_chosen_there(browser: TestClient) -> None:
    _choose(browser, "de")
    assert browser.cookies.get("language") == "de"
    _choose(browser, "")
    assert browser.cookies.get("language") is None
    assert 'lang="en"' in browser.get("/alarms").text
