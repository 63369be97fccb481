"""Whether the telephone systems are there: by registration, OPTIONS or calls, and by ping where that is wanted."""

import asyncio
import os
import socket
import struct
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from hub.sdk import Alarm, Health, HealthState, PluginContext, Severity
from plugins.pbx_sip.recorder.hooks import Presence, Sign
from plugins.pbx_sip.recorder.settings import RecorderSettings

_LOOK_S = 1.0
_PING_S = 15.0
_PINGS_MISSED = 3
_ANSWER_S = 2.0
_AWAY, _PING = "pbx.away", "pbx.ping"
_ECHO4, _ECHO6 = 8, 128


class Presences:
    """What was last heard of the telephone systems of a device."""

    def __init__(self, settings: RecorderSettings, ctx: PluginContext) -> None:
        self._settings = settings
        self._ctx = ctx
        self._heard_s = time.monotonic()
        self._last: Presence | None = None
        self._last_at: datetime | None = None
        self._registered_until_s = 0.0
        self._is_away = False
        self._missed = 0
        self._packets = 0.0

    def note(self, presence: Presence) -> None:
        """One shows that it is there, or did so before a restart and is still registered."""
        self._last = presence
        if presence.sign is not Sign.REMEMBERED:
            self.hear()
        if presence.sign in {Sign.REGISTERED, Sign.REMEMBERED}:
            self._registered_until_s = time.monotonic() + presence.expires_s
        elif presence.sign is Sign.UNREGISTERED:
            self._registered_until_s = 0.0

    def hear(self) -> None:
        """Something came of a call."""
        self._heard_s, self._last_at = time.monotonic(), datetime.now(UTC)

    def count(self, packets: float) -> None:
        """So many packets of media came by now, as the workers count, who begin anew when they are replaced."""
        if packets > self._packets:
            self.hear()
        self._packets = packets

    async def run(self) -> None:
        """Watch until cancelled; alarms keep the history of outages."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_silence())
            if self._settings.ping_host:
                tasks.create_task(self._watch_ping())
            else:
                self._ctx.clear_alarm(_PING)

    def judge(self, health: Health) -> Health:
        """The health of the engine, with what is known of the telephone systems."""
        if health.state is HealthState.DOWN:
            return health
        if self._missed >= _PINGS_MISSED:
            text = f"{self._settings.ping_host} does not answer pings. {health.summary}"
            hint = "Is the telephone system switched on, and may it be pinged?"
            return replace(health, state=HealthState.DEGRADED, summary=text, hint=hint)
        if self._is_away:
            return replace(health, state=HealthState.DEGRADED, summary=f"{self._silence()} {health.summary}")
        if self._settings.serial_number and not self._is_registered():
            text = f"The PBX with serial number {self._settings.serial_number} is not registered. {health.summary}"
            return replace(health, state=HealthState.DEGRADED, summary=text)
        if self._last is None:
            unheard = f"No telephone system was heard of yet. {health.summary}"
            return health if self._last_at is not None else replace(health, summary=unheard)
        return replace(health, summary=f"{self._last.peer.host} is there. {health.summary}")

    def _is_registered(self) -> bool:
        return time.monotonic() < self._registered_until_s

    def _silence(self) -> str:
        if self._last_at is None:
            return "Nothing was heard of the telephone system since the start."
        name = self._last.peer.host if self._last is not None else "the telephone system"
        return f"Nothing was heard of {name} since {self._last_at:%Y-%m-%d %H:%M:%S} UTC."

    async def _watch_silence(self) -> None:
        limit_s = self._settings.silence_s
        may_be_told = True  # a process before this one may have raised it
        while True:
            await asyncio.sleep(_LOOK_S)
            is_away = bool(limit_s) and time.monotonic() - self._heard_s > limit_s
            if is_away and not self._is_away:
                may_be_told = True
                hint = "Is it switched on, and does it still have this recorder in its settings?"
                self._ctx.raise_alarm(
                    Alarm(key=_AWAY, code="PBX_SILENT", severity=Severity.MAJOR, text=self._silence(), hint=hint)
                )
            elif may_be_told and not is_away and (self._last_at is not None or not limit_s):
                may_be_told = False
                self._ctx.clear_alarm(_AWAY)
            self._is_away = is_away

    async def _watch_ping(self) -> None:
        host = self._settings.ping_host
        may_be_told = True
        while True:
            is_there = await asyncio.to_thread(ping, host, _ANSWER_S)
            self._missed = 0 if is_there else self._missed + 1
            if self._missed == _PINGS_MISSED:
                may_be_told = True
                text = f"{host} does not answer pings any more."
                hint = "Is it switched on, and may it be pinged?"
                self._ctx.raise_alarm(
                    Alarm(key=_PING, code="PBX_UNREACHABLE", severity=Severity.MAJOR, text=text, hint=hint)
                )
            elif is_there and may_be_told:
                may_be_told = False
                self._ctx.clear_alarm(_PING)
            await asyncio.sleep(_PING_S)


def ping(host: str, answer_s: float) -> bool:
    """Whether a host answers an echo request in time; True where this process may not ask.

    Source: RFC 792, RFC 4443 section 4.1; icmp(7) for datagram sockets of ICMP.
    """
    is_ipv6 = ":" in host
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if is_ipv6 else (socket.AF_INET, socket.IPPROTO_ICMP)
    identity = os.urandom(8)
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            asking = socket.socket(family, kind, protocol)
        except OSError:
            continue
        with asking, suppress(TimeoutError):
            asking.settimeout(answer_s)
            try:
                asking.sendto(_echo(_ECHO6 if is_ipv6 else _ECHO4, identity), (host, 0))
            except OSError:
                return False
            until_s = time.monotonic() + answer_s
            while time.monotonic() < until_s:
                answer, sender = asking.recvfrom(1024)
                if sender[0] == host and identity in answer and answer[-len(identity) - 8] not in {_ECHO4, _ECHO6}:
                    return True
        return False
    return True


def _echo(kind: int, identity: bytes) -> bytes:
    """An echo request; the kernel puts the checksum into those of IPv6."""
    head = struct.pack(">BBHHH", kind, 0, 0, os.getpid() & 0xFFFF, 1)
    words = struct.unpack(f">{(8 + len(identity)) // 2}H", head + identity)
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">BBHHH", kind, 0, ~total & 0xFFFF, os.getpid() & 0xFFFF, 1) + identity
