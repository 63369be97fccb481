"""POST requests that are sent twice."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2  # noqa: TC002
import pytest

from hub.access.person import Person
from hub.app.services import Services
from hub.clock import utc_now
from hub.sdk import Kind
from tests.unit.webui.api.conftest import ACTOR, Api, MakeToken

KEY = {"Idempotency-Key": "first-try"}


@pytest.fixture
def body(tmp_path: Path) -> dict[str, Any]:
    return {"plugin": "local", "name": "Shelf", "settings": {"folder": str(tmp_path / "shelf")}}


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(
    api: Api, services: Services, body: dict[str, Any]
) -> None:
    first = api.post("/connectors", body, headers=KEY)
    again = api.post("/connectors", body, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    for name in ("location", "etag", "content-type"):
        assert first.headers[name] == again.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(services.instances.list(Kind.CONNECTOR)) == 1


def test_a_token_shown_once_is_shown_again_to_who_asks_with_the_same_key(api: Api, services: Services) -> None:
    ends = utc_now().replace(microsecond=0).isoformat()
    body = {"name": "t", "permissions": ["recording.list"], "expires_at": ends.replace("+00:00", "Z")}
    refused = api.post("/tokens", body, headers=KEY)
    assert refused.status_code == 422
    body["expires_at"] = (utc_now().replace(microsecond=0, minute=0) + timedelta(hours=2)).isoformat()
    first, again = (api.post("/tokens", body, headers={"Idempotency-Key": "t"}) for _ in range(2))
    assert first.json()["plain"] == again.json()["plain"]


def test_the_same_key_with_another_request_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert api.post("/connectors", body, headers=KEY).status_code == 201
    for path, other in (("/connectors", {**body, "name": "Another"}), ("/plugins/connector/local/test", body)):
        answer = api.post(path, other, headers=KEY)
        assert answer.status_code == 422
        assert answer.json()["type"].endswith("idempotency-key-reused")
        assert answer.json()["errors"][0]["loc"] == ["header", "Idempotency-Key"]


def test_a_request_that_failed_leaves_its_key_free(api: Api, body: dict[str, Any]) -> None:
    assert api.post("/connectors", {**body, "settings": {}}, headers=KEY).status_code == 422
    assert api.post("/connectors", body, headers=KEY).status_code == 201


def test_keys_of_two_people_do_not_meet(
    api: Api, services: Services, make_token: MakeToken, body: dict[str, Any]
) -> None:
    vera = services.accounts.add("vera", "Vera", "fjord lamp apricot 7", ACTOR, is_administrator=True)
    hers = Api(api.site, make_token(person=vera))
    assert api.post("/connectors", body, headers=KEY).status_code == 201
    assert hers.post("/connectors", {**body, "name": "Hers"}, headers=KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "ü".encode(), "x" * 256])
def test_a_key_that_is_no_key_is_refused(api: Api, body: dict[str, Any], key: str) -> None:
    answer = api.post("/connectors", body, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["header", "Idempotency-Key"]


def test_the_permission_is_checked_before_an_answer_is_repeated(
    api: Api, administrator: Person, make_token: MakeToken, body: dict[str, Any]
) -> None:
    assert api.post("/connectors", body, headers=KEY).status_code == 201
    weaker = Api(api.site, make_token("recording.list"))
    assert weaker.post("/connectors", body, headers=KEY).status_code == 403


def test_of_many_at_once_one_is_carried_out(api: Api, services: Services, body: dict[str, Any]) -> None:
    together = threading.Barrier(6)
    answers: list[httpx2.Response] = []

    def send() -> None:
        together.wait()
        answers.append(api.post("/connectors", body, headers=KEY))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert sum("idempotency-replayed" not in a.headers and a.status_code == 201 for a in answers) == 1
    assert len(services.instances.list(Kind.CONNECTOR)) == 1
