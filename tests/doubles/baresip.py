"""Telephones by others: baresip, with real SIP and RTP, that says what a sound file holds."""

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.doubles.network import LAN_ADDRESS, PBX, NetworkPair
from tests.doubles.supervision import wait_until

_CONTROL = ("127.0.0.1", 4444)
_WITHIN_S = 30.0
_CONFIG = """module_path /usr/lib/baresip/modules
net_interface {interface}
sip_listen {host}:5060
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
audio_source aufile,{sound}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports {first_port}-{last_port}
module g711.so
module aufile.so
module aubridge.so
module_app account.so
module_app menu.so
module ctrl_tcp.so
ctrl_tcp_listen {control}
"""


class Baresip:
    """One telephone; it answers by itself if `answers`. host: its address, number: what it registers under."""

    def __init__(self, host: str, number: str, control: socket.socket) -> None:
        self.host, self.number = host, number
        self._control = control
        self._control.setblocking(False)
        self._heard = b""
        self.events: list[dict[str, Any]] = []

    async def dial(self, number: str) -> None:
        """Call somebody."""
        self.events.clear()
        await self.command("dial", number)

    async def command(self, name: str, parameters: str = "") -> str:
        """Have it do something; what it says to that."""
        text = json.dumps({"command": name, "params": parameters, "token": name})
        await asyncio.get_running_loop().sock_sendall(self._control, f"{len(text)}:{text},".encode())
        async with asyncio.timeout(_WITHIN_S):
            while True:
                said = await self._read()
                if said.get("response"):
                    assert said["ok"], said
                    return str(said.get("data", ""))
                self.events.append(said)

    async def wait_for(self, kind: str) -> dict[str, Any]:
        """The next event of a kind, such as "CALL_ESTABLISHED"; those before it are forgotten."""
        async with asyncio.timeout(_WITHIN_S):
            while True:
                event = self.events.pop(0) if self.events else await self._read()
                if event.get("type") == kind:
                    return event

    async def register(self) -> None:
        """Wait until it is known to its registrar."""
        async with asyncio.timeout(_WITHIN_S):
            while "OK" not in await self.command("reginfo"):  # noqa: ASYNC110 - another program's state
                await asyncio.sleep(0.05)

    async def _read(self) -> dict[str, Any]:
        """One netstring that it says."""
        while True:
            size, colon, rest = self._heard.partition(b":")
            if colon and len(rest) > int(size):
                self._heard = rest[int(size) + 1 :]
                said: dict[str, Any] = json.loads(rest[: int(size)])
                return said
            data = await asyncio.get_running_loop().sock_recv(self._control, 65536)
            assert data, f"telephone {self.number} has ended"
            self._heard += data


@contextmanager
def telephone(
    pair: NetworkPair,
    number: str,
    host: str,
    sound: Path,
    *,
    registrar: str,
    transport: str = "udp",
    answers: bool = True,
) -> Iterator[Baresip]:
    """A telephone where the senders are, at an address of its own. sound: a WAV file of 8 kHz that it says."""
    folder = sound.parent / f"telephone-{number}"
    folder.mkdir()
    place = int(host.rpartition(".")[2])
    control = (_CONTROL[0], _CONTROL[1] + place)
    interface, first_port = f"phone{number}", 10_000 + 100 * place
    last_port = first_port + 98
    config = _CONFIG.format(
        interface=interface,
        host=host,
        sound=sound,
        first_port=first_port,
        last_port=last_port,
        control=f"{control[0]}:{control[1]}",
    )
    (folder / "config").write_text(config)
    mode = "auto" if answers else "manual"
    (folder / "accounts").write_text(
        f"<sip:{number}@{registrar};transport={transport}>;auth_pass=none;regint=600;answermode={mode};audio_codecs=pcmu\n"
    )
    for words in (
        f"link add {interface} type veth peer name {interface}x",
        f"address add {host}/32 dev {interface}",
        f"link set {interface} up",
        f"link set {interface}x up",
        # It binds its media to no address: by its ports it is known what to send from.
        f"route add {LAN_ADDRESS} dev {PBX} src {host} table {place}",
        f"rule add ipproto udp sport {first_port}-{last_port} lookup {place}",
    ):
        subprocess.run(pair.pbx_command("ip", *words.split()), check=True)
    log = folder / "log"
    command = pair.pbx_command("baresip", "-f", str(folder))
    home = os.environ | {"HOME": str(folder)}
    with (
        log.open("wb") as said,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=home) as process,
    ):
        try:
            with _connect(pair, control, process, log) as line:
                yield Baresip(host, number, line)
        finally:
            process.terminate()


def _connect(pair: NetworkPair, control: tuple[str, int], process: subprocess.Popen[bytes], log: Path) -> socket.socket:
    def attempt() -> socket.socket | None:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        with pair.at_pbx():
            line = socket.socket()
        if line.connect_ex(control) == 0:
            return line
        line.close()
        return None

    found: socket.socket = wait_until(attempt, _WITHIN_S)
    return found
