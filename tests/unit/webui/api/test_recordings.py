from datetime import timedelta

import pytest
from sqlalchemy import select

from hub import ids
from hub.app.services import Services
from hub.audit.models import AuditLine
from hub.sdk import Direction, EventKind, Party, Role, TimelineEvent
from tests.doubles.recordings import NOON, commit_one
from tests.unit.webui.api.conftest import ACTOR, AUDIO, Api, MakeToken


def _audited(services: Services, action: str) -> int:
    with services.db.read() as session:
        return len(session.scalars(select(AuditLine.id).where(AuditLine.action == action)).all())


def test_a_list_is_walked_forwards_and_back_by_its_links(api: Api, services: Services) -> None:
    made = [commit_one(services.db, started_at=NOON + timedelta(minutes=n)) for n in range(7)]
    newest_first = [ids.to_text(number) for number in reversed(made)]
    seen, path = [], "/recordings?limit=3&direction=incoming"
    while path:
        page = api.get(path)
        assert page.status_code == 200
        seen.append([item["id"] for item in page.json()["items"]])
        path = page.links.get("next", {}).get("url", "").removeprefix("/api/v1")
    assert seen == [newest_first[:3], newest_first[3:6], newest_first[6:]]
    back = api.get(page.links["prev"]["url"].removeprefix("/api/v1"))
    assert [item["id"] for item in back.json()["items"]] == newest_first[3:6]
    assert "direction=incoming" in page.links["prev"]["url"]


def test_a_cursor_is_opaque_and_good_for_its_own_list_only(api: Api, services: Services, make_token: MakeToken) -> None:
    for n in range(4):
        commit_one(services.db, started_at=NOON + timedelta(minutes=n))
    cursor = api.get("/recordings?limit=2").json()["next"]
    assert api.get(f"/recordings?limit=1&cursor={cursor}").status_code == 200
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    refused = {
        "changed": f"/recordings?cursor={flipped}",
        "made up": "/recordings?cursor=abc",
        "another filter": f"/recordings?cursor={cursor}&direction=incoming",
        "another list": f"/alarms/history?cursor={cursor}",
    }
    for why, path in refused.items():
        answer = api.get(path)
        assert answer.status_code == 400, why
        assert answer.json()["type"].endswith("bad-cursor")
        assert answer.json()["errors"][0]["loc"] == ["query", "cursor"]
    otto = services.accounts.add("otto", "Otto", "fjord lamp apricot 7", ACTOR, permissions=["recording.list"])
    theirs = Api(api.site, make_token("recording.list", person=otto))
    assert theirs.get(f"/recordings?cursor={cursor}").status_code == 400


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text=4930", 1),
        ("text=nothing", 0),
        ("parties=Anna", 1),
        ("agent=anna", 1),
        ("direction=incoming&direction=internal", 1),
        ("direction=outgoing", 0),
        ("min_s=59&max_s=61", 1),
        ("min_s=61", 0),
        ("started_from=2026-11-20T12:00:00Z", 1),
        ("started_from=2026-11-20T13:00:00%2B01:00&started_before=2026-11-20T12:00:01Z", 1),
        ("started_before=2026-11-20T12:00:00Z", 0),
        ("device=0000000000007", 1),
        ("device=0000000000008", 0),
        ("problems=false", 1),
        ("problems=true", 0),
        ("skill=Bill&target=201&call_id=call-x", 1),
    ],
)
def test_the_list_takes_the_filters_of_the_pages(api: Api, services: Services, query: str, found: int) -> None:
    commit_one(services.db, call_id="call-x")
    assert len(api.get(f"/recordings?{query}").json()["items"]) == found
    assert api.get(f"/recordings/count?{query}").json() == {"n": found, "exact": True}


def test_a_recording_is_told_whole(api: Api, services: Services) -> None:
    parties = (
        Party(number="+4930123", role=Role.CALLER, channel=0),
        Party(number="201", name="Änne", role=Role.CALLED, channel=1),
    )
    recording_id = commit_one(
        services.db, parties=parties, direction=Direction.INCOMING, raw={"riff:SIGN": b"\x00\xff"}, origin_name="a.wav"
    )
    answer = api.get(f"/recordings/{ids.to_text(recording_id)}")
    told = answer.json()
    assert answer.headers["etag"] == f'"{told["revision"]}"'
    assert told["id"] == ids.to_text(recording_id)
    assert told["started_at"] == "2026-11-20T12:00:00Z"
    assert told["device_id"] == "0000000000007"
    assert [party["name"] for party in told["parties"]] == ["", "Änne"]
    assert told["raw"] == {"riff:SIGN": "AP8="}
    assert told["origins"][0]["name"] == "a.wav"
    assert {media["kind"] for media in told["media"]} >= {"original", "derived"}
    assert told["seal"]["sha256"]
    assert "key" not in told["media"][0]["copies"][0]


def test_a_recording_tells_what_happened_in_its_course_and_who_came_when(api: Api, services: Services) -> None:
    hold = TimelineEvent(at_s=3.5, until_s=9.0, kind=EventKind.HOLD, party="201")
    parties = (Party(number="201", joined_s=2.0, left_s=55.5),)
    recording_id = commit_one(services.db, parties=parties, events=(hold,))
    told = api.get(f"/recordings/{ids.to_text(recording_id)}").json()
    assert told["events"] == [{"at_s": 3.5, "until_s": 9.0, "kind": "hold", "party": "201", "text": ""}]
    assert (told["parties"][0]["joined_s"], told["parties"][0]["left_s"]) == (2.0, 55.5)


def test_a_search_is_one_audit_line_while_it_goes_on(api: Api, services: Services) -> None:
    for _ in range(3):
        api.get("/recordings?text=4930")
    assert _audited(services, "recording.search") == 1
    api.get("/recordings?text=4931")
    assert _audited(services, "recording.search") == 2


def test_playing_in_many_ranges_is_one_replay(api: Api, services: Services) -> None:
    text = ids.to_text(commit_one(services.db))
    whole = api.get(f"/recordings/{text}/media")
    assert whole.content == AUDIO
    assert whole.headers["content-type"] == "audio/ogg"
    part = api.get(f"/recordings/{text}/media", headers={"Range": "bytes=4-9"})
    assert part.status_code == 206
    assert part.content == AUDIO[4:10]
    behind = api.get(f"/recordings/{text}/media", headers={"Range": "bytes=99999999-"})
    assert behind.status_code == 416
    assert behind.headers["content-range"] == f"bytes */{len(AUDIO)}"
    assert behind.headers["content-type"] == "application/problem+json"
    assert _audited(services, "recording.replay") == 1


def test_every_download_is_an_audit_line(api: Api, services: Services) -> None:
    text = ids.to_text(commit_one(services.db))
    for _ in range(2):
        answer = api.get(f"/recordings/{text}/original")
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["cache-control"] == "private, no-store"
    assert _audited(services, "recording.download") == 2


def test_what_cannot_be_played_says_so(api: Api, services: Services) -> None:
    text = ids.to_text(commit_one(services.db, problem=("FILE_PARSE_ERROR", "It is encrypted.")))
    assert api.get(f"/recordings/{text}").json()["problem"] == {"code": "FILE_PARSE_ERROR", "text": "It is encrypted."}
    answer = api.get(f"/recordings/{text}/media")
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("media-missing")


def test_peaks_come_in_three_levels(api: Api, services: Services) -> None:
    text = ids.to_text(commit_one(services.db))
    levels = [api.get(f"/recordings/{text}/peaks?level={level}").content[-1] for level in ("fit", "coarse", "fine")]
    assert levels == [0, 1, 2]
    assert api.get(f"/recordings/{text}/peaks?level=9").status_code == 422
