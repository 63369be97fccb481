"""Sessions as a browser sees them."""

import pytest
from starlette.testclient import TestClient

from hub.access.person import Person
from hub.app.services import Services
from tests.unit.webui.api.conftest import ACTOR, PASSWORD

OWN = {"Sec-Fetch-Site": "same-origin"}


def _sign_in(site: TestClient, **form: str) -> str:
    answer = site.post(
        "/sign-in", data={"login": "maria", "password": PASSWORD, **form}, headers=OWN, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "Expires" not in cookie
    return answer.headers["location"]


def test_a_session_that_was_planted_before_sign_in_is_worth_nothing_after(
    site: TestClient, services: Services, administrator: Person
) -> None:
    planted = services.accounts.sign_in("maria", PASSWORD, ACTOR).session_token
    site.cookies.set("sid", planted)
    _sign_in(site)
    token = site.cookies.get("sid", domain="127.0.0.1")
    assert token
    assert token != planted
    assert services.sessions.find(planted) is None
    assert services.sessions.find(token) == administrator


def test_a_cookie_that_the_hub_did_not_give_stays_worthless(
    site: TestClient, services: Services, administrator: Person
) -> None:
    site.cookies.set("sid", "chosen-by-somebody")
    _sign_in(site)
    assert services.sessions.find("chosen-by-somebody") is None


@pytest.mark.parametrize(
    ("wanted", "goes"), [("/devices?x=1", "/devices?x=1"), ("https://evil.example", "/recordings")]
)
def test_sign_in_leads_to_where_one_came_from_and_never_elsewhere(
    site: TestClient, administrator: Person, wanted: str, goes: str
) -> None:
    assert _sign_in(site, next=wanted) == goes


def test_signing_out_takes_session_and_cookie_away(site: TestClient, services: Services, administrator: Person) -> None:
    _sign_in(site)
    token = next(cookie.value for cookie in site.cookies.jar)
    answer = site.post("/sign-out", headers=OWN, follow_redirects=False)
    assert answer.status_code == 303
    assert services.sessions.find(token or "") is None
    assert site.get("/recordings", headers={"Accept": "application/json"}).status_code == 401


def test_a_disabled_person_is_out_at_once(site: TestClient, services: Services, administrator: Person) -> None:
    services.accounts.add("vera", "Vera", PASSWORD, ACTOR, is_administrator=True)
    _sign_in(site)
    assert site.get("/account").status_code == 200
    services.accounts.disable(administrator.id, ACTOR)
    assert site.get("/account", headers={"Accept": "application/json"}).status_code == 401


def test_wrong_and_unknown_look_alike_on_the_page(site: TestClient, administrator: Person) -> None:
    def refuse(login: str) -> tuple[int, str]:
        answer = site.post("/sign-in", data={"login": login, "password": "wrong"}, headers=OWN)
        nonce_free = answer.text.replace(login, "LOGIN")
        return answer.status_code, "".join(line for line in nonce_free.splitlines() if "nonce" not in line)

    assert refuse("maria") == refuse("nobody")


def _sign_in_as(site: TestClient, services: Services, permissions: tuple[str, ...], **form: str) -> str:
    services.accounts.add("rosa", "Rosa", PASSWORD, ACTOR, permissions=permissions)
    return _sign_in(site, login="rosa", **form)


@pytest.mark.parametrize("wanted", ["", "/", "/recordings", "/audit?q=1"])
def test_who_may_not_list_recordings_lands_on_the_first_page_that_is_open(
    site: TestClient, services: Services, administrator: Person, wanted: str
) -> None:
    assert _sign_in_as(site, services, ("live.list", "alarm.list"), next=wanted) in {"/live", "/"}
    landed = site.get("/sign-in", params={"next": wanted})
    assert (landed.url.path, landed.status_code) == ("/live", 200)


def test_a_page_that_is_open_is_reached_after_sign_in_as_it_was_asked_for(
    site: TestClient, services: Services, administrator: Person
) -> None:
    assert _sign_in_as(site, services, ("live.list", "alarm.list"), next="/alarms?x=1") == "/alarms?x=1"


def test_who_may_open_no_page_is_told_what_they_may_do_and_whom_to_ask(
    site: TestClient, services: Services, administrator: Person
) -> None:
    assert _sign_in_as(site, services, ("report.daily",)) == "/"
    landed = site.get("/")
    assert landed.status_code == 200
    assert "Ask an administrator" in landed.text
    assert "Daily report" in landed.text


def test_a_page_that_is_refused_leads_on_to_one_that_is_not(
    site: TestClient, services: Services, administrator: Person
) -> None:
    _sign_in_as(site, services, ("live.list",))
    refused = site.get("/recordings", headers={"Accept": "text/html"})
    assert refused.status_code == 403
    assert 'href="/recordings"' not in refused.text
    assert 'class="button primary" href="/live"' in refused.text
