"""The notation of rtpengine's control protocol, which BitTorrent invented.

Source: BEP 3; rtpengine, docs/ng_control_protocol.md.
"""

from typing import TypeAlias

Value: TypeAlias = "int | bytes | str | list[Value] | dict[str, Value]"


def encode(value: Value) -> bytes:
    """The bytes of a value; texts as UTF-8."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    if isinstance(value, dict):
        return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"
    data = value.encode() if isinstance(value, str) else value
    return b"%d:%s" % (len(data), data)


def decode(data: bytes) -> Value:
    """The value that bytes begin with; texts stay bytes."""
    return _read(data, 0)[0]


def _read(data: bytes, at: int) -> tuple[Value, int]:
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in {b"l", b"d"}:
        found: list[Value] = []
        at += 1
        while data[at : at + 1] != b"e":
            value, at = _read(data, at)
            found.append(value)
        if kind == b"l":
            return found, at + 1
        return {str(key, "utf-8"): value for key, value in zip(found[0::2], found[1::2], strict=True)}, at + 1  # type: ignore[arg-type]
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end], end
