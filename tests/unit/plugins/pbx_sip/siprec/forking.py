"""Calls that telephone systems fork to a recorder, as a capture of what goes between the two."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.packets.files import open_capture
from tests.doubles.capture_file import udp, write_frames
from tests.doubles.rtp_stream import BEGAN_NS, Sender, cut
from tests.doubles.talk import tone

CLIENT, RECORDER = "192.0.2.20", "192.0.2.90"
_ports = itertools.count(30_000, 2)


@dataclass(frozen=True, kw_only=True)
class Fork:
    """One dialog with a recorder; times in s after the beginning of the capture.

    tones_hz: of each audio line, 0 where nothing is sent. labels: one for each line, "" for none. offers_late: the
    description comes in the ACK. video: after how many of the audio lines as many of video stand. unknown: the places
    of lines in a coding that the recorder refuses.
    """

    call_id: str
    sender: str = "<sip:201@pbx.example>"
    target: str = "<sip:rec@192.0.2.90>"
    headers: str = ""
    contact: str = "<sip:pbx@192.0.2.20:5060>"
    tones_hz: tuple[float, ...] = (440.0,)
    labels: tuple[str, ...] = ()
    direction: str = "sendonly"
    offers_late: bool = False
    has_video: bool = False
    unknown: tuple[int, ...] = ()
    metadata: str = ""
    at_s: float = 0.0
    length_s: float = 2.0
    host: str = CLIENT
    is_known: bool = True
    ports: tuple[int, ...] = field(default_factory=lambda: tuple(next(_ports) for _ in range(16)))

    def frames(self) -> list[tuple[int, bytes]]:
        """(time in ns, Ethernet frame) of all that is sent."""
        offer, answer = self._describe(self.host, 0, self.direction), self._describe(RECORDER, 8, "recvonly")
        srs = ";+sip.srs" if self.is_known else ""
        first, last = (answer, offer) if self.offers_late else (offer, answer)
        kind, body = self._wrap("" if self.offers_late else first)
        signals = [
            (0.0, True, self.message("INVITE", body=body, content_type=kind, headers=f"{self.headers}\r\n")),
            (0.05, False, self.message("INVITE", 200, body=first if self.offers_late else last, headers=f"Contact: <sip:srs@{RECORDER}>{srs}\r\n")),
            (0.06, True, self.message("ACK", body=last if self.offers_late else "")),
            (0.2 + self.length_s, True, self.message("BYE", number=99)),
            (0.21 + self.length_s, False, self.message("BYE", 200, number=99)),
        ]  # fmt: skip
        frames = [self.signal(at_s, text, by_recorder=not by_client) for at_s, by_client, text in signals]
        for line, frequency_hz in enumerate(self.tones_hz):
            if frequency_hz:
                source, target = self.ports[line], self.ports[8 + line]
                stream = Sender(ssrc=source, at_s=0.1).send(cut(tone(frequency_hz, self.length_s)))
                frames += [
                    (self._ns(0.0) + at_ns, udp(self.host, source, RECORDER, target, packet))
                    for at_ns, packet in stream.sent
                ]
        return frames

    def signal(self, at_s: float, text: str, *, by_recorder: bool = False) -> tuple[int, bytes]:
        """A message as a frame at its time; at_s: after the beginning of the dialog."""
        ends = (RECORDER, self.host) if by_recorder else (self.host, RECORDER)
        return self._ns(at_s), udp(ends[0], 5060, ends[1], 5060, text.encode())

    def again(
        self, at_s: float, *directions: str, method: str = "INVITE", number: int = 7, **changed: str
    ) -> list[tuple[int, bytes]]:
        """A re-INVITE that gives each line a direction, and its answer; changed: as of `message`."""
        offer = self._describe(self.host, 0, *directions) if directions else ""
        answer = self._describe(RECORDER, 8, "recvonly") if directions else ""
        metadata = changed.pop("metadata", "")
        kind, body = self._wrap(offer, metadata) if directions or metadata else ("", "")
        request = self.message(method, body=body, content_type=kind, number=number, tag=";tag=r", **changed)
        return [
            self.signal(at_s, request),
            self.signal(at_s + 0.01, self.message(method, 200, body=answer, number=number), by_recorder=True),
        ]

    def message(  # noqa: PLR0917 - one part, one argument
        self,
        method: str,
        status: int = 0,
        body: str = "",
        content_type: str = "application/sdp",
        headers: str = "",
        number: int = 1,
        tag: str = "",
        sender: str = "",
    ) -> str:
        """A message of the dialog as text."""
        start = f"SIP/2.0 {status} OK" if status else f"{method} sip:rec@{RECORDER} SIP/2.0"
        tag = ";tag=r" if status or method in {"ACK", "BYE"} else tag
        contact = "" if status else f"Contact: {self.contact}\r\n"
        kind = f"Content-Type: {content_type}\r\n" if body else ""
        return (
            f"{start}\r\nVia: SIP/2.0/UDP {self.host}:5060;branch=z9hG4bK{self.call_id}{number}{method}\r\n"
            f"From: {sender or self.sender};tag=c\r\nTo: {self.target}{tag}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {number} {method}\r\n{contact}{headers.lstrip()}{kind}Content-Length: {len(body.encode())}\r\n\r\n{body}"
        )

    def _ns(self, at_s: float) -> int:
        return BEGAN_NS + round((self.at_s + at_s) * 1e9)

    def _wrap(self, sdp: str, metadata: str = "") -> tuple[str, str]:
        metadata = metadata or self.metadata
        if not metadata:
            return "application/sdp", sdp
        parts = [("application/sdp", sdp), ("application/rs-metadata+xml", metadata)]
        body = "".join(f"--part\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts if text)
        return "multipart/mixed;boundary=part", f"{body}--part--\r\n"

    def _describe(self, host: str, first_port: int, *directions: str) -> str:
        lines = []
        for line in range(len(self.tones_hz)):
            direction = directions[min(line, len(directions) - 1)] if directions else "sendonly"
            label = f"a=label:{self.labels[line]}\r\n" if self.labels and self.labels[line] else ""
            port, coding = self.ports[first_port + line], "0\r\n"
            if line in self.unknown:
                port, coding = (0 if first_port else port), "97\r\na=rtpmap:97 EVS/16000\r\n"
            lines.append(f"m=audio {port} RTP/AVP {coding}a={direction}\r\n{label}")
        if self.has_video:
            lines += [
                f"m=video {40_000 + first_port + 2 * line} RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
                for line in range(len(lines))
            ]
        return f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n{''.join(lines)}"


def observe(path, *frames: Sequence[tuple[int, bytes]]):
    """The calls in a capture of frames; path: where it is put."""
    observer = Observer()
    with open_capture(write_frames(path, sorted(itertools.chain(*frames)))) as blocks:
        for block in blocks:
            observer.add(block)
    return list(observer.take())


def tones_of(samples: np.ndarray, from_s: float = 0.0, until_s: float = 1e9) -> list[list[int]]:
    """What is heard in each channel of samples of shape (length, channels): frequencies in Hz, to the nearest ten."""
    part = samples[round(from_s * 8000) : round(min(until_s, 1e6) * 8000)].astype(float)
    heard = []
    for channel in part.T:
        spectrum = np.abs(np.fft.rfft(channel * np.hanning(len(channel))))
        places = np.flatnonzero(spectrum > max(spectrum.max() / 4, 200 * len(channel) / 8))
        heard.append(sorted({round(place * 8000 / len(channel) / 10) * 10 for place in places.tolist()}))
    return heard
