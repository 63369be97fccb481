"""Who takes part in a forked call without metadata, by the headers of its INVITE.

Source: Cisco Unified Communications Manager, network-based recording (X-Cisco-Recording-Participant) and built-in
bridge (parameters x-nearend, x-refci, x-nearendaddr, x-farendaddr of the From URI).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plugins.pbx_sip.siprec.addresses import parse_name, parse_number, split_name
from plugins.pbx_sip.siprec.multipart import parse_value

PARTICIPANT = "x-cisco-recording-participant"
PARTICIPANTS_MAX = 16
BRIDGE_CALL = "x-refci"
BRIDGE_NEAR = "x-nearend"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkParty:
    """Somebody named by a header; line: index of the media line that carries this party alone, None if not said."""

    number: str
    name: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """What headers say of a forked call.

    rule: "cisco-nbr", "cisco-bib", "from" or "". call_id: the same in every dialog of one call, "" if not said.
    fields: parameters that the bridge adds, under their own names.
    """

    parties: tuple[ForkParty, ...] = ()
    rule: str = ""
    call_id: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


def read_fork(headers: Mapping[str, Sequence[str]]) -> Fork:
    """What the headers of an INVITE say; names in lower case, each with its values."""
    participants = tuple(_read_participant(value) for value in headers.get(PARTICIPANT, ())[:PARTICIPANTS_MAX])
    if participants:
        return Fork(parties=participants, rule="cisco-nbr")
    header = next(iter(headers.get("from", ())), "")
    name, uri = split_name(header)
    parameters = parse_value(uri)[1]
    if BRIDGE_CALL in parameters:
        return _read_bridge(parameters, name)
    number = parse_number(uri)
    return Fork(parties=(ForkParty(number=number, name=parse_name(name)),), rule="from") if number else Fork()


def _read_participant(value: str) -> ForkParty:
    index = parse_value(value.replace(">", ""))[1].get("media-index", "")
    line = int(index) if index.isascii() and index.isdecimal() and len(index) < 4 else None
    name, uri = split_name(value)
    return ForkParty(number=parse_number(uri.partition(";")[0]), name=parse_name(name), line=line)


def _read_bridge(parameters: Mapping[str, str], name: str) -> Fork:
    """One of the two dialogs of a phone's built-in bridge: each carries one end of the call."""
    near, far = parameters.get("x-nearendaddr", ""), parameters.get("x-farendaddr", "")
    is_near = BRIDGE_NEAR in parameters
    party = ForkParty(number=near if is_near else far, name=parse_name(name) if is_near else "", line=0)
    other = ForkParty(number=far if is_near else near)
    fields = {key: text for key, text in parameters.items() if key.startswith("x-") and text}
    return Fork(
        parties=tuple(one for one in (party, other) if one.number),
        rule="cisco-bib",
        call_id=parameters[BRIDGE_CALL],
        fields=fields | {"x-end": "near" if is_near else "far"},
    )
