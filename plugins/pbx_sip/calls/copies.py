"""Whether one voice is the other under other numbers: a B2BUA that only passes media on writes new RTP headers.

What repeats itself, such as silence or a tone, is alike in many calls and proves nothing.
"""

from collections import Counter
from zlib import crc32

from plugins.pbx_sip.calls.voices import Voice

_LOOKED_AT = 1000  # packets: twenty seconds
_OCTETS_MIN = 8  # different ones in a payload that says something
_SAME_MIN = 10  # packets: a word
_PASSED_ON_NS = 1_000_000_000


def is_copied(one: Voice, other: Voice) -> bool:
    """Whether at least half of what either voice says, and a word, was sent in the other within a second."""
    here, there = _read(one), _read(other)
    same = sum(abs(at_ns - there[content]) < _PASSED_ON_NS for content, at_ns in here.items() if content in there)
    return same >= max(_SAME_MIN, len(here) // 2, len(there) // 2)


def _read(voice: Voice) -> dict[int, int]:
    """When each payload came that is unlike all others, by its checksum."""
    packets = voice.packets
    payloads = [packets.payload(row) for row in range(min(len(packets), _LOOKED_AT))]
    contents = list(map(crc32, payloads))
    often = Counter(contents)
    return {
        content: int(packets.time_ns[row])
        for row, (content, payload) in enumerate(zip(contents, payloads, strict=True))
        if often[content] == 1 and len(set(payload)) >= _OCTETS_MIN
    }
