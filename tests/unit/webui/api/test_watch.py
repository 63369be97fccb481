"""Alarms, audit trail, quarantine, account, health over the API."""

from hub.access.person import Person
from hub.app.services import Services
from hub.jobs.queue import enqueue
from hub.sdk import Alarm, Severity
from tests.unit.webui.api.conftest import ACTOR, PASSWORD, Api


def test_alarms_are_listed_and_acknowledged(api: Api, services: Services) -> None:
    alarm = Alarm(key="k", code="FILE_PARSE_ERROR", severity=Severity.MAJOR, text="Cannot read it.", hint="Look.")
    services.board.raise_alarm("instance:5", alarm)
    services.board.raise_alarm("hub", Alarm(key="h", code="DISK", severity=Severity.CRITICAL, text="Full."))
    worst, other = api.get("/alarms").json()["items"]
    assert (worst["severity"], worst["instance_id"]) == ("critical", None)
    assert (other["code"], other["instance_id"]) == ("FILE_PARSE_ERROR", "0000000000005")
    seen = api.post(f"/alarms/{other['id']}/acknowledge").json()
    assert seen["acknowledged_by"] == "maria"
    assert api.post("/alarms/0000000000099/acknowledge").status_code == 404
    services.board.clear("hub", "h")
    assert api.post(f"/alarms/{worst['id']}/acknowledge").status_code == 409
    past = [one["id"] for one in api.get("/alarms/history").json()["items"]]
    assert past == [worst["id"], other["id"]]  # what merely happened is over once somebody has seen it


def test_the_history_of_alarms_is_read_in_pages(api: Api, services: Services) -> None:
    for n in range(5):
        services.board.raise_alarm("hub", Alarm(key=f"k{n}", code="X", severity=Severity.MINOR, text=f"{n}"))
        services.board.clear("hub", f"k{n}")
    page = api.get("/alarms/history?limit=3")
    assert len(page.json()["items"]) == 3
    rest = api.get(page.links["next"]["url"].removeprefix("/api/v1"))
    assert len(rest.json()["items"]) == 2
    assert rest.json()["next"] is None


def test_the_audit_trail_tells_who_did_what_and_by_which_way(api: Api) -> None:
    api.get("/recordings?text=4930")
    (line,) = api.get("/audit?action=recording.search").json()["items"]
    assert (line["login"], line["via"]) == ("maria", "api")
    assert line["details"] == {"text": "4930"}
    assert line["request_id"]
    assert api.get("/audit?login=nobody").json()["items"] == []
    assert api.get("/audit?action=no.such").status_code == 422


def test_who_am_i(api: Api, administrator: Person) -> None:
    me = api.get("/me").json()
    assert (me["login"], me["is_administrator"]) == ("maria", True)
    assert set(me["permissions"]) == administrator.permissions
    assert me["token"]["name"] == "test"


def test_own_tokens_and_sessions_are_listed_and_ended(api: Api, services: Services, administrator: Person) -> None:
    token = services.accounts.sign_in("maria", PASSWORD, ACTOR, agent="Firefox").session_token
    (session,) = api.get("/sessions").json()["items"]
    assert session["agent"] == "Firefox"
    assert api("DELETE", f"/sessions/{session['id']}").status_code == 204
    assert services.sessions.find(token) is None
    assert api("DELETE", f"/sessions/{session['id']}").status_code == 404
    (own,) = api.get("/tokens").json()["items"]
    assert "plain" not in own
    assert api("DELETE", f"/tokens/{own['id']}").status_code == 204
    assert api.get("/me").status_code == 401


def test_the_health_of_the_hub_in_one_answer(api: Api, services: Services) -> None:
    services.board.raise_alarm("hub", Alarm(key="h", code="DISK", severity=Severity.CRITICAL, text="Full."))
    health = api.get("/health").json()
    assert health["ok"] is True
    assert health["findings"] == [{"name": "database", "ok": True, "text": ""}]
    assert health["open_alarms"]["critical"] == 1
    assert (health["quarantined"], health["waiting"]) == (0, 0)


def test_an_empty_quarantine(api: Api) -> None:
    assert api.get("/quarantine").json() == {"items": [], "count": 0}
    for path in ("", "/files/0"):
        assert api.get(f"/quarantine/{'0' * 64}{path}").status_code == 404
    assert api.post(f"/quarantine/{'0' * 64}/retry").status_code == 404


def test_background_jobs_are_listed_by_state_and_kind(api: Api, services: Services) -> None:
    with services.db.write() as session:
        for n in range(3):
            enqueue(session, "vault.copy", {"media": n})
        enqueue(session, "vault.check", {})
    page = api.get("/jobs?kind=vault.copy&state=queued&limit=2")
    assert [one["kind"] for one in page.json()["items"]] == ["vault.copy", "vault.copy"]
    rest = api.get(page.links["next"]["url"].removeprefix("/api/v1")).json()["items"]
    assert len(rest) == 1
    assert api.get(f"/jobs/{rest[0]['id']}").json() == rest[0]
    assert "payload" not in rest[0]
    assert api.get("/jobs/0000000000099").status_code == 404
    assert api.get("/jobs?state=lost").status_code == 422
