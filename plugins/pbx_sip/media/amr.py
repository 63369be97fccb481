"""AMR and AMR-WB payloads taken apart into frames as files store them, each with its table-of-contents octet before it.

Source: RFC 4867 sections 4.3 (bandwidth-efficient) and 4.4 (octet-aligned), 5.3 (storage).
"""

_NARROW_BITS = (95, 103, 118, 134, 148, 159, 204, 244, 39)
_WIDE_BITS = (132, 177, 253, 285, 317, 365, 397, 461, 477, 40)
_FRAMES_MAX = 32


def read_frames(payload: bytes, *, is_wide: bool, octet_aligned: bool) -> list[bytes]:
    """The frames of one payload; what does not fit into it is left out. Interleaving and CRCs are not read."""
    sizes = _WIDE_BITS if is_wide else _NARROW_BITS
    return _read_aligned(payload, sizes) if octet_aligned else _read_packed(payload, sizes)


def _read_aligned(payload: bytes, sizes: tuple[int, ...]) -> list[bytes]:
    contents: list[int] = []
    at = 1
    while at < len(payload) and len(contents) < _FRAMES_MAX:
        entry = payload[at]
        at += 1
        contents.append(entry & 0x7F)
        if not entry & 0x80:
            break
    frames = []
    for entry in contents:
        size_bytes = -(-_bits(entry >> 3 & 15, sizes) // 8)
        data = payload[at : at + size_bytes]
        at += size_bytes
        if len(data) == size_bytes:
            frames.append(bytes([entry & 0x7C]) + data)
    return frames


def _read_packed(payload: bytes, sizes: tuple[int, ...]) -> list[bytes]:
    bits, left = int.from_bytes(payload, "big"), len(payload) * 8

    def take(count: int) -> int:
        nonlocal left
        left -= count
        return bits >> left & (1 << count) - 1

    if left < 10:
        return []
    take(4)
    contents: list[int] = []
    while left >= 6 and len(contents) < _FRAMES_MAX:
        entry = take(6)
        contents.append(entry & 0x1F)
        if not entry & 0x20:
            break
    frames = []
    for entry in contents:
        count = _bits(entry >> 1, sizes)
        if count > left:
            break
        size_bytes = -(-count // 8)
        frames.append(bytes([entry << 2]) + (take(count) << size_bytes * 8 - count).to_bytes(size_bytes, "big"))
    return frames


def _bits(kind: int, sizes: tuple[int, ...]) -> int:
    return sizes[kind] if kind < len(sizes) else 0
