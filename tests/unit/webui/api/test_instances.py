"""Devices and connectors over the API."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub.app.services import Services
from hub.audit.models import AuditLine
from hub.catalog import preferences
from hub.config.policy import HubPreferences
from hub.sdk import Kind
from tests.unit.webui.api.conftest import ACTOR, Api


@pytest.fixture
def shelf(tmp_path: Path) -> dict[str, Any]:
    return {"plugin": "local", "name": "Shelf", "settings": {"folder": str(tmp_path / "shelf")}}


@pytest.fixture
def made(api: Api, shelf: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.post("/connectors", shelf).json()
    return found


def test_a_connector_is_added_found_changed_and_deleted(api: Api, shelf: dict[str, Any], services: Services) -> None:
    answer = api.post("/connectors", shelf)
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/connectors/{made['id']}"
    assert answer.headers["etag"] == '"1"'
    assert made["kind"] == "connector"
    assert made["options"] == {"startup": "retry", "memory_limit_mb": 1024, "timezone": ""}
    found = api.get(f"/connectors/{made['id']}")
    assert found.json() == made
    changed = api("PATCH", f"/connectors/{made['id']}", json={"name": "Cupboard"}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200
    assert changed.headers["etag"] == '"2"'
    assert changed.json()["name"] == "Cupboard"
    assert [one["name"] for one in api.get("/connectors").json()["items"]] == ["Cupboard"]
    assert api("DELETE", f"/connectors/{made['id']}", headers={"If-Match": '"1"'}).status_code == 412
    assert api("DELETE", f"/connectors/{made['id']}", headers={"If-Match": '"2"'}).status_code == 204
    assert api.get(f"/connectors/{made['id']}").status_code == 404
    with services.db.read() as session:
        lines = session.execute(select(AuditLine.action, AuditLine.via).where(AuditLine.action.like("device.%"))).all()
    assert [tuple(line) for line in lines] == [
        ("device.add", "api"),
        ("device.change", "api"),
        ("device.delete", "api"),
    ]


def test_a_change_needs_the_tag_of_what_was_seen(api: Api, made: dict[str, Any]) -> None:
    path = f"/connectors/{made['id']}"
    without = api("PATCH", path, json={"enabled": False})
    assert without.status_code == 428
    assert without.json()["errors"][0]["loc"] == ["header", "If-Match"]
    for tag in ('"7"', 'W/"1"', "1", "nonsense"):
        assert api("PATCH", path, json={"enabled": False}, headers={"If-Match": tag}).status_code == 412, tag
    assert api("PATCH", path, json={"enabled": False}, headers={"If-Match": '"9", "1"'}).status_code == 200
    switched = api("PATCH", path, json={"enabled": True}, headers={"If-Match": "*"})
    assert switched.json()["enabled"] is True


def test_what_is_left_out_or_null_stays(api: Api, made: dict[str, Any]) -> None:
    changed = api("PATCH", f"/connectors/{made['id']}", json={"name": None}, headers={"If-Match": '"1"'}).json()
    assert {**changed, "revision": 1} == made


def test_two_cannot_have_one_name(api: Api, made: dict[str, Any], shelf: dict[str, Any]) -> None:
    answer = api.post("/connectors", shelf)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "name"]


def test_a_connector_is_no_device(api: Api, made: dict[str, Any]) -> None:
    assert api.get(f"/devices/{made['id']}").status_code == 404
    assert api("DELETE", f"/devices/{made['id']}").status_code == 404


def test_a_store_that_the_preferences_name_stays(api: Api, made: dict[str, Any], services: Services) -> None:
    (store,) = services.instances.list(Kind.CONNECTOR)
    with services.db.write() as session:
        preferences.save(session, HubPreferences(primary_store=store.id), ACTOR, 0)
    answer = api("DELETE", f"/connectors/{made['id']}")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("in-use")


def test_preferences_are_got_and_changed_with_their_tag(api: Api, made: dict[str, Any]) -> None:
    got = api.get("/preferences")
    wanted = got.json() | {"timezone": "Europe/Berlin", "country": "DE", "primary_store": made["id"]}
    assert api("PUT", "/preferences", json=wanted).status_code == 428
    saved = api("PUT", "/preferences", json=wanted, headers={"If-Match": got.headers["etag"]})
    assert saved.status_code == 200, saved.text
    assert saved.json() == wanted == api.get("/preferences").json()
    assert api("PUT", "/preferences", json=wanted, headers={"If-Match": got.headers["etag"]}).status_code == 412


@pytest.mark.parametrize(
    ("change", "loc"),
    [
        ({"timezone": "Mars/Base"}, ["body", "timezone"]),
        ({"country": "Germany"}, ["body", "country"]),
        ({"primary_store": "0000000000099"}, ["body", "primary_store"]),
        ({"primary_store": 1}, ["body", "primary_store"]),
        ({"copy_stores": ["0000000000099"]}, ["body", "copy_stores", 0]),
        ({"media": {"stored_form": "keep", "keep_original": False}}, ["body", "media", "opus_bitrate_bps"]),
        ({"extra": 1}, ["body", "extra"]),
    ],
)
def test_preferences_that_make_no_sense_are_refused_by_field(api: Api, change: dict[str, Any], loc: list[Any]) -> None:
    wanted = api.get("/preferences").json() | change
    answer = api("PUT", "/preferences", json=wanted, headers={"If-Match": '"0"'})
    assert answer.status_code == 422
    assert loc in [error["loc"] for error in answer.json()["errors"]]


def test_to_keep_nothing_at_all_is_refused(api: Api) -> None:
    wanted = api.get("/preferences").json()
    wanted["media"] |= {"stored_form": "keep", "keep_original": False}
    answer = api("PUT", "/preferences", json=wanted, headers={"If-Match": '"0"'})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "media"]


def test_plug_ins_are_listed_with_the_settings_that_they_take(api: Api) -> None:
    listed = api.get("/plugins").json()
    assert {"ipoffice", "local"} <= {one["name"] for one in listed["items"]}
    local = api.get("/plugins/connector/local").json()
    assert "folder" in local["settings_schema"]["properties"]
    assert api.get("/plugins/connector/nonesuch").status_code == 404


def test_restarting_what_has_no_process_is_no_operation(api: Api, made: dict[str, Any]) -> None:
    assert api.post(f"/connectors/{made['id']}/restart").status_code == 404


def test_options_that_make_no_sense_are_refused_by_field(api: Api, shelf: dict[str, Any]) -> None:
    answer = api.post("/connectors", {**shelf, "options": {"timezone": "Mars/Base"}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "options", "timezone"]


def test_settings_are_tried_before_they_are_kept(api: Api, tmp_path: Path, services: Services) -> None:
    passed = api.post("/plugins/source/ipoffice/test", {"settings": {"folder": str(tmp_path)}}).json()
    assert (passed["passed"], passed["state"], passed["failure"]) == (True, "ok", None)
    assert passed["warnings"]
    failed = api.post("/plugins/source/ipoffice/test", {"settings": {"folder": "/no/such/folder"}}).json()
    assert failed["passed"] is False
    assert failed["failure"]["errors"][0]["loc"] == ["body", "settings", "folder"]
    assert failed["failure"]["hint"]
    assert api.post("/plugins/source/nonesuch/test", {"settings": {}}).status_code == 404
    with services.db.read() as session:
        lines = session.scalars(select(AuditLine.subject).where(AuditLine.action == "device.test")).all()
    assert lines == ["plugin:ipoffice", "plugin:ipoffice"]


def test_a_device_is_tried_with_its_own_settings_and_restarted(api: Api, tmp_path: Path, services: Services) -> None:
    body = {"plugin": "ipoffice", "name": "Head office", "settings": {"folder": str(tmp_path)}}
    made = api.post("/devices", body).json()
    assert api.post(f"/devices/{made['id']}/test").json()["passed"] is True
    assert api.post(f"/devices/{made['id']}/restart").status_code == 204
    number = services.instances.list(Kind.SOURCE)[0].id
    assert services.commands.told == [("reload", number), ("restart", number)]  # type: ignore[attr-defined]
