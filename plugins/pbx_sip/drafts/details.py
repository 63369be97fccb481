"""What is told of a recording beside its parties: codings, quality, keys, ids."""

from collections import Counter
from collections.abc import Iterable, Mapping

from plugins.pbx_sip.calls.names import call_id_of
from plugins.pbx_sip.calls.other_media import name_other_media
from plugins.pbx_sip.calls.outline import find_belonging
from plugins.pbx_sip.calls.recorded import Lane, RecordedCall
from plugins.pbx_sip.drafts.terms import keys_told
from plugins.pbx_sip.rtp.events import FLASH
from plugins.pbx_sip.rtp.far_end import FarEnd
from plugins.pbx_sip.siprec.ucid import find_ucid


def describe_call(call: RecordedCall, lanes: Iterable[tuple[str, Lane]]) -> dict[str, str]:
    """The details of a call as the hub keeps them; lanes: with the name that each goes by, several by one perhaps."""
    fields: dict[str, str] = {}
    told: Counter[str] = Counter()
    pressed: Counter[str] = Counter()
    for name, lane in lanes:
        told[name] += 1
        numbered = name if told[name] == 1 else f"{name}_{told[name]}"
        fields |= _describe_lane(numbered, lane)
        pressed[f"{numbered}_keys_pressed"] += sum(each.key != FLASH for each in lane.keys)
    # In a recording session INFO is the client's, who tells of some party or other.
    pressed.update("keys_pressed" if call.dialog.session else f"{side}_keys_pressed" for _, side in keys_told(call))
    fields |= {name: str(count) for name, count in pressed.items() if count}  # never which: they may be a card number
    if ucid := _find_ucid(call.dialog.headers):
        fields["ucid"] = ucid
    belonging = find_belonging(call.dialog)
    if groups := belonging.all_groups:
        fields["groups"] = ", ".join(groups)
    if belonging.account_code:
        fields["account_code"] = belonging.account_code
    call_id = call_id_of(call.dialog.call_id)
    if call.call_id != call_id:
        fields["sip_call_id"] = call_id
    others = dict.fromkeys(call_id_of(hop.call_id) for hop in call.hops)
    others.pop(call_id, None)
    if others:
        fields["other_call_ids"] = ", ".join(list(others)[:10])
    if other_media := name_other_media(call.dialog):
        fields["other_media"] = other_media
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
        told = {
            "mos": "" if lane.quality.mos is None else f"{lane.quality.mos:.2f}",
            "loss_percent": f"{lane.quality.lost_share * 100:.2f}",
            "jitter_ms": "" if lane.quality.jitter_ms is None else f"{lane.quality.jitter_ms:.1f}",
        }
        fields |= {f"{name}_{field}": value for field, value in told.items() if value}
    fields |= _describe_far_end(name, lane.far_end)
    if lane.concealed_s:
        fields[f"{name}_concealed_s"] = f"{lane.concealed_s:.2f}"  # this much of its sound was lost and is made up
    return fields


def _describe_far_end(name: str, told: FarEnd | None) -> dict[str, str]:
    """How what a party sent reached the other one, as that one said."""
    if told is None:
        return {}
    values = {
        "loss_percent": f"{told.lost_share * 100:.2f}",
        "jitter_ms": "" if told.jitter_ms is None else f"{told.jitter_ms:.1f}",
        "round_trip_ms": str(told.round_trip_ms or ""),
        "mos": "" if told.mos is None else f"{told.mos:.1f}",
    }
    return {f"{name}_far_end_{field}": value for field, value in values.items() if value}


def _find_ucid(headers: Mapping[str, str]) -> str:
    """Avaya's id of a call where User-to-User carries it, or a field of its own such as X-Avaya-UCID."""
    fields = ((name.partition(" ")[0].lower(), value) for name, value in headers.items())
    values = (value for name, value in fields if name == "user-to-user" or name.endswith("ucid"))
    return next((ucid for value in values if (ucid := find_ucid(value))), "")
