"""A mirror of signalling under TLS, whose keys an end of it writes down while the connection is set up."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest

from hub.sdk import HealthState
from hub.testing import FakeContext
from plugins.pbx_sip.engine.growing_keys import GrowingKeyLog
from plugins.pbx_sip.mirror.plugin import SipMirror
from plugins.pbx_sip.mirror.settings import MirrorSettings
from tests.doubles.capture_file import PBX, WireCall, frames_of
from tests.doubles.tls_wire import Ends, make_pem
from tests.unit.plugins.pbx_sip.engine.live_devices import own_network, running, until
from tests.unit.plugins.pbx_sip.tls.test_tls import segments

__all__ = ["own_network"]

HELLOS = 4  # frames: the handshake of TCP, and a message of each end
RANDOM, SECRET = "ab" * 32, "cd" * 48


def frames_under_tls(folder: Path, keys: Path, ciphers: str) -> tuple[list[bytes], bytes]:
    """The signalling of a call as it is seen on the wire, and the keys that were written down."""
    call = WireCall(call_id="secret@pbx", said=b"\x20" * 800, heard=b"\x30" * 800)
    ends = Ends(make_pem(folder), keys, ssl.TLSVersion.TLSv1_2, ciphers)
    for _, frame in frames_of(call):
        if b"SIP/2.0" in frame and b"BYE" not in frame:
            ends.say(frame[42:], is_client=ip_address(frame[26:30]) != ip_address(PBX))
    frames = segments(ends.wire, (call.caller_host, 40_000), (PBX, 5061), time.time_ns())
    return [frame for _, frame in frames], keys.read_bytes()


async def show(frames: list[bytes], write_keys: Callable[[], int]) -> None:
    """Let the mirror see frames; the keys are there once the hellos are over."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("lo", 0))
        for number, frame in enumerate(frames):
            if number == HELLOS:
                await asyncio.sleep(0.3)
                write_keys()
            wire.send(frame)
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("own_network")
@pytest.mark.parametrize("is_read", [True, False])
def test_a_mirror_reads_tls_by_keys_that_come_late_and_says_which_cipher_suites_it_does_not_read(
    tmp_path: Path, is_read: bool
) -> None:
    async def run() -> None:
        written, keys = tmp_path / "written.log", tmp_path / "keys.log"
        ciphers = "ECDHE-RSA-AES128-GCM-SHA256" if is_read else "ECDHE-RSA-AES128-SHA256"
        frames, content = frames_under_tls(tmp_path, written, ciphers)
        ctx = FakeContext(tmp_path)
        device = SipMirror(MirrorSettings(interface="lo", tls_key_log=keys), ctx)
        async with running(device, ctx):
            await show(frames, partial(keys.write_bytes, content))
            if is_read:
                await until(lambda: "secret@pbx" in ctx.live, "the call")
                assert ctx.health[-1].state is HealthState.OK
            else:
                await until(lambda: ctx.health[-1].state is HealthState.DEGRADED, "the trouble")
                assert "not read" in ctx.health[-1].summary
                assert ctx.health[-1].summary.endswith("0xC027")
                assert "AES-GCM" in ctx.health[-1].hint

    asyncio.run(run())


def test_a_key_log_that_grows_or_is_begun_anew_is_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.pbx_sip.engine.growing_keys._LOOK_S", 0.0)
    path = tmp_path / "keys.log"
    log = GrowingKeyLog(str(path))
    assert not log.secrets(bytes.fromhex(RANDOM))
    path.write_text(f"# all keys of before\nCLIENT_RANDOM {RANDOM} {SECRET[:-2]}")
    assert not log.secrets(bytes.fromhex(RANDOM))
    with path.open("a") as file:
        file.write(f"{SECRET[-2:]}\n")
    assert log.secrets(bytes.fromhex(RANDOM))
    other = RANDOM.replace("a", "e")
    path.write_text(f"CLIENT_RANDOM {other} {SECRET}\n")
    assert log.secrets(bytes.fromhex(other))


def test_a_suite_that_is_not_read_is_told_once_for_each_time_that_it_is_asked_for() -> None:
    log = GrowingKeyLog("")
    log.unread_suites |= {0xC028, 0xC027}
    assert log.take_unread_suites() == [0xC027, 0xC028]
    assert log.take_unread_suites() == []
