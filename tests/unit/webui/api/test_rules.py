"""Recording rules, time profiles, calendars and the account of calls without recording, by the API."""

from datetime import UTC, datetime

import pytest

from hub import ids
from hub.audit.actor import SYSTEM
from hub.rules.absences import keep_absences
from hub.runtime.instance import InstanceOptions
from hub.sdk import Absence, AbsentCall, Kind, Party
from tests.unit.webui.api.conftest import Api

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OFFICE = {"name": "Office", "hours": [{"days": ["fri"], "begins": "20:00", "ends": "24:00"}]}


def made(answer):
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
def device(services):
    options = InstanceOptions(timezone="Asia/Tokyo")
    return services.instances.create(Kind.SOURCE, "ipoffice", "Tokyo", {"folder": "/x"}, SYSTEM, options=options).id


def test_a_rule_is_added_found_changed_moved_and_deleted(api):
    first = made(api.post("/recording-rules", {"name": "Sales", "groups": ["Sales"]}))
    second = made(api.post("/recording-rules", {"name": "Rest", "treatment": "share", "share_percent": 25}))
    assert (first["longest_s"], first["treatment"], second["share_percent"]) == (18_000, "record", 25)
    found = api.get(f"/recording-rules/{first['id']}")
    assert found.json() == first
    changed = api(
        "PUT",
        f"/recording-rules/{first['id']}",
        {"If-Match": found.headers["ETag"]},
        json={"name": "Sales", "groups": ["Sales", "Support"], "enabled": False},
    )
    assert (changed.status_code, changed.json()["groups"]) == (200, ["Sales", "Support"])
    moved = api.post(f"/recording-rules/{second['id']}/move", {"place": 0})
    assert [rule["name"] for rule in moved.json()["items"]] == ["Rest", "Sales"]
    assert api.get("/recording-rules").json() == moved.json()
    assert api("DELETE", f"/recording-rules/{first['id']}").status_code == 204
    assert api.get(f"/recording-rules/{first['id']}").status_code == 404


def test_a_change_needs_the_revision_that_was_seen(api):
    rule = made(api.post("/recording-rules", {"name": "Sales"}))
    path, body = f"/recording-rules/{rule['id']}", {"name": "Sales"}
    assert api("PUT", path, json=body).status_code == 428
    assert api("PUT", path, {"If-Match": '"9"'}, json=body).status_code == 412
    assert api("DELETE", path, {"If-Match": '"9"'}).status_code == 412


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "A", "longest_s": 18_001}, "longest_s"),
        ({"name": "A", "share_percent": 0}, "share_percent"),
        ({"name": "A", "treatment": "busy"}, "treatment"),
        ({"name": "A", "calls": ["sideways"]}, "calls"),
        ({"name": "A", "profile": "0000000000007"}, "profile"),
        ({"name": "A", "devices": ["0000000000007"]}, "devices"),
        ({"name": "A", "volume": 3}, "volume"),
        ({"name": " "}, "name"),
    ],
)
def test_a_wrong_value_is_named(api, body, field):
    answer = api.post("/recording-rules", body)
    assert answer.status_code == 422
    assert field in [error["loc"][1] for error in answer.json()["errors"]]


def test_the_test_says_which_rule_decides_and_why_none_above_does(api, device):
    profile = made(api.post("/time-profiles", OFFICE))
    made(api.post("/recording-rules", {"name": "Late", "profile": profile["id"], "numbers": ["9*"]}))
    made(api.post("/recording-rules", {"name": "Tokyo late", "profile": profile["id"], "treatment": "leave_out"}))
    asked = {"device_id": ids.to_text(device), "started_at": "2026-11-20T12:00:00Z", "called": "201"}
    told = api.post("/recording-rules-test", asked).json()
    assert told["rule"]["name"] == "Tokyo late"
    assert told["records"] is False
    assert [(miss["rule"]["name"], miss["aspects"]) for miss in told["misses"]] == [("Late", ["numbers"])]
    noon = api.post("/recording-rules-test", asked | {"started_at": "2026-11-20T02:00:00Z"}).json()
    assert (noon["rule"], noon["records"]) == (None, True)


def test_the_default_is_read_and_changed(api):
    found = api.get("/recording-default")
    assert found.json() == {"records": True, "absent_days": 365, "revision": 1}
    wanted = {"records": False, "absent_days": 30}
    assert api("PUT", "/recording-default", json=wanted).status_code == 428
    changed = api("PUT", "/recording-default", {"If-Match": found.headers["ETag"]}, json=wanted)
    assert changed.json() == {**wanted, "revision": 2}


def test_what_rules_refer_to_is_not_deleted(api):
    calendar = made(
        api.post("/holiday-calendars", {"name": "AT", "days": [{"day": "2026-12-25", "name": "X", "yearly": True}]})
    )
    profile = made(api.post("/time-profiles", {**OFFICE, "calendars": [calendar["id"]]}))
    made(api.post("/recording-rules", {"name": "Sales", "profile": profile["id"]}))
    refused = api("DELETE", f"/time-profiles/{profile['id']}")
    assert refused.status_code == 409
    assert "Sales" in refused.json()["detail"]
    assert api("DELETE", f"/holiday-calendars/{calendar['id']}").status_code == 409
    assert api.get(f"/holiday-calendars/{calendar['id']}").json() == calendar
    assert api.get("/holiday-calendars").json()["items"] == [calendar]
    assert api.get("/time-profiles").json()["items"] == [profile]


def test_profiles_and_calendars_are_changed_where_they_stand(api):
    profile = made(api.post("/time-profiles", OFFICE))
    body = {"name": "Office", "hours": [{"days": ["sun", "mon"], "begins": "08:00", "ends": "06:00"}]}
    changed = api("PUT", f"/time-profiles/{profile['id']}", {"If-Match": '"1"'}, json=body)
    assert changed.json()["hours"] == [{"days": ["mon", "sun"], "begins": "08:00", "ends": "06:00"}]
    calendar = made(api.post("/holiday-calendars", {"name": "AT"}))
    body = {"name": "AT", "days": [{"day": "2026-12-26"}]}
    changed = api("PUT", f"/holiday-calendars/{calendar['id']}", {"If-Match": '"1"'}, json=body)
    assert changed.json()["days"] == [{"day": "2026-12-26", "name": "", "yearly": False}]


def test_calls_without_recording_come_in_pages_and_can_be_narrowed(api, services, device):
    calls = [
        AbsentCall(
            absence_id=str(at),
            why=why,
            started_at=NOON.replace(minute=at),
            ended_at=NOON.replace(minute=at + 1),
            parties=(Party(number="201"),),
            rule="Sales",
        )
        for at, why in enumerate((Absence.NO_MEDIA, Absence.LEFT_OUT, Absence.UNREADABLE))
    ]
    with services.db.write() as session:
        keep_absences(session, device, [("0", call) for call in calls])
    first = api.get("/absent-calls", params={"limit": 2}).json()
    assert [call["why"] for call in first["items"]] == ["unreadable", "left_out"]
    rest = api.get("/absent-calls", params={"limit": 2, "cursor": first["next"]}).json()
    [call] = rest["items"]
    assert (call["why"], call["is_missing"], call["duration_s"], call["rule"]) == ("no_media", True, 60.0, "Sales")
    assert len(api.get("/absent-calls", params={"missing": True}).json()["items"]) == 2
    assert len(api.get("/absent-calls", params={"why": "left_out"}).json()["items"]) == 1
    assert len(api.get("/absent-calls", params={"number": "202"}).json()["items"]) == 0
    assert len(api.get("/absent-calls", params={"device": ids.to_text(device)}).json()["items"]) == 3


def test_permissions_are_asked_for(site, make_token):
    looks = Api(site, make_token("rule.list"))
    assert looks.get("/recording-rules").status_code == 200
    assert looks.post("/recording-rules", {"name": "A"}).status_code == 403
    assert looks.get("/absent-calls").status_code == 403
    assert Api(site, make_token("absence.list")).get("/recording-rules").status_code == 403
