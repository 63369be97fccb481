"""Two phones that talk over the network of this machine: real SIP and RTP between addresses of loopback."""

import asyncio
import math
import random
import socket
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from plugins.pbx_sip.media.g711 import LAWS
from tests.doubles.rtp_stream import Sender, cut

RATE_HZ = 8000


def tone(frequency_hz: float, length_s: float, amplitude: int = 8000) -> bytes:
    """A sine as octets of mu-law."""
    at = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    samples = (amplitude * np.sin(2 * math.pi * frequency_hz * at)).astype(np.int16)
    return LAWS["PCMU"].compress(samples).tobytes()


@dataclass
class Phone:
    """One end: where it signals and where its media is, that of another one's by choice."""

    host: str
    number: str
    media: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sip: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind((self.host, 0))
        if not self.media_port:
            self.media.bind((self.host, 0))

    @property
    def sip_port(self) -> int:
        """Where it signals."""
        return int(self.sip.getsockname()[1])

    @property
    def media_port(self) -> int:
        """Where it wants media."""
        return int(self.media.getsockname()[1])

    def describe(self) -> str:
        """Its session description."""
        return (
            f"v=0\r\no=- 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n"
            f"m=audio {self.media_port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
        )

    def close(self) -> None:
        """Hang up for good."""
        self.sip.close()
        self.media.close()


class Talk:
    """A call between two phones; the caller hums one tone, the called one another."""

    def __init__(self, caller: Phone, called: Phone, call_id: str = "") -> None:
        self.caller, self.called = caller, called
        self.call_id = call_id or f"{random.randrange(1 << 48):x}@{caller.host}"
        self._ssrcs = random.sample(range(1 << 32), 2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.caller.close()
        self.called.close()

    def signal(
        self, start: str, number: int, method: str, body: str = "", *, tag: str = "b", headers: str = ""
    ) -> None:
        """Send a message of the caller, or the answer of the called one to it."""
        is_answer = start.startswith("SIP/2.0")
        source, target = (self.called, self.caller) if is_answer else (self.caller, self.called)
        to_tag = f";tag={tag}" if tag else ""
        content_type = "Content-Type: application/sdp\r\n" if body else ""
        text = (
            f"{start}\r\nVia: SIP/2.0/UDP {self.caller.host}:{self.caller.sip_port};branch=z9hG4bK{self.call_id[:8]}{number}"
            f"{method}\r\nMax-Forwards: 70\r\nFrom: <sip:{self.caller.number}@pbx>;tag=a\r\n"
            f"To: <sip:{self.called.number}@pbx>{to_tag}\r\nCall-ID: {self.call_id}\r\nCSeq: {number} {method}\r\n"
            f"Contact: <sip:{source.number}@{source.host}:{source.sip_port}>\r\n{headers}{content_type}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        source.sip.sendto(text.encode(), (target.host, target.sip_port))

    def begin(self) -> None:
        """INVITE, 200 and ACK."""
        uri = f"sip:{self.called.number}@{self.called.host}"
        self.signal(f"INVITE {uri} SIP/2.0", 1, "INVITE", self.caller.describe(), tag="")
        self.signal("SIP/2.0 200 OK", 1, "INVITE", self.called.describe())
        self.signal(f"ACK {uri} SIP/2.0", 1, "ACK")

    async def hum(self, length_s: float, caller_hz: float = 440.0, called_hz: float = 620.0) -> None:
        """Both hum, in true time."""
        one, other = self._ssrcs
        ways = ((self.caller, self.called, caller_hz, one), (self.called, self.caller, called_hz, other))
        await asyncio.gather(*(self._send(*way, length_s) for way in ways))

    async def _send(self, source: Phone, target: Phone, frequency_hz: float, ssrc: int, length_s: float) -> None:
        sender = Sender(ssrc=ssrc).send(cut(tone(frequency_hz, length_s)))
        began_s = asyncio.get_running_loop().time()
        for at_ns, packet in sender.sent:
            await asyncio.sleep(max(began_s + at_ns / 1e9 - asyncio.get_running_loop().time(), 0))
            source.media.sendto(packet, (target.host, target.media_port))

    def end(self) -> None:
        """BYE and its answer."""
        self.signal(f"BYE sip:{self.called.number}@{self.called.host} SIP/2.0", 2, "BYE")
        self.signal("SIP/2.0 200 OK", 2, "BYE")
