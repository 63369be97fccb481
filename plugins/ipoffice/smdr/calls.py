"""Rows of one call put together: who took part, which way it went, when it was.

Source: Avaya IP Office documentation, SMDR Fields 4-15 and SMDR Examples: devices are E and an extension, T and a
trunk, V and a channel of voicemail or conferences; an extension stands before a trunk.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from hub.sdk import CallDetail, Direction, Party, Role
from plugins.ipoffice.smdr.rows import Row
from plugins.ipoffice.vrl.values import parse_number

RULE = "smdr"
CLOCK_SLACK_S = 5


def make_detail(rows: Sequence[Row], zone: tzinfo | None) -> CallDetail:
    """What the rows of one call, at least one, say together; zone None: that of this machine."""
    first = rows[0]
    start = _to_utc(first.call_start, zone)
    length_s = sum(row.length_s for row in rows)
    direction = _direction(rows)
    parties = _parties(rows, direction)
    return CallDetail(
        detail_id=_identify(rows),
        rule=RULE,
        started_at=start - timedelta(seconds=CLOCK_SLACK_S),
        ended_at=start + timedelta(seconds=length_s + CLOCK_SLACK_S),
        call_id=first.call_id,
        direction=direction,
        parties=parties,
        agent=_agent(rows, direction),
        target=parse_number(first.called),
        numbers=_numbers(rows),
        fields=_fields(rows),
    )


def _to_utc(local: datetime, zone: tzinfo | None) -> datetime:
    return (local.replace(tzinfo=zone) if zone else local).astimezone(UTC)


def _identify(rows: Sequence[Row]) -> str:
    """The same rows give the same id: the PBX sends what it buffered again after a lost connection."""
    digest = hashlib.sha256(repr(rows).encode()).hexdigest()
    return f"smdr-{rows[0].call_start:%Y%m%d%H%M%S}-{rows[0].call_id}-{digest[:16]}"


def _direction(rows: Sequence[Row]) -> Direction:
    """A call with an outside line in any part of it is no internal call."""
    outside = next((row for row in rows if not row.is_internal), None)
    if outside is None:
        return Direction.INTERNAL
    return Direction.INCOMING if outside.is_incoming else Direction.OUTGOING


def _extensions(rows: Sequence[Row]) -> list[tuple[str, str, bool]]:
    """(number, name, whether it talked) of every extension, in the order they came in."""
    found: dict[str, tuple[str, bool]] = {}
    for row in rows:
        for device, name in ((row.party1_device, row.party1_name), (row.party2_device, row.party2_name)):
            if device[:1] == "E" and device[1:]:
                known_name, talked = found.get(device[1:], ("", False))
                found[device[1:]] = (known_name or name, talked or row.connected_s > 0)
    return [(number, name, talked) for number, (name, talked) in found.items()]


def _parties(rows: Sequence[Row], direction: Direction) -> tuple[Party, ...]:
    """Caller, called, then everybody else who took part."""
    first = rows[0]
    extensions = [(number, name) for number, name, talked in _extensions(rows) if talked or len(rows) == 1]
    names = dict(extensions)
    caller = parse_number(first.caller)
    if direction is Direction.OUTGOING:
        called = parse_number(first.dialled or first.called)
        caller = caller or next(iter(names), "")
    elif direction is Direction.INTERNAL:
        called = next((number for number in names if number != caller), parse_number(first.called))
    else:
        called = next(iter(names), parse_number(first.called))
    parties = [
        Party(number=number, name=names.pop(number, ""), role=role)
        for number, role in ((caller, Role.CALLER), (called, Role.CALLED))
        if number
    ]
    return (*parties, *(Party(number=number, name=name) for number, name in names.items()))


def _agent(rows: Sequence[Row], direction: Direction) -> str:
    """Who of the company talked to the outside, the last one if there were several."""
    if direction is Direction.INTERNAL:
        return ""
    talked = [name or number for number, name, talked in _extensions(rows) if talked]
    return talked[-1] if talked else ""


def _numbers(rows: Sequence[Row]) -> tuple[str, ...]:
    found = [number for number, _, _ in _extensions(rows)]
    for row in rows:
        found += [parse_number(text) for text in (row.caller, row.called, row.dialled, row.targeted_number)]
    return tuple(dict.fromkeys(number for number in found if number))


def _fields(rows: Sequence[Row]) -> dict[str, str]:
    """Facts that no field of a recording has; authorization codes are secrets and are left out."""
    last = rows[-1]
    sums = {
        "smdr.ring_s": sum(row.ring_s for row in rows),
        "smdr.connected_s": sum(row.connected_s for row in rows),
        "smdr.hold_s": sum(row.hold_s for row in rows),
        "smdr.park_s": sum(row.park_s for row in rows),
    }
    texts = {
        "account_code": next((row.account for row in reversed(rows) if row.account), ""),
        "smdr.dialled": rows[0].dialled,
        "smdr.charge": f"{last.charge} {last.currency}".strip() if last.charge.strip("0.") else "",
        "smdr.targeting_cause": last.targeting_cause,
        "smdr.targeter": last.targeter,
        "smdr.targeted_number": last.targeted_number,
        "smdr.lines": ", ".join(dict.fromkeys(_lines(rows))),
    }
    return {name: text for name, text in texts.items() if text} | {name: str(n) for name, n in sums.items() if n}


def _lines(rows: Sequence[Row]) -> list[str]:
    pairs = [(row.party1_device, row.party1_name) for row in rows] + [(r.party2_device, r.party2_name) for r in rows]
    return [name or device for device, name in pairs if device[:1] == "T"]
