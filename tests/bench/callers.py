"""A telephone system that begins and ends recording sessions at a steady rate, and measures how soon it is answered.

It is a process of its own, so that its work is not the recorder's. Each line of standard input is a JSON object,
`{"calls": 1000, "per_s": 200, "hold_s": 0}`: so many calls begin, and those with a time to hold end after it. A JSON
line answers once all is done. The time of an answer is the kernel's, which does not wait for this process.
"""

import json
import re
import socket
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from select import select

from tests.doubles.recording_client import METADATA

CALLS_MAX = 13_000
_SO_TIMESTAMPNS = 35
_TIME = struct.Struct("qq")
_GIVE_UP_S = 3.0
_TURN_S = 0.05
_BUFFER_BYTES = 4 << 20
_ANSWER = re.compile(
    rb"SIP/2.0 (\d+).*\r\nTo:[^\r]*;tag=([^;\r]+).*\r\nCall-ID: (\d+)@.*\r\nCSeq: \d+ (\w+)", re.DOTALL
)
_HEAD = (
    "{method} sip:recorder@{recorder} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{number}{method};rport\r\n"
    "Max-Forwards: 70\r\nFrom: <sip:src@{host}>;tag=src{number}\r\nTo: <sip:recorder@{recorder}>{to_tag}\r\n"
    "Call-ID: {number}@{host}\r\nCSeq: {sequence} {method}\r\nContact: <sip:src@{host}:{port}>;+sip.src\r\n"
    "Supported: timer\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE, OPTIONS\r\nUser-Agent: Callers\r\n{more}"
    "Content-Length: {size}\r\n\r\n{body}"
)
_BODY = (
    "--part\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=src 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio {first} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\na=label:1\r\n"
    "m=audio {second} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\na=label:2\r\n\r\n"
    "--part\r\nContent-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n"
    "{metadata}\r\n--part--\r\n"
)


@dataclass(slots=True, kw_only=True)
class Told:
    """How a row of calls went. answers_ms: from an INVITE to its 200. unanswered: INVITE or BYE."""

    answers_ms: list[float] = field(default_factory=list)
    refused: int = 0
    unanswered: int = 0


class Callers:
    """All calls of one telephone system, over one socket."""

    def __init__(self, host: str, recorder: tuple[str, int]) -> None:
        self._recorder = recorder
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind((host, 0))
        self._host, self._port = self._socket.getsockname()
        self._number = 0
        self._invited: dict[int, int] = {}
        self._ending: set[int] = set()
        self._to_end: deque[tuple[float, int, str]] = deque()

    def run(self, calls: int, per_s: float, hold_s: float) -> Told:
        """Begin calls; those that are held for a time are ended as well."""
        assert self._number + calls <= CALLS_MAX, "no ports are left for so many calls"
        told = Told()
        self._invited.clear()
        self._ending.clear()
        begun, began_s = 0, time.monotonic()
        give_up_s = began_s + calls / per_s + hold_s + _GIVE_UP_S
        while (begun < calls or self._invited or self._to_end or self._ending) and time.monotonic() < give_up_s:
            now_s = time.monotonic()
            while begun < calls and began_s + begun / per_s <= now_s:
                self._invite()
                begun += 1
            while self._to_end and self._to_end[0][0] <= now_s:
                _, number, to_tag = self._to_end.popleft()
                self._ending.add(number)
                self._send("BYE", number, to_tag, sequence=2)
            due_s = [began_s + begun / per_s] if begun < calls else []
            due_s += [self._to_end[0][0]] if self._to_end else []
            wait_s = min([_TURN_S, *(at_s - time.monotonic() for at_s in due_s)])
            if select([self._socket], [], [], max(wait_s, 0))[0]:
                self._hear(told, hold_s)
        told.unanswered = len(self._invited) + len(self._ending)
        return told

    def _invite(self) -> None:
        number, self._number = self._number, self._number + 1
        first = 10_000 + 4 * number
        metadata = METADATA.format(call_id=number, one=1000 + number, other=f"49301{number:06}")
        body = _BODY.format(host=self._host, first=first, second=first + 2, metadata=metadata)
        self._invited[number] = time.time_ns()
        self._send("INVITE", number, body=body)

    def _send(self, method: str, number: int, to_tag: str = "", *, sequence: int = 1, body: str = "") -> None:
        text = _HEAD.format(
            method=method,
            number=number,
            sequence=sequence,
            recorder=self._recorder[0],
            host=self._host,
            port=self._port,
            to_tag=f";tag={to_tag}" if to_tag else "",
            more="Content-Type: multipart/mixed;boundary=part\r\nRequire: siprec\r\n" if body else "",
            size=len(body),
            body=body,
        )
        self._socket.sendto(text.encode(), self._recorder)

    def _hear(self, told: Told, hold_s: float) -> None:
        with suppress(BlockingIOError):
            while True:
                data, extra, _, _ = self._socket.recvmsg(65536, 64, socket.MSG_DONTWAIT)
                answer = _ANSWER.match(data)
                if answer is None or answer[1] < b"200":
                    continue
                seconds, nanoseconds = _TIME.unpack(extra[0][2])
                self._take(told, answer, seconds * 1_000_000_000 + nanoseconds, hold_s)

    def _take(self, told: Told, answer: re.Match[bytes], at_ns: int, hold_s: float) -> None:
        number, to_tag = int(answer[3]), answer[2].decode()
        if answer[4] == b"BYE":
            self._ending.discard(number)
            return
        self._send("ACK", number, to_tag)
        invited_ns = self._invited.pop(number, None)
        if invited_ns is None:  # it came again
            return
        if answer[1] != b"200":
            told.refused += 1
            return
        told.answers_ms.append((at_ns - invited_ns) / 1e6)
        if hold_s:
            self._to_end.append((time.monotonic() + hold_s, number, to_tag))


def main() -> int:
    host, recorder, port = sys.argv[1:]
    callers = Callers(host, (recorder, int(port)))
    for line in sys.stdin:
        print(json.dumps(asdict(callers.run(**json.loads(line)))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
