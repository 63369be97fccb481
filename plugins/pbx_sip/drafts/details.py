"""What is told of a recording beside its parties: codings, quality, keys, ids."""

from collections.abc import Iterable, Mapping

from plugins.pbx_sip.calls.recorded import Lane, RecordedCall
from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.fields import parse_user_to_user

_UCID = b"\xfa\x08"


def describe_call(call: RecordedCall, lanes: Iterable[tuple[str, Lane]]) -> dict[str, str]:
    """The details of a call as the hub keeps them; lanes: with the name that each goes by."""
    fields: dict[str, str] = {}
    for name, lane in lanes:
        fields |= _describe_lane(name, lane)
    if ucid := _find_ucid(call.dialog.headers):
        fields["ucid"] = ucid
    others = [hop.call_id for hop in call.hops if hop.call_id != call.dialog.call_id]
    if others:
        fields["other_call_ids"] = ", ".join(others[:10])
    if call.dialog.referred_to:
        fields["referred_to"] = call.dialog.referred_to
    if call.dialog.replaces:
        fields["replaces_call_id"] = call.dialog.replaces
    return fields


def raw_headers(call: RecordedCall) -> dict[str, bytes]:
    """Header fields that were kept, as they were found."""
    return {f"sip:{name}": value.encode("utf-8", "surrogateescape") for name, value in call.dialog.headers.items()}


def _describe_lane(name: str, lane: Lane) -> dict[str, str]:
    fields = {f"{name}_codec": ", ".join((*lane.codings, *lane.undecoded))}
    if lane.quality is not None:
        fields |= {
            f"{name}_mos": f"{lane.quality.mos:.2f}",
            f"{name}_loss_percent": f"{lane.quality.lost_share * 100:.2f}",
            f"{name}_jitter_ms": f"{lane.quality.jitter_ms:.1f}",
        }
    if lane.keys:
        fields[f"{name}_keys_pressed"] = str(len(lane.keys))  # how many, never which: they may be a card number
    return fields


def _find_ucid(headers: Mapping[str, str]) -> str:
    """Avaya's id of a call, 20 digits, where User-to-User carries it.

    Source: Avaya Communication Manager, Universal Call ID: node, sequence and time in 2, 2 and 4 octets.
    """
    for name, value in headers.items():
        if name.partition(" ")[0].lower() != "user-to-user":
            continue
        try:
            data = parse_user_to_user(value).data
        except SipError:
            continue
        found = data.find(_UCID)
        octets = data[found + 2 : found + 10] if found >= 0 else b""
        if len(octets) == 8:
            node, sequence, time = (int.from_bytes(part, "big") for part in (octets[:2], octets[2:4], octets[4:]))
            return f"{node:05}{sequence:05}{time:010}"
    return ""
