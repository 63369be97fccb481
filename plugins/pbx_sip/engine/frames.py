"""Frames between the control and a capture worker: a line of JSON, then the bytes that it announces."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_LINE_BYTES_MAX = 1 << 20
_BODY_BYTES_MAX = 1 << 28


class BadFrame(ValueError):
    """What came is no frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing said; facts: JSON values; body: bytes that go with it."""

    says: str
    facts: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""


def encode(frame: Frame) -> bytes:
    """The frame as it goes over the line."""
    head = {**frame.facts, "says": frame.says, "body_bytes": len(frame.body)}
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + frame.body


class FrameReader:
    """Cuts what comes over the line into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: dict[str, Any] | None = None

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now; run it to its end. Raises: BadFrame."""
        self._buffer += data
        while (frame := self._cut()) is not None:
            yield frame

    def _cut(self) -> Frame | None:
        if self._head is None:
            line, newline, _ = self._buffer.partition(b"\n")
            if not newline:
                if len(line) > _LINE_BYTES_MAX:
                    raise BadFrame("a line without an end")
                return None
            self._head = _read_head(bytes(line))
            del self._buffer[: len(line) + 1]
        size = self._head["body_bytes"]
        if len(self._buffer) < size:
            return None
        facts, self._head = self._head, None
        body = bytes(self._buffer[:size])
        del self._buffer[:size]
        return Frame(facts.pop("says"), {name: value for name, value in facts.items() if name != "body_bytes"}, body)


def _read_head(line: bytes) -> dict[str, Any]:
    try:
        head = json.loads(line)
    except ValueError as error:
        raise BadFrame(f"no JSON: {error}") from None
    if not isinstance(head, dict) or not isinstance(head.get("says"), str):
        raise BadFrame("it does not say what it is")
    size = head.get("body_bytes")
    if not isinstance(size, int) or not 0 <= size <= _BODY_BYTES_MAX:
        raise BadFrame("it announces no usable body")
    return head
