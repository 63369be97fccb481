"""A call that goes on as JSON, bounded on its way out and doubted on its way in."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from hub.runtime.wire import WireError
from hub.sdk import Direction, LiveCall, LiveState, Party, Role

MOST_CALLS = 20_000
"""So many calls of one source are listed at once; what it shows beyond that is not."""

REF_LENGTH = 512
_PARTIES, _FIELDS = 20, 20
_TEXT = 255


def call_to_json(call: LiveCall) -> dict[str, Any]:
    """A call as JSON values, its texts and lists cut to what a list of calls can use.

    Raises: ValueError for a moment without a time zone, or an id that is empty or too long.
    """
    if not call.id or len(call.id) > REF_LENGTH:
        raise ValueError(f"a live call needs an id of 1 to {REF_LENGTH} characters")
    return {
        "id": call.id,
        "started_at": _moment_text(call.started_at),
        "state": LiveState(call.state).value,
        "parties": [_party_json(party) for party in call.parties[:_PARTIES]],
        "direction": Direction(call.direction).value,
        "call_id": call.call_id[:_TEXT],
        "resumes_at": None if call.resumes_at is None else _moment_text(call.resumes_at),
        "rule": call.rule[:_TEXT],
        "can_listen": bool(call.can_listen),
        "fields": {str(key)[:_TEXT]: str(value)[:_TEXT] for key, value in [*call.fields.items()][:_FIELDS]},
    }


def call_from_json(values: dict[str, Any]) -> LiveCall:
    """The call that `call_to_json` wrote; whatever else a process sends is refused or cut.

    Raises: WireError.
    """
    try:
        call = LiveCall(
            id=str(values["id"]),
            started_at=_moment_of(values["started_at"]),
            state=LiveState(values["state"]),
            parties=tuple(_party_of(party) for party in values["parties"][:_PARTIES]),
            direction=Direction(values["direction"]),
            call_id=str(values["call_id"])[:_TEXT],
            resumes_at=None if values["resumes_at"] is None else _moment_of(values["resumes_at"]),
            rule=str(values["rule"])[:_TEXT],
            can_listen=bool(values["can_listen"]),
            fields={str(key)[:_TEXT]: str(value)[:_TEXT] for key, value in [*values["fields"].items()][:_FIELDS]},
        )
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as exc:
        raise WireError(f"no live call: {exc!r}") from None
    if not call.id or len(call.id) > REF_LENGTH:
        raise WireError("no live call: its id is empty or too long")
    return call


def _party_json(party: Party) -> dict[str, Any]:
    cut = replace(party, number=party.number[:_TEXT], name=party.name[:_TEXT])
    return asdict(cut) | {"role": Role(party.role).value}


def _party_of(values: dict[str, Any]) -> Party:
    channel = values["channel"]
    return Party(
        number=str(values["number"])[:_TEXT],
        name=str(values["name"])[:_TEXT],
        role=Role(values["role"]),
        channel=None if channel is None else int(channel),
    )


def _moment_text(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.isoformat()


def _moment_of(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment
