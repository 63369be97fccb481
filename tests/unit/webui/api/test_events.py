"""The stream of events, over a real connection."""

import json
from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest

from hub.app.services import Services
from hub.sdk import Alarm, Severity
from tests.doubles.recordings import commit_one
from tests.doubles.site import Site
from tests.unit.webui.api.conftest import ACTOR, PASSWORD, MakeToken
from webui.api.v1.problem import ApiError
from webui.api.v1.streams import OpenStreams


@pytest.fixture
def running(services: Services) -> Iterator[Site]:
    with Site(services) as site:
        yield site


class Stream:
    """The events of one open stream, as they come."""

    def __init__(self, site: Site, token: str, **headers: str) -> None:
        self._client = httpx2.Client(timeout=20)
        request = self._client.build_request(
            "GET",
            f"{site.address}/api/v1/events",
            headers={"Authorization": f"Bearer {token}", "Accept": "text/event-stream", **headers},
        )
        self.response = self._client.send(request, stream=True)
        self._lines = self.response.iter_lines()

    def hello(self) -> None:
        """Wait until the stream is open."""
        if self.response.status_code == 200:
            next(line for line in self._lines if line.startswith(":"))

    def next(self) -> tuple[str, dict[str, object], str]:
        """(topic, what is told, id) of the next event."""
        found: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name in ("id", "event", "data"):
                found[name] = value
            if not line and "data" in found:
                return found["event"], json.loads(found["data"]), found.get("id", "")
        raise AssertionError("the stream ended")

    def close(self) -> None:
        self.response.close()
        self._client.close()


def _raise(services: Services, key: str) -> None:
    services.board.raise_alarm("hub", Alarm(key=key, code="DISK", severity=Severity.MAJOR, text=key))


def test_what_happens_is_told_at_once_and_after_a_break_nothing_is_missed(
    running: Site, services: Services, make_token: MakeToken
) -> None:
    token = make_token()
    with closing(Stream(running, token)) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        stream.hello()
        _raise(services, "first")
        topic, told, first_id = stream.next()
        assert (topic, told["topic"]) == ("alarm.raised", "alarm.raised")
    _raise(services, "second")
    with closing(Stream(running, token, **{"Last-Event-ID": first_id})) as stream:
        assert stream.next()[0] == "alarm.raised"


def test_a_token_is_told_what_it_may_know_and_a_person_what_they_may_see(
    running: Site, services: Services, make_token: MakeToken
) -> None:
    otto = services.accounts.add("otto", "Otto", PASSWORD, ACTOR, permissions=["recording.list", "alarm.list"])
    narrow = Stream(running, make_token("alarm.list"))
    scoped = Stream(running, make_token("recording.list", "alarm.list", person=otto))
    wide = Stream(running, make_token())
    with closing(narrow), closing(scoped), closing(wide):
        for stream in (narrow, scoped, wide):
            stream.hello()
        commit_one(services.db)
        _raise(services, "after")
        assert narrow.next()[0] == "alarm.raised"
        assert scoped.next()[0] == "alarm.raised"
        assert wide.next()[0] == "recording.catalogued"


def test_a_token_holds_five_streams_open_and_no_more(running: Site, make_token: MakeToken) -> None:
    token = make_token()
    streams = [Stream(running, token) for _ in range(5)]
    try:
        for stream in streams:
            stream.hello()
        with closing(Stream(running, token)) as sixth:
            assert sixth.response.status_code == 429
            assert sixth.response.headers["content-type"] == "application/problem+json"
        with closing(Stream(running, make_token())) as other:
            assert other.response.status_code == 200
    finally:
        for stream in streams:
            stream.close()


def test_a_stream_that_ends_makes_room_for_another() -> None:
    streams = OpenStreams(most=2)
    leave = streams.enter(1)
    streams.enter(1)
    streams.enter(2)
    with pytest.raises(ApiError):
        streams.enter(1)
    leave()
    streams.enter(1)
