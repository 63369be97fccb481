"""Who gets into the API, and with what."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from hub import ids
from hub.access.permissions import PERMISSIONS
from hub.access.person import Person
from hub.app.services import Services
from hub.clock import utc_now
from tests.doubles.recordings import commit_one
from tests.unit.webui.api.conftest import ACTOR, PASSWORD, Api, MakeToken
from webui.api.v1.app import create_api
from webui.live import Live

SAMPLES = {
    "{id}": "1J4ZQ6F0M3K8T",
    "{kind}": "source",
    "{name}": "ipoffice",
    "{part}": "0",
}
HEXES = "0" * 64


def _operations(services: Services) -> Iterator[tuple[str, str, str]]:
    """(method, path with samples, permission) of every operation."""
    document = create_api(services, Live(services.db, services.reader)).openapi()
    for path, methods in document["paths"].items():
        filled = path.replace("/quarantine/{id}", f"/quarantine/{HEXES}")
        for name, sample in SAMPLES.items():
            filled = filled.replace(name, sample)
        for method, operation in methods.items():
            yield method.upper(), filled, operation["x-permission"]


def test_every_operation_refuses_strangers_with_a_challenge(services: Services) -> None:
    operations = list(_operations(services))
    assert len(operations) > 35
    api = create_api(services, Live(services.db, services.reader), requests_a_minute=10_000)
    with TestClient(api) as client:
        for method, path, _ in operations:
            answer = client.request(method, path)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.headers["content-type"] == "application/problem+json"


def test_every_operation_names_a_permission_and_refuses_tokens_without_it(
    services: Services, administrator: Person, make_token: MakeToken
) -> None:
    live = Live(services.db, services.reader)
    api = create_api(services, live, requests_a_minute=10_000)
    with TestClient(api, raise_server_exceptions=False) as client:
        for method, path, permission in _operations(services):
            if not permission:
                continue
            implying = {key for key in PERMISSIONS.keys if permission in PERMISSIONS.expand([key])}
            token = make_token(*sorted(PERMISSIONS.keys - implying))
            answer = client.request(method, path, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 403, (method, path, answer.text)
            assert permission in answer.json()["detail"]
            services.tokens.revoke(administrator, services.tokens.list(administrator)[0].id, ACTOR)


def test_only_two_operations_are_open_to_every_token(services: Services) -> None:
    open_to_all = {path for _, path, permission in _operations(services) if not permission}
    assert open_to_all == {"/me", "/events"}


def test_every_route_of_the_application_stands_in_the_document(services: Services) -> None:
    api = create_api(services, Live(services.db, services.reader))
    assert [route for route in api.routes if isinstance(route, APIRoute) and not route.include_in_schema] == []


def test_the_browsers_cookie_does_not_count(site: TestClient, services: Services, administrator: Person) -> None:
    signed_in = services.accounts.sign_in("maria", PASSWORD, ACTOR)
    answer = site.get("/api/v1/me", headers={"Cookie": f"sid={signed_in.session_token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer x", "Basic dTpw", "rh_" + "A" * 49, "Bearer rh_" + "A" * 49, "Bearer \xff\xfe"],
)
def test_what_is_no_token_is_refused(site: TestClient, header: str) -> None:
    answer = site.get("/api/v1/me", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401


def test_the_scheme_is_taken_in_any_case(site: TestClient, make_token: MakeToken) -> None:
    assert site.get("/api/v1/me", headers={"Authorization": f"bearer {make_token()}"}).status_code == 200


def test_an_expired_and_a_revoked_token_are_refused(
    site: TestClient, services: Services, administrator: Person, make_token: MakeToken
) -> None:
    token = make_token()
    bearer = services.tokens.find(token)
    assert bearer is not None
    services.tokens.revoke(administrator, bearer.token.id, ACTOR)
    answer = Api(site, token).get("/me")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_token_in_the_address_is_not_looked_at(site: TestClient, make_token: MakeToken) -> None:
    assert site.get(f"/api/v1/me?access_token={make_token()}").status_code == 401


def test_refusals_come_before_anything_of_the_body_is_read(site: TestClient, make_token: MakeToken) -> None:
    broken = {"content": b"{nonsense", "headers": {"Content-Type": "application/json"}}
    assert site.post("/api/v1/devices", **broken).status_code == 401  # type: ignore[arg-type]
    few: dict[str, Any] = {"content": b"{nonsense", "headers": {"Content-Type": "application/json"}}
    assert Api(site, make_token("recording.list"))("POST", "/devices", **few).status_code == 403


def test_a_person_without_a_scope_sees_nothing_even_with_the_permission(
    site: TestClient, services: Services, make_token: MakeToken
) -> None:
    recording_id = commit_one(services.db)
    otto = services.accounts.add("otto", "Otto", PASSWORD, ACTOR, permissions=["recording.play", "recording.download"])
    theirs = Api(site, make_token("recording.play", "recording.download", person=otto))
    text = ids.to_text(recording_id)
    assert theirs.get("/recordings").json()["items"] == []
    assert theirs.get("/recordings/count").json() == {"n": 0, "exact": True}
    for path in ("", "/media", "/original", "/peaks"):
        assert theirs.get(f"/recordings/{text}{path}").status_code == 404, path
    everything = Api(site, make_token())
    assert len(everything.get("/recordings").json()["items"]) == 1


def test_strangers_who_keep_guessing_are_slowed_down(site: TestClient, make_token: MakeToken) -> None:
    token = make_token()
    answers = [site.get("/api/v1/me", headers={"Authorization": "Bearer x"}).status_code for _ in range(120)]
    assert answers[:60] == [401] * 60
    assert 429 in answers[60:]  # one more a second is answered, and this may take some
    assert Api(site, token).get("/me").status_code == 200


def test_a_client_is_told_where_it_stands_and_stopped_when_it_asks_too_much(
    services: Services, make_token: MakeToken
) -> None:
    with TestClient(create_api(services, Live(services.db, services.reader), requests_a_minute=3)) as client:
        headers = {"Authorization": f"Bearer {make_token()}"}
        first = client.get("/me", headers=headers)
        assert first.headers["ratelimit-policy"] == '"default";q=3;w=60'
        assert first.headers["ratelimit"].startswith('"default";r=2;t=')
        assert [client.get("/me", headers=headers).status_code for _ in range(3)] == [200, 200, 429]
        refused = client.get("/me", headers=headers)
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert refused.headers["content-type"] == "application/problem+json"


def test_an_end_within_the_life_of_the_asking_token(api: Api, make_token: MakeToken, site: TestClient) -> None:
    short = Api(site, make_token("account.manage", "recording.list", days=1))
    body = {
        "name": "child",
        "permissions": ["recording.list"],
        "expires_at": (utc_now() + timedelta(days=2)).isoformat(),
    }
    refused = short.post("/tokens", body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["loc"] == ["body", "expires_at"]
    body["expires_at"] = (utc_now() + timedelta(hours=2)).isoformat()
    made = short.post("/tokens", body)
    assert made.status_code == 201
    assert Api(site, made.json()["plain"]).get("/recordings").status_code == 200
    body["permissions"] = ["audit.list"]
    assert short.post("/tokens", body).json()["errors"][0]["loc"] == ["body", "permissions"]
