"""Who takes part in a forked call without metadata, by the headers of its INVITE.

Source: Cisco Unified Communications Manager, network-based recording (X-Cisco-Recording-Participant) and built-in
bridge (parameters x-nearend, x-refci, x-nearendaddr, x-farendaddr of the From URI); for other forks RFC 3325
(P-Asserted-Identity), RFC 5806 (Diversion), RFC 7044 (History-Info), RFC 7315 (P-Called-Party-ID).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hub.sdk import Role
from plugins.pbx_sip.siprec.addresses import ANONYMOUS, is_number, is_same_number, parse_name, parse_number, split_name
from plugins.pbx_sip.siprec.facts import CallEnd
from plugins.pbx_sip.siprec.multipart import parse_value

PARTICIPANT = "x-cisco-recording-participant"
PARTICIPANTS_MAX = 16
LINES_MAX = 16
BRIDGE_CALL = "x-refci"
BRIDGE_NEAR = "x-nearend"
SENT_TO = "request-uri"  # not a header field, but told like one
NETWORK, BRIDGE, HEADERS = "cisco-nbr", "cisco-bib", "from"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkParty:
    """Somebody named by a header.

    lines: indices of the media lines that carry this party alone, as far as that is said. place: by which it has the
    line of the same place where nothing is said, unless another one has that; None if it is not heard in this dialog.
    likely_role: that it has where labels of lines tell roles.
    """

    number: str
    name: str = ""
    role: Role = Role.PARTICIPANT
    likely_role: Role = Role.PARTICIPANT
    lines: tuple[int, ...] = ()
    place: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """What headers say of a forked call.

    rule: "cisco-nbr", "cisco-bib", "from" or "". call_id: the same in every dialog of one call, "" if not said.
    recorded: number of the user whose call it is, "" if not said. end: where the dialog carries one end of it alone.
    fields: parameters that the bridge adds, under their own names.
    """

    parties: tuple[ForkParty, ...] = ()
    rule: str = ""
    call_id: str = ""
    recorded: str = ""
    end: CallEnd | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


def read_fork(headers: Mapping[str, Sequence[str]], *, is_siprec: bool = False) -> Fork:
    """What the headers of an INVITE say; names in lower case, each with its values.

    is_siprec: a SIPREC client sent it, whose To names the recorder, and whose From often names the client itself.
    """
    participants = tuple(
        _read_participant(value, place) for place, value in enumerate(headers.get(PARTICIPANT, ())[:PARTICIPANTS_MAX])
    )
    if participants:
        return Fork(parties=participants, rule=NETWORK)
    name, uri = split_name(next(iter(headers.get("from", ())), ""))
    parameters = parse_value(uri)[1]
    if parameters.get(BRIDGE_CALL):
        return _read_bridge(parameters, ForkParty(number=_number(uri.partition(";")[0]), name=_name(name)))
    if is_siprec:
        return _read_client(headers)
    return _read_ordinary(headers)


def _read_participant(value: str, place: int) -> ForkParty:
    said = parse_value(value.replace(">", ""))[1].get("media-index", "").replace(",", " ").split()[:LINES_MAX]
    lines = tuple(int(index) for index in said if index.isascii() and index.isdecimal() and len(index) < 4)
    name, uri = split_name(value)
    return ForkParty(number=_number(uri.partition(";")[0]), name=_name(name), lines=lines, place=place)


def _read_bridge(parameters: Mapping[str, str], user: ForkParty) -> Fork:
    """One of the two dialogs of a phone's built-in bridge: each carries one end of the call. user: of the From URI.

    A gateway may send both ends in one dialog: then the second line is the other one's.
    """
    is_near = BRIDGE_NEAR in parameters
    own = user.number if is_number(user.number) else ""
    near = _number(parameters.get("x-nearendaddr", "")) or own or parameters.get("x-nearenddevice", "")
    far = _number(parameters.get("x-farendaddr", ""))
    name = user.name if not own or is_same_number(own, near) else ""
    parties = (
        ForkParty(number=near, name=name, lines=(0,) if is_near else (), place=1),
        ForkParty(number=far, lines=() if is_near else (0,), place=1),
    )
    end = CallEnd(
        call=tuple(parameters.get(each, "") for each in (BRIDGE_CALL, "x-nearendclusterid", "x-nearenddevice")),
        party="near" if is_near else "far",
        is_near=is_near,
        others=f"the {'far' if is_near else 'near'} end",
    )
    fields = {key: text for key, text in parameters.items() if key.startswith("x-") and text}
    return Fork(
        parties=tuple(party for party in parties if party.number or party.lines),
        rule=BRIDGE,
        call_id=parameters[BRIDGE_CALL],
        recorded=near,
        end=end,
        fields=fields,
    )


def _read_client(headers: Mapping[str, Sequence[str]]) -> Fork:
    """Who calls by From or what the network says, where that is a number and not the client itself, and who is called.

    To may be the number of the recorder, to which the request is sent then.
    """
    remote = _of_party(headers, "calling")
    values = (*headers.get("from", ())[:1], *headers.get("p-asserted-identity", ()), *remote)
    people = (party for value in values for party in _read_party(value, Role.CALLER, 0))
    caller = next((party for party in people if _is_dialled(party.number)), None)
    if caller is None:
        return Fork()
    others = (caller.number, *map(_number, headers.get(SENT_TO, ())))
    for called in _read_party(next(iter(headers.get("to", ())), ""), Role.CALLED, 1):
        is_other = SENT_TO in headers and not any(is_same_number(called.number, each) for each in others)
        if is_other and _is_dialled(called.number):
            return Fork(parties=(caller, called), rule=HEADERS)
    return Fork(parties=(replace(caller, role=Role.PARTICIPANT, likely_role=caller.role),), rule=HEADERS)


def _is_dialled(number: str) -> bool:
    return number.lstrip("+").isdecimal()


def _read_ordinary(headers: Mapping[str, Sequence[str]]) -> Fork:
    """A call that a switch sends on as it is: From and To, and what the network says better."""
    caller = next(_name_callers(headers), None)
    is_other = (
        party for party in _name_called(headers) if caller is None or not is_same_number(party.number, caller.number)
    )
    called = next(is_other, None)
    return Fork(parties=tuple(party for party in (caller, called) if party), rule=HEADERS if caller or called else "")


def _name_callers(headers: Mapping[str, Sequence[str]]) -> Iterator[ForkParty]:
    remote = _of_party(headers, "calling")
    for value in (*headers.get("p-asserted-identity", ()), *remote, *headers.get("from", ())[:1]):
        yield from _read_party(value, Role.CALLER, 0)


def _name_called(headers: Mapping[str, Sequence[str]]) -> Iterator[ForkParty]:
    """Who was called, the surest first: To may be the number of the recorder, to which the call was diverted."""
    # The last entry of a history is where the call went to: the recorder.
    passed = headers.get("history-info", ())[:-1][-1:]
    remote = _of_party(headers, "called")
    for value in (*headers.get("p-called-party-id", ()), *remote, *headers.get("diversion", ())[:1], *passed):
        yield from _read_party(value, Role.CALLED, 1)
    yield from _read_party(next(iter(headers.get("to", ())), ""), Role.CALLED, 1)


def _of_party(headers: Mapping[str, Sequence[str]], party: str) -> list[str]:
    """The Remote-Party-IDs of one party; one that does not say whose it is, is the calling one's.

    Source: draft-ietf-sip-privacy-04 section 5.
    """
    values = headers.get("remote-party-id", ())
    return [value for value in values if parse_value(value)[1].get("party", "calling").lower() == party]


def _read_party(header: str, role: Role, place: int) -> Iterator[ForkParty]:
    display, uri = split_name(header)
    if number := _number(uri):
        name = _name(display)
        yield ForkParty(number=number, name="" if name == number else name, role=role, place=place)


def _name(display: str) -> str:
    name = parse_name(display)
    return "" if name.lower() in ANONYMOUS else name


def _number(uri: str) -> str:
    number = parse_number(uri)
    return "" if number.lower() in ANONYMOUS else number
