"""A telephone system that sends its calls to a recorder by SIPREC: real SIP and RTP from an address of loopback."""

import asyncio
import base64
import random
import re
import socket
from struct import pack
from typing import Self

from pylibsrtp import Policy, Session

from tests.doubles.rtp_stream import Sender, cut
from tests.doubles.talk import tone

METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode>
<session session_id="c2Vzc2lvbg=="><sipSessionID>{call_id}</sipSessionID></session>
<participant participant_id="b25l"><nameID aor="sip:{one}@pbx.example"><name xml:lang="en">Ada</name></nameID></participant>
<participant participant_id="dHdv"><nameID aor="sip:{other}@pbx.example"/></participant>
<stream stream_id="czE=" session_id="c2Vzc2lvbg=="><label>1</label></stream>
<stream stream_id="czI=" session_id="c2Vzc2lvbg=="><label>2</label></stream>
<participantsessionassoc participant_id="b25l" session_id="c2Vzc2lvbg=="/>
<participantsessionassoc participant_id="dHdv" session_id="c2Vzc2lvbg=="/>
<participantstreamassoc participant_id="b25l"><send>czE=</send><recv>czI=</recv></participantstreamassoc>
<participantstreamassoc participant_id="dHdv"><send>czI=</send><recv>czE=</recv></participantstreamassoc>
</recording>"""


class RecordingClient:
    """One recording session. answers: all that the recorder sent, as text. media: ours, for each stream.

    tag: of its side of the dialog. encrypts: with a key of each stream's own (SDES). recorded: Call-ID of the call that is recorded, as the metadata
    tells it; "" for that of the session itself. beside: another one, whose ports its media is sent from.
    """

    def __init__(
        self,
        recorder: tuple[str, int],
        host: str = "127.0.0.1",
        one: str = "201",
        other: str = "4930123456",
        *,
        encrypts: bool = False,
        recorded: str = "",
        beside: Self | None = None,
    ):
        self._recorder = recorder
        self.host, self.one, self.other = host, one, other
        self.call_id = f"{random.randrange(1 << 48):x}@{host}"
        self.tag = "src"
        self.sender, self.feature, self.content_type = f"<sip:src@{host}>", "+sip.src", "multipart/mixed;boundary=part"
        self.recorded = recorded or self.call_id
        self._sip, *own = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(1 if beside else 3))
        for each in (self._sip, *own):
            each.bind((host, 0))
        self.media: list[socket.socket] = own or beside.media
        self._sip.setblocking(False)
        self._number = 0
        self._to_tag = ""
        self.answers: list[str] = []
        self.recorder_ports: list[int] = []
        self._keys = [random.randbytes(30) for _ in self.media] if encrypts else []
        self._cipher = [_cipher(key) for key in self._keys]
        self._senders = [Sender(ssrc=random.randrange(1 << 32)) for _ in self.media]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._sip, *self.media):
            each.close()

    async def begin(self) -> str:
        """INVITE and, when it is taken, ACK; the answer."""
        answer = await self.ask("INVITE", self._body())
        if answer.startswith("SIP/2.0 200"):
            self._to_tag = re.search(r"\nTo:[^\r]*;tag=([^;\r]+)", answer).group(1)
            self.recorder_ports = [int(port) for port in re.findall(r"m=audio (\d+)", answer)]
            self.send("ACK", number=self._number)
        return answer

    async def tell(self, one: str) -> str:
        """UPDATE: somebody else is in the place of the first party; the answer."""
        self.one = one
        return await self.ask("UPDATE", self._body())

    async def end(self) -> str:
        """BYE; the answer."""
        return await self.ask("BYE")

    async def ask(self, method: str, body: str = "", headers: str = "") -> str:
        """Send a request, again if nothing comes, and wait for its final answer."""
        self._number += 1
        number = self._number
        for _ in range(60):
            self.send(method, body, headers, number)
            try:
                async with asyncio.timeout(0.5):
                    while True:
                        data = await asyncio.get_running_loop().sock_recv(self._sip, 65536)
                        text = data.decode(errors="replace")  # media of others may come to a port that was theirs
                        self.answers.append(text)
                        if re.match(r"SIP/2.0 [2-6]", text) and f"CSeq: {number} {method}" in text:
                            return text
            except TimeoutError:
                continue
        raise AssertionError(f"the recorder never answered {method}")

    def send(self, method: str, body: str = "", headers: str = "", number: int = 0) -> None:
        """Send a request, once."""
        to_tag = f";tag={self._to_tag}" if self._to_tag else ""
        content_type = f"Content-Type: {self.content_type}\r\n" if body else ""
        port = self._sip.getsockname()[1]
        text = (
            f"{method} sip:recorder@{self._recorder[0]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.host}:{port};branch=z9hG4bK{self.call_id[:8]}{number}{method};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: {self.sender};tag={self.tag}\r\nTo: <sip:recorder@{self._recorder[0]}>{to_tag}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {number} {method}\r\n"
            f"Contact: <sip:src@{self.host}:{port}>;{self.feature}\r\n{headers}{content_type}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self._sip.sendto(text.encode(), self._recorder)

    def target(self, port: int) -> tuple[str, int]:
        """Where media for a port of the recorder goes."""
        return self._recorder[0], port

    def report(self, stream: int, lost_share: float) -> None:
        """Send what the listener to a stream says of it over RTCP, with the media of the other stream."""
        block = pack(">IIIIII", self._senders[stream].ssrc, round(lost_share * 256) << 24, 0, 0, 0, 0)
        rtcp = pack(">BBHI", 0x81, 201, 7, self._senders[1 - stream].ssrc) + block
        self.media[1 - stream].sendto(rtcp, self.target(self.recorder_ports[1 - stream] + 1))

    async def hum(self, length_s: float, *tones_hz: float) -> None:
        """Each stream hums its tone, in true time."""
        ciphers = self._cipher or [None for _ in self.media]
        ways = zip(self.media, self.recorder_ports, tones_hz or (440.0, 620.0), self._senders, ciphers, strict=True)
        await asyncio.gather(*(self._send(*way, length_s) for way in ways))

    def lose(self, packets: int) -> None:
        """Let so many packets of each stream get lost on their way."""
        for sender in self._senders:
            sender.sequence = (sender.sequence + packets) & 0xFFFF
            sender.pause(packets * sender.ptime_s)

    async def _send(
        self,
        source: socket.socket,
        port: int,
        frequency_hz: float,
        sender: Sender,
        cipher: Session | None,
        length_s: float,
    ) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time() - sender.at_s
        sender.sent.clear()
        for at_ns, packet in sender.send(cut(tone(frequency_hz, length_s))).sent:
            await asyncio.sleep(max(began_s + at_ns / 1e9 - loop.time(), 0))
            source.sendto(cipher.protect(packet) if cipher else packet, self.target(port))

    def _body(self) -> str:
        sections = "".join(
            f"m=audio {each.getsockname()[1]} RTP/{'S' if self._keys else ''}AVP 0\r\n"
            f"a=sendonly\r\na=label:{label}\r\n{self._describe_key(label - 1)}"
            for label, each in enumerate(self.media, start=1)
        )
        sdp = f"v=0\r\no=src 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\n{sections}"
        metadata = METADATA.format(call_id=self.recorded, one=self.one, other=self.other)
        return (
            f"--part\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n"
            "--part\r\nContent-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n"
            f"{metadata}\r\n--part--\r\n"
        )

    def _describe_key(self, place: int) -> str:
        if not self._keys:
            return ""
        return f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{base64.b64encode(self._keys[place]).decode()}\r\n"


def _cipher(key: bytes) -> Session:
    profile = Policy.SRTP_PROFILE_AES128_CM_SHA1_80
    return Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
