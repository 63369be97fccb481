"""Keys that are told beside the sound, by SIP INFO.

Source: RFC 6086 (INFO); application/dtmf-relay has lines such as "Signal=5", application/dtmf the key alone.
"""

from collections.abc import Iterable

from plugins.pbx_sip.calls.dialog import ToldKey
from plugins.pbx_sip.sip.message import Request

_TYPES = frozenset({"application/dtmf-relay", "application/dtmf"})
_KEYS = frozenset("0123456789*#ABCD")
_BY_NUMBER = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
_PASSED_ON_NS = 1_000_000_000


def read_key(request: Request) -> str:
    """The key that an INFO tells of; "" if it tells of none."""
    content_type = request.content_type
    if content_type is None or content_type.type not in _TYPES:
        return ""
    text = request.body[:200].decode("ascii", "replace")
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        key = (value if equals else name).strip().upper()
        if (not equals or name.strip().lower() == "signal") and (key in _KEYS or key in _BY_NUMBER):
            return _BY_NUMBER.get(key, key)
    return ""


def join_keys(hops: Iterable[Iterable[ToldKey]]) -> tuple[ToldKey, ...]:
    """The keys that were pressed in a call, of each hop of which those are given that it tells of; in time.

    A hop that passes a key on tells of it a moment later.
    """
    joined: list[ToldKey] = []
    for told in hops:
        known = list(joined)
        for key in told:
            match = next((each for each in known if _is_passed_on(each, key)), None)
            if match is None:
                joined.append(key)
            else:
                known.remove(match)
    return tuple(sorted(joined, key=lambda key: key.at_ns))


def _is_passed_on(one: ToldKey, other: ToldKey) -> bool:
    return (one.key, one.side) == (other.key, other.side) and abs(one.at_ns - other.at_ns) < _PASSED_ON_NS
