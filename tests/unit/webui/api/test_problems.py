"""Every error has one shape, also those of the framework."""

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from hub.app.services import Services
from hub.catalog import search
from hub.db.errors import DatabaseAway
from hub.runtime.commands import CommandClient
from tests.unit.webui.api.conftest import Api, MakeToken
from webui.api.v1.body_limit import LIMIT_BYTES
from webui.app import create_app


def _check(answer: object, status: int, code: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text  # type: ignore[attr-defined]
    assert answer.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    problem: dict[str, object] = answer.json()  # type: ignore[attr-defined]
    assert problem["type"] == f"urn:recording-hub:problem:{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == f"urn:recording-hub:request:{answer.headers['x-request-id']}"  # type: ignore[attr-defined]
    return problem


def test_an_unknown_path(api: Api) -> None:
    _check(api.get("/nothing/here"), 404, "not-found")


def test_a_method_that_does_not_exist_names_those_that_do(api: Api) -> None:
    answer = api("DELETE", "/recordings")
    _check(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"
    assert api("PUT", "/connectors").headers["allow"] == "GET, POST"
    assert api("PUT", "/connectors/1J4ZQ6F0M3K8T").headers["allow"] == "DELETE, GET, PATCH"
    assert api("PUT", "/recordings/count").headers["allow"] == "GET"


def test_a_path_with_a_line_end_in_it(api: Api) -> None:
    _check(api.get("/recordings/%0A/media"), 422, "invalid")
    _check(api.get("/nothing%0A"), 404, "not-found")


def test_a_recording_that_does_not_exist(api: Api) -> None:
    _check(api.get("/recordings/1J4ZQ6F0M3K8T"), 404, "not-found")


@pytest.mark.parametrize(
    ("path", "loc"),
    [
        ("/recordings?limit=0", ["query", "limit"]),
        ("/recordings?limit=501", ["query", "limit"]),
        ("/recordings?limit=ten", ["query", "limit"]),
        ("/recordings?form=dir", ["query", "form"]),
        ("/recordings?direction=sideways", ["query", "direction", 0]),
        ("/recordings?device=7", ["query", "device", 0]),
        ("/recordings?started_from=yesterday", ["query", "started_from"]),
        ("/recordings?started_from=1700000000", ["query", "started_from"]),
        ("/recordings?started_from=2026-11-21T10:00:00", ["query", "started_from"]),
        ("/recordings?min_s=nan", ["query", "min_s"]),
        ("/recordings?min_s=-1", ["query", "min_s"]),
        ("/recordings?text=%00", ["query", "text"]),
        ("/recordings?colour=red", ["query", "colour"]),
        ("/recordings/1J4ZQ6F0M3K8T/peaks?level=1&colour=red", ["query", "colour"]),
        ("/connectors?colour=red", ["query", "colour"]),
        ("/events?x=1", ["query", "x"]),
        ("/me?x=1", ["query", "x"]),
        ("/recordings?text=" + "x" * 401, ["query", "text"]),
        ("/recordings/xyz", ["path", "id"]),
        ("/recordings/1j4zq6f0m3k8t", ["path", "id"]),
        ("/recordings/ZZZZZZZZZZZZZ", ["path", "id"]),
        ("/plugins/gadget/x", ["path", "kind"]),
        ("/quarantine/..%2Fsecrets", None),
        ("/quarantine/abc", ["path", "id"]),
    ],
)
def test_a_value_that_is_not_taken_is_named(api: Api, path: str, loc: list[object] | None) -> None:
    if loc is None:
        assert api.get(path).status_code in (404, 422)
        return
    problem = _check(api.get(path), 422, "invalid")
    assert problem["errors"][0]["loc"] == loc  # type: ignore[index]
    assert str(loc[1]) in str(problem["detail"])


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["body", "plugin"]),
        ({"plugin": "local", "name": "A", "settings": {}, "enabled": "yes"}, ["body", "enabled"]),
        ({"plugin": "local", "name": "A", "settings": {}, "enabled": 1}, ["body", "enabled"]),
        ({"plugin": "local", "name": 5, "settings": {}}, ["body", "name"]),
        ({"plugin": "local", "name": "A\nB", "settings": {}}, ["body", "name"]),
        ({"plugin": "local", "name": "A", "settings": []}, ["body", "settings"]),
        ({"plugin": "local", "name": "A", "settings": {}, "colour": "red"}, ["body", "colour"]),
        (
            {"plugin": "local", "name": "A", "settings": {}, "options": {"memory_limit_mb": "64"}},
            ["body", "options", "memory_limit_mb"],
        ),
        ({"plugin": "nonesuch", "name": "A", "settings": {}}, ["body", "plugin"]),
        ({"plugin": "local", "name": "A", "settings": {}}, ["body", "settings", "folder"]),
        ({"plugin": "local", "name": "A", "settings": {"foldr": "/x"}}, ["body", "settings", "foldr"]),
        ([], ["body"]),
    ],
)
def test_a_body_is_taken_strictly_and_every_fault_named(api: Api, body: object, loc: list[object]) -> None:
    problem = _check(api.post("/connectors", body), 422, "invalid")
    assert loc in [error["loc"] for error in problem["errors"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b'{"a": \xff}', b"[" * 100_000])
def test_a_body_that_is_no_json(api: Api, content: bytes) -> None:
    answer = api("POST", "/connectors", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    _check(answer, answer.status_code, "invalid" if answer.status_code == 422 else "bad-request")


@pytest.mark.parametrize(
    "settings",
    ['{"x": NaN}', '{"x": -Infinity}', '{"folder": "/a", "folder": "/b"}', '{"x": 1' + "0" * 5000 + "}"],
)
def test_what_only_some_readers_take_for_json_is_refused(api: Api, settings: str) -> None:
    content = f'{{"plugin": "local", "name": "A", "settings": {settings}}}'.encode()
    answer = api("POST", "/connectors", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "value", ["\\ud800", "\\u0000", "/" + "x" * 5000, "/dev/null", "../..", "\\u202e", "/proc/self/mem"]
)
@pytest.mark.parametrize("place", ["folder", "name", "plugin", "timezone"])
def test_hostile_texts_are_taken_or_refused_and_break_nothing(api: Api, value: str, place: str) -> None:
    texts = {"folder": "/tmp/a", "name": "A", "plugin": "local", "timezone": ""} | {place: value}
    content = (
        f'{{"plugin": "{texts["plugin"]}", "name": "{texts["name"]}", "settings": {{"folder": "{texts["folder"]}"}}, '
        f'"options": {{"timezone": "{texts["timezone"]}"}}}}'
    )
    answer = api("POST", "/connectors", content=content.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code in (201, 422), answer.text
    if answer.status_code == 201:
        assert api.get("/connectors").json()["items"][0]["id"] == answer.json()["id"]


def test_a_form_is_no_json(api: Api) -> None:
    _check(api("POST", "/connectors", data={"plugin": "local"}), 422, "invalid")


def test_a_body_that_is_too_large_by_its_own_word_or_by_count(api: Api) -> None:
    _check(api("POST", "/connectors", content=b"x" * (LIMIT_BYTES + 1)), 413, "too-large")

    def chunks() -> object:
        for _ in range(LIMIT_BYTES // 65_536 + 1):
            yield b" " * 65_536

    headers = {"Content-Type": "application/json"}
    _check(api("POST", "/connectors", content=chunks(), headers=headers), 413, "too-large")


def test_a_length_that_is_no_number_is_refused(api: Api) -> None:
    answer = api("POST", "/connectors", content=b"{}", headers={"Content-Length": "-5"})
    assert answer.status_code in (400, 413)


def test_while_the_database_is_away_it_says_when_to_try_again(
    api: Api, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise DatabaseAway("/secret/place/catalog.sqlite3 does not answer", hint="internal")

    monkeypatch.setattr(search, "search", away)
    answer = api.get("/recordings")
    _check(answer, 503, "database-away")
    assert answer.headers["retry-after"]
    assert "secret" not in answer.text


def test_the_token_table_being_away_is_told_alike(
    site: TestClient, services: Services, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise DatabaseAway("gone")

    monkeypatch.setattr(services.db, "read", away)
    _check(api.get("/recordings"), 503, "database-away")


def test_an_unexpected_failure_tells_its_id_and_nothing_else(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(search, "search", broken)
    with capture_logs() as lines:
        answer = api.get("/recordings")
    _check(answer, 500, "internal")
    assert "hunter2" not in answer.text
    assert [line["event"] for line in lines] == ["request.failed"]
    assert lines[0]["exc_info"]


def test_the_supervisor_being_away_is_told_and_not_taken_for_a_fault(
    services: Services, make_token: MakeToken, tmp_path: Path
) -> None:
    without = replace(services, commands=CommandClient(tmp_path / "no.sock"))
    with TestClient(create_app(without, services.config)) as site:
        body = {"settings": {"folder": str(tmp_path)}}
        answer = Api(site, make_token()).post("/plugins/connector/local/test", body)
        _check(answer, 503, "away")
        assert answer.headers["retry-after"]
