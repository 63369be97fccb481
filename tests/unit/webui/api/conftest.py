import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import httpx2
import pytest
from starlette.testclient import TestClient

from hub.access.accounts import Accounts
from hub.access.passwords import Passwords
from hub.access.permissions import PERMISSIONS
from hub.access.person import Person
from hub.app.services import Services
from hub.audit.actor import Actor
from hub.catalog.recording import RecordingDetail
from hub.clock import utc_now
from hub.config import HubConfig
from hub.db.database import Database
from hub.observe.health import Probe, Readiness
from hub.vault.stream import FileMissing, MediaStream
from tests.doubles import services as doubles
from webui.app import create_app

PASSWORD = "fjord lamp apricot 7"
ACTOR = Actor(None, "", "cli")
AUDIO = b"OggS" + bytes(range(256)) * 40


class ShelfPlayback:
    """Plays the same few bytes for every recording; says so if there is no such form."""

    def open(self, recording: RecordingDetail, form: str) -> MediaStream:
        if recording.problem and form == "play":
            raise FileMissing("It cannot be played.")
        return MediaStream(
            size_bytes=len(AUDIO),
            content_type="audio/ogg",
            filename=f"{recording.text_id}.opus",
            etag="a" * 64,
            reader=lambda offset, length: io.BytesIO(AUDIO[offset:][:length]),
        )

    def peaks(self, recording: RecordingDetail, level: int) -> bytes:
        return b"RHPK" + bytes([level])

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def services(sqlite_db: Database, tmp_data: HubConfig) -> Iterator[Services]:
    """Real ones; quick passwords, and a few bytes of audio for every recording."""
    built = doubles.build(tmp_data, sqlite_db)
    accounts = Accounts(sqlite_db, built.sessions, passwords=Passwords(memory_kib=64, passes=1))
    readiness = Readiness([Probe("database", sqlite_db.check)])
    playback = cast("Any", ShelfPlayback())
    yield replace(built, accounts=accounts, readiness=readiness, playback=playback)
    built.board.close()


@pytest.fixture
def administrator(services: Services) -> Person:
    token = services.accounts.issue_setup_token()
    return services.accounts.create_first_administrator(token, "maria", "Maria Keller", PASSWORD, ACTOR)


MakeToken = Callable[..., str]


@pytest.fixture
def make_token(services: Services, administrator: Person) -> MakeToken:
    """A token of the administrator with these permissions, or all."""

    def make(*permissions: str, person: Person | None = None, days: float = 1) -> str:
        ends = utc_now() + timedelta(days=days)
        keys = permissions or tuple(PERMISSIONS.keys)
        return services.tokens.create(person or administrator, "test", keys, ends, ACTOR).plain

    return make


@pytest.fixture
def site(services: Services) -> Iterator[TestClient]:
    """The whole application, pages and API, without credentials."""
    with TestClient(create_app(services, services.config), base_url="http://127.0.0.1:8080") as client:
        yield client


class Api:
    """A client of the API with a token."""

    def __init__(self, site: TestClient, token: str) -> None:
        self.site = site
        self.headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
        return self.site.request(method, f"/api/v1{path}", headers=self.headers | (headers or {}), **more)

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return self("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> httpx2.Response:
        return self("POST", path, json=json, **more)


@pytest.fixture
def api(site: TestClient, make_token: MakeToken) -> Api:
    """A client with every permission."""
    return Api(site, make_token())
