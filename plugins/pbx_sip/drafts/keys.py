"""By what another device that records the same call knows it, too.

Source: RFC 3261 section 8.1.1.4 (Call-ID is unique over space and time), RFC 7866 section 6.1 and RFC 7865 section 6.3
(a communication session and its SIP session ids), RFC 7989 (Session-ID).
"""

import re
from collections.abc import Iterator

from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.siprec.facts import CallFacts
from plugins.pbx_sip.siprec.ucid import MARK

_SESSION_ID = re.compile(r"\s*([0-9a-f]{32})\s*;(?:.*;)?\s*remote=([0-9a-f]{32})\s*(?:;.*)?", re.IGNORECASE)
_NOBODY = "0" * 32
_UNIQUE_LENGTH = 16  # shorter ids are counters, which another system counts as well


def keys_of_call(call: RecordedCall) -> tuple[str, ...]:
    """The keys of a call that was heard on the wire: the Call-IDs of its hops, and its Session-ID."""
    return tuple(dict.fromkeys([*(f"sip:{hop.call_id}" for hop in call.hops), *_header_keys(call)]))


def keys_of_session(call: RecordedCall, facts: CallFacts) -> tuple[str, ...]:
    """The keys of the call that a recording session tells of; one without metadata has only its own Call-ID.

    A UCID is the same for all legs of a call, and so is no key.
    """
    told = [f"siprec:{one}" for one in facts.session_ids if _is_unique(one)]
    for one in facts.sip_session_ids:
        if key := _pair(one):
            told.append(key)
        elif len(one) >= _UNIQUE_LENGTH and not _SESSION_ID.match(one):  # some put the Call-ID there
            told.append(f"sip:{one}")
    return tuple(dict.fromkeys(told)) or (f"sip:{call.dialog.call_id}",)


def _is_unique(session_id: str) -> bool:
    return len(session_id) >= _UNIQUE_LENGTH and MARK not in session_id[:6].upper()


def _header_keys(call: RecordedCall) -> Iterator[str]:
    for hop in call.hops:
        for name, value in hop.headers.items():
            if name.partition(" ")[0].lower() == "session-id" and (key := _pair(value)):
                yield key


def _pair(text: str) -> str:
    """Both ends' halves, the same whichever end says it; one half alone is of all calls of a conference."""
    match = _SESSION_ID.fullmatch(text)
    if match is None or _NOBODY in match.groups():
        return ""
    return "session-id:" + ",".join(sorted(half.lower() for half in match.groups()))
