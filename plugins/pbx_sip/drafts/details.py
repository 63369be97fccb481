"""What is told of a recording beside its parties: codings, quality, keys, ids."""

from collections.abc import Iterable, Mapping

from plugins.pbx_sip.calls.recorded import Lane, RecordedCall
from plugins.pbx_sip.siprec.ucid import find_ucid


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
    if lane.concealed_s:
        fields[f"{name}_concealed_s"] = f"{lane.concealed_s:.2f}"  # this much of its sound was lost and is made up
    if lane.keys:
        fields[f"{name}_keys_pressed"] = str(len(lane.keys))  # how many, never which: they may be a card number
    return fields


def _find_ucid(headers: Mapping[str, str]) -> str:
    """Avaya's id of a call where User-to-User carries it."""
    values = (value for name, value in headers.items() if name.partition(" ")[0].lower() == "user-to-user")
    return next((ucid for value in values if (ucid := find_ucid(value))), "")
