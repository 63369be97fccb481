"""Why a recorder ended a recording session by itself, as its BYE says.

Source: RFC 3326 (Reason); RFC 4028 section 10 (a session that is not refreshed ends).
"""

from enum import StrEnum

from plugins.pbx_sip.sip.errors import BadValue
from plugins.pbx_sip.sip.params import parse_params, quote

_TEXT_MAX = 200


class Farewell(StrEnum):
    """What a recorder says as it hangs up."""

    NOT_REFRESHED = "the session was not refreshed"
    NOT_KNOWN = "the client no longer knows the session"
    NOT_ACKNOWLEDGED = "the answer was not acknowledged"
    SWITCHED_OFF = "the recorder was switched off"


def write_reason(text: str) -> str:
    """The value of Reason in a BYE."""
    return f"SIP;cause=200;text={quote(text)}"


def read_reason(value: str) -> str:
    """The text in a value of Reason; "" where it has none, or cannot be read."""
    try:
        params = dict(parse_params(value.partition(";")[2]))
    except BadValue:
        return ""
    return params.get("text", "")[:_TEXT_MAX]
