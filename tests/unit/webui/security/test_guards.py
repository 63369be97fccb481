"""What stands in front of every route, tried on every route there is."""

import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from hub.access.person import Person
from hub.app.services import Services
from hub.db.errors import DatabaseAway
from tests.unit.webui.api.conftest import ACTOR, PASSWORD
from webui.app import create_app
from webui.security import SecuritySettings, middleware, safe_next
from webui.security.gate import PUBLIC_PATHS, PUBLIC_PREFIXES, is_public
from webui.security.headers import FIXED_HEADERS
from webui.security.origin import origin_of

# what strangers may open; a new entry here is a decision, not an accident
PUBLIC = {"/sign-in", "/setup", "/healthz", "/readyz", "/metrics", "/favicon.ico", "/robots.txt"}


def _paths(services: Services) -> list[str]:
    """Every path pattern of the application, with samples for its parameters."""
    routes: list[BaseRoute] = create_app(services, services.config).routes
    patterns = [route.path for route in routes if isinstance(route, Route | Mount)]
    return sorted({re.sub(r"\{[^}]*\}", "1", pattern) for pattern in patterns})


def test_the_list_of_public_paths_is_the_one_that_was_decided() -> None:
    assert PUBLIC_PATHS == PUBLIC
    assert PUBLIC_PREFIXES == ("/static/", "/api/v1/")


def test_every_page_turns_strangers_away(site: TestClient, services: Services) -> None:
    tried = 0
    for path in _paths(services):
        for method in ("GET", "POST", "PUT", "DELETE"):
            if is_public(path) or path == "/api/v1":
                continue
            headers = {"Accept": "application/json", "Sec-Fetch-Site": "same-origin"}
            answer = site.request(method, path, headers=headers, follow_redirects=False)
            assert answer.status_code == 401, (method, path)
            tried += 1
    assert tried > 60


def test_a_strangers_browser_is_shown_the_way_to_sign_in(site: TestClient) -> None:
    answer = site.get("/r/1J4ZQ6F0M3K8T?t=73", headers={"Accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/r/1J4ZQ6F0M3K8T%3Ft%3D73"


def test_a_part_of_a_page_that_lost_its_session_sends_the_whole_page_to_sign_in(site: TestClient) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://127.0.0.1:8080/devices?x=1"}
    answer = site.get("/recordings/fresh", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=/devices%3Fx%3D1"


def test_every_answer_carries_the_headers(site: TestClient, services: Services, administrator: Person) -> None:
    signed_in = services.accounts.sign_in("maria", PASSWORD, ACTOR)
    for path in [*_paths(services), "/nothing/here", "/api/v1/recordings", "/static/1/none.js"]:
        if path == "/events":
            continue  # never ends; its headers are looked at in the tests of the API
        for cookie in ("", f"sid={signed_in.session_token}"):
            answer = site.get(path, headers={"Cookie": cookie}, follow_redirects=False)
            for name, value in FIXED_HEADERS.items():
                assert answer.headers.get(name) == value, (path, name)
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';"), path
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert answer.headers["x-request-id"], path
            assert "strict-transport-security" not in answer.headers
            if not path.startswith("/static/"):
                assert "public" not in answer.headers["cache-control"] or path == "/favicon.ico", path


def test_the_policy_has_a_new_nonce_for_each_answer(site: TestClient) -> None:
    nonces = {
        re.search(r"nonce-([\w-]+)", site.get("/sign-in").headers["content-security-policy"])[1] for _ in range(5)
    }  # type: ignore[index]
    assert len(nonces) == 5
    assert all(len(nonce) >= 22 for nonce in nonces)


# ---- a small application of our own, to see the guards alone


def _people(token: str, counts: bool) -> Person | None:
    seen.append((token, counts))
    if token != "good":
        return None
    return Person(id=1, login="maria", name="M", is_administrator=True, permissions=frozenset())


seen: list[tuple[str, bool]] = []


async def _show(request: Request) -> Response:
    person = request.state.person
    return PlainTextResponse(f"{person.login if person else '-'} {request.client.host if request.client else ''}")


async def _break(request: Request) -> Response:
    raise RuntimeError("the password is hunter2")


async def _take(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


def _small(public_url: str = "http://127.0.0.1:8080", proxies: tuple[str, ...] = ()) -> TestClient:
    settings = SecuritySettings(public_url=public_url, trusted_proxies=proxies)
    routes = [
        Route("/page", _show, methods=["GET", "POST", "PATCH", "DELETE"]),
        Route("/events", _show),
        Route("/break", _break),
        Route("/take", _take, methods=["POST"]),
        Route("/sign-in", _show, methods=["GET", "POST"]),
        Route("/api/v1/x", _show, methods=["POST"]),
    ]
    return TestClient(Starlette(routes=routes, middleware=middleware(settings, _people)), base_url=public_url)


@pytest.fixture
def small() -> Iterator[TestClient]:
    seen.clear()
    with _small() as client:
        client.cookies.set("sid", "good")
        yield client


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8080"}, False),
        ({"Origin": "http://127.0.0.1:8080"}, True),
        ({"Origin": "http://127.0.0.1:9090"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://192.168.1.5:8080", "Host": "192.168.1.5:8080"}, True),
        ({"Origin": "http://evil.example", "Host": "127.0.0.1:8080"}, False),
        ({}, False),
        ({"Referer": "http://127.0.0.1:8080/page"}, False),
    ],
)
def test_only_our_own_pages_may_change_something(small: TestClient, headers: dict[str, str], passes: bool) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        assert small.request(method, "/page", headers=headers).status_code == (200 if passes else 403)
    assert small.get("/page", headers=headers).status_code == 200


def test_sign_in_itself_must_come_from_our_own_page(small: TestClient) -> None:
    assert small.post("/sign-in", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert small.post("/sign-in", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_the_api_needs_no_origin_since_it_takes_no_cookie(small: TestClient) -> None:
    answer = small.post("/api/v1/x", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert answer.text.startswith("- ")
    assert seen == []


def test_a_page_asking_by_itself_is_no_activity(small: TestClient) -> None:
    small.get("/page")
    small.get("/events")
    assert seen == [("good", True), ("good", False)]


def test_a_cookie_that_counts_no_more_is_taken_away(small: TestClient) -> None:
    small.cookies.clear()
    answer = small.get("/page", headers={"Cookie": "sid=old"})
    assert answer.status_code == 401
    assert 'sid="";' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_a_failure_shows_its_id_carries_the_headers_and_tells_nothing(small: TestClient) -> None:
    with capture_logs() as lines:
        answer = small.get("/break")
    assert lines[0]["event"] == "request.failed"
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    assert "hunter2" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_session_that_cannot_be_looked_up_now_is_no_fault_of_the_hub() -> None:
    def away(token: str, counts: bool) -> Person | None:
        raise DatabaseAway("/secret/catalog.sqlite3 does not answer")

    def page_made_too_early(request: Request, failure: Exception) -> Response:
        raise AttributeError("no language yet")

    guards = middleware(SecuritySettings(public_url="http://127.0.0.1:8080"), away, page_made_too_early)
    app = Starlette(routes=[Route("/page", _show)], middleware=guards)
    with capture_logs(), TestClient(app) as client:
        answer = client.get("/page", headers={"Cookie": "sid=good"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "secret" not in answer.text


def test_a_body_is_limited(small: TestClient) -> None:
    own = {"Sec-Fetch-Site": "same-origin"}
    assert small.post("/take", content=b"x" * 1_048_576, headers=own).text == "1048576"
    assert small.post("/take", content=b"x" * 1_048_577, headers=own).status_code == 413


def test_a_request_id_of_the_client_is_not_taken_over(small: TestClient) -> None:
    assert small.get("/page", headers={"X-Request-ID": "forged\nline"}).headers["x-request-id"] != "forged\nline"


def test_over_https_the_cookie_has_the_guarded_name_and_hsts_is_sent() -> None:
    with _small("https://hub.example") as client:
        answer = client.get("/page", headers={"Cookie": "sid=good"})
        assert answer.status_code == 401
        assert client.get("/page", headers={"Cookie": "__Host-sid=good"}).status_code == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_only_a_trusted_proxy_is_believed() -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Cookie": "sid=good"}
    with _small() as client:
        assert client.get("/page", headers=forwarded).text == "maria testclient"
    with _small(proxies=("testclient",)) as client:
        assert client.get("/page", headers=forwarded).status_code == 401
        secure = {**forwarded, "Cookie": "__Host-sid=good"}
        assert client.get("/page", headers=secure).text == "maria 203.0.113.9"
        chain = {**secure, "X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
        assert client.get("/page", headers=chain).text == "maria 203.0.113.9"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/\n/evil.example",
        "/ /evil.example",
        "",
        None,
        "/sign-in?next=/sign-in",
        "/sign-out",
        "/setup?token=x",
        "/" + "x" * 2000,
    ],
)
def test_after_sign_in_nobody_is_sent_to_another_site(wanted: str | None) -> None:
    assert safe_next(wanted) == "/recordings"


@pytest.mark.parametrize("wanted", ["/recordings?q=1&from=2026-11-01", "/r/1J4ZQ6F0M3K8T?t=73", "/", "/devices/5#x"])
def test_after_sign_in_a_page_of_the_hub_opens(wanted: str) -> None:
    assert safe_next(wanted) == wanted


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://Hub.Example:443", "https://hub.example"),
        ("http://hub.example:80", "http://hub.example"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin
