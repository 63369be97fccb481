"""The recorder and the mirror keep the contract of sources whose calls go on."""

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.sdk import PluginError, SettingsError
from hub.testing import LiveConformance
from plugins.pbx_sip.capture.errors import NoInterface
from plugins.pbx_sip.mirror.plugin import SipMirror
from plugins.pbx_sip.recorder.plugin import SipRecorder
from tests.doubles.capture_workers import end_workers
from tests.doubles.network import network_pair
from tests.doubles.recording_client import RecordingClient
from tests.doubles.talk import Phone, Talk

pytestmark = pytest.mark.usefixtures("own_network")
SIP_PORT = 5066


@pytest.fixture
def own_network(tmp_path: Path) -> Iterator[None]:
    """A loopback that nobody else uses, with nobody left in it."""
    with network_pair() as pair, pair.at_lan():
        yield
        end_workers(tmp_path)


class Caller:
    """Somebody who talks in a thread of its own until the call is over."""

    def __init__(self, talk: Callable[[threading.Event], Coroutine[Any, Any, None]]) -> None:
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(talk(self.is_over)), daemon=True)
        self.thread.start()


def hang_up(case: Any) -> None:
    """End a call that a test left open."""
    caller = getattr(case, "caller", None)
    if caller is not None:
        caller.is_over.set()
        caller.thread.join(timeout=30)


class TestSipMirror(LiveConformance):
    plugin = SipMirror

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"interface": "lo"}

    def wrong_settings(self, tmp_path: Path) -> Iterable[tuple[dict[str, Any], type[PluginError]]]:
        yield {"interface": "none0"}, NoInterface

    def begin_call(self, tmp_path: Path) -> None:
        self.caller = Caller(self._talk)

    def end_call(self, tmp_path: Path) -> None:
        self.caller.is_over.set()

    @pytest.fixture(autouse=True)
    def hangs_up(self) -> Iterator[None]:
        yield
        hang_up(self)

    async def _talk(self, is_over: threading.Event) -> None:
        with Talk(Phone("127.0.0.2", "201"), Phone("127.0.0.3", "305")) as talk:
            while not is_over.is_set():
                talk.begin()  # again and again, as SIP does until somebody answers: the mirror may not be there yet
                await talk.hum(0.2)
            talk.end()


class TestSipRecorder(LiveConformance):
    plugin = SipRecorder

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        first = random.randrange(15_000, 20_000) * 2
        ports = {"ports": [str(SIP_PORT)], "rtp_first": first, "rtp_last": first + 200}
        return {"address": "127.0.0.1", "allowed_peers": ["127.0.0.0/8"], "secret": "long enough", **ports}

    def wrong_settings(self, tmp_path: Path) -> Iterable[tuple[dict[str, Any], type[PluginError]]]:
        known = {"allowed_peers": ["127.0.0.0/8"]}
        yield known | {"address": "192.0.2.77"}, SettingsError
        yield known | {"tls_port": 5061, "tls_certificate": "/none", "tls_key": "/none"}, SettingsError

    def begin_call(self, tmp_path: Path) -> None:
        self.caller = Caller(self._call)

    def end_call(self, tmp_path: Path) -> None:
        self.caller.is_over.set()

    @pytest.fixture(autouse=True)
    def hangs_up(self) -> Iterator[None]:
        yield
        hang_up(self)

    async def _call(self, is_over: threading.Event) -> None:
        with RecordingClient(("127.0.0.1", SIP_PORT)) as client:
            await client.begin()
            while not is_over.is_set():
                await client.hum(0.2)
            client.send("BYE")
