"""What vendors say of a call in their extensions to the metadata: who called whom, whose call it is, under which ids.

Source: metadata of Oracle (apkt), BroadWorks, Metaswitch, Sonus (callData), AudioCodes and NetSapiens.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from hub.sdk import Direction, Notice, NoticeKind, Role
from plugins.pbx_sip.siprec.addresses import is_same_number, parse_number, split_name
from plugins.pbx_sip.siprec.belonging import Belonging, read_belonging
from plugins.pbx_sip.siprec.facts import Rule
from plugins.pbx_sip.siprec.metadata import Metadata, Participant
from plugins.pbx_sip.siprec.notices import read_notice
from plugins.pbx_sip.siprec.ucid import find_ucid

CALLING = ("callingpartynumber",)
CALLED = ("calledpartynumber", "dialeddigits")
RECORDED = ("recordedparty", "userid")
CALL_IDS = ("exttrackingid", "callid")
UCIDS = ("ucid", "avayaucid")
DIRECTIONS = {
    **dict.fromkeys(("originating", "outgoing", "outbound"), Direction.OUTGOING),
    **dict.fromkeys(("terminating", "incoming", "inbound"), Direction.INCOMING),
}
TEXTS_MAX = 500
TEXTS_PER_PATH_MAX = 20
ID_ENDINGS = ("id", "guid", "callsid")
SAID_TRUE = frozenset({"true", "1", "yes"})
SAID_FALSE = frozenset({"false", "0", "no"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """Facts from extensions; "" or UNKNOWN where nothing is said.

    calling, called: numbers as the vendor writes them, those that may mean the same party together.
    recorded: the user whose call it is; direction: seen from that user.
    names: number -> display name. calling_ids, called_ids: participants that are marked as such.
    belonging: whose call it is beyond its parties. notice: how the parties were told that they are recorded.
    departed: numbers of those whom a redirection took out of the call. fields: all extensions by their paths.
    """

    calling: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    recorded: str = ""
    direction: Direction = Direction.UNKNOWN
    names: Mapping[str, str] = field(default_factory=dict)
    calling_ids: frozenset[str] = frozenset()
    called_ids: frozenset[str] = frozenset()
    departed: tuple[str, ...] = ()
    call_id: str = ""
    ucid: str = ""
    belonging: Belonging = field(default_factory=Belonging)
    notice: Notice = field(default_factory=Notice)
    ids: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


def read_hints(metadata: Metadata) -> Hints:
    """What the extensions of all parts of the metadata say together."""
    fields = dict(islice(_call_fields(metadata), TEXTS_MAX))
    of_participants = dict(islice(_participant_fields(metadata), TEXTS_MAX))
    every = fields | of_participants
    named = [(_last_name(path), text) for path, text in every.items()]
    leaves = [(path.rpartition(".")[2].lower(), path, text) for path, text in fields.items()]
    headers = {name: split_name(text) for name, _, text in leaves if name in {"fromhdr", "tohdr"}}
    from_name, from_uri = headers.get("fromhdr", ("", ""))
    to_name, to_uri = headers.get("tohdr", ("", ""))
    from_number, to_number = parse_number(from_uri), parse_number(to_uri)
    calling = [parse_number(text) for name, _, text in leaves if name in CALLING]
    called = [parse_number(text) for name, _, text in leaves if name in CALLED]
    return Hints(
        calling=tuple(dict.fromkeys(number for number in (from_number, *calling) if number)),
        called=tuple(dict.fromkeys(number for number in (to_number, *called) if number)),
        recorded=next((parse_number(text) for wanted in RECORDED for name, _, text in leaves if name == wanted), ""),
        direction=_direction(leaves),
        names={number: name for number, name in ((from_number, from_name), (to_number, to_name)) if number and name},
        calling_ids=_marked(metadata.participants, SAID_TRUE) | _named(leaves, "callingparty@participant_id"),
        called_ids=_marked(metadata.participants, SAID_FALSE) | _named(leaves, "calledparty@participant_id"),
        departed=tuple(parse_number(text) for name, _, text in leaves if name == "redirectedfrompartynumber"),
        call_id=next((text for wanted in CALL_IDS for name, _, text in leaves if name == wanted), ""),
        ucid=_ucid(metadata, leaves),
        belonging=read_belonging(named),
        notice=read_notice(named),
        ids={path: text for name, path, text in leaves if name.endswith(ID_ENDINGS)},
        fields=every,
    )


def _call_fields(metadata: Metadata) -> Iterator[tuple[str, str]]:
    """Extensions of everything but the participants; of several sessions the last one tells."""
    yield from metadata.extensions.items()
    for group in metadata.groups:
        yield from group.extensions.items()
    for session in metadata.sessions:
        yield from session.extensions.items()
    for stream in metadata.streams:
        yield from stream.extensions.items()


def _participant_fields(metadata: Metadata) -> Iterator[tuple[str, str]]:
    for participant in metadata.participants:
        for path, text in participant.extensions.items():
            yield f"participant.{participant.number or participant.id}.{path}", text


def _last_name(path: str) -> str:
    """What a path ends in, but for the values of one header field."""
    return path.partition(".value")[0].rpartition(".")[2]


def _direction(leaves: list[tuple[str, str, str]]) -> Direction:
    for name, path, text in leaves:
        if name == "calltype" and text.lower() in DIRECTIONS:
            return DIRECTIONS[text.lower()]
        if ".origcall." in path.lower():
            return Direction.OUTGOING
        if ".termcall." in path.lower():
            return Direction.INCOMING
    return Direction.UNKNOWN


def _marked(participants: tuple[Participant, ...], words: frozenset[str]) -> frozenset[str]:
    return frozenset(
        participant.id
        for participant in participants
        for path, text in participant.extensions.items()
        if path.rpartition(".")[2].lower() == "callingparty" and text.lower() in words
    )


def _named(leaves: list[tuple[str, str, str]], wanted: str) -> frozenset[str]:
    return frozenset(text for name, _, text in leaves if name == wanted)


def _ucid(metadata: Metadata, leaves: list[tuple[str, str, str]]) -> str:
    said = [find_ucid(text) for name, _, text in leaves if name in UCIDS]
    said += [
        find_ucid(text)
        for participant in metadata.participants
        for path, text in participant.extensions.items()
        if path.rpartition(".")[2].lower() in UCIDS
    ]
    # A session id that begins like a User-to-User value is one; other ids may look like bare digits by chance.
    said += [find_ucid(session.id) for session in metadata.sessions if "FA08" in session.id[:6].upper()]
    return next((ucid for ucid in said if ucid), "")


def join_hints(earlier: Hints, later: Hints) -> Hints:
    """All that was said over time: of the call the first word holds, texts that changed are kept beside one another."""
    return Hints(
        calling=later.calling,
        called=later.called,
        recorded=earlier.recorded or later.recorded,
        direction=later.direction if earlier.direction is Direction.UNKNOWN else earlier.direction,
        names={**earlier.names, **later.names},
        calling_ids=later.calling_ids,
        called_ids=later.called_ids,
        departed=later.departed,
        call_id=earlier.call_id or later.call_id,
        ucid=earlier.ucid or later.ucid,
        belonging=earlier.belonging.joined(later.belonging),
        notice=later.notice
        if earlier.notice.kind is NoticeKind.UNKNOWN and later.notice != Notice()
        else earlier.notice,
        ids=_join_texts(earlier.ids, later.ids),
        fields=_join_texts(earlier.fields, later.fields),
    )


def _join_texts(earlier: Mapping[str, str], later: Mapping[str, str]) -> dict[str, str]:
    found = dict(earlier)
    for path, text in later.items():
        name, turn = path, 1
        while found.get(name, text) != text and turn < TEXTS_PER_PATH_MAX:
            turn += 1
            name = f"{path}[{turn}]"
        if name in found or len(found) < TEXTS_MAX:
            found.setdefault(name, text)
    return found


def find_role(participant: Participant, hints: Hints) -> tuple[Role, Rule]:
    """What part a participant has in the call, as the vendor says."""
    if participant.id in hints.calling_ids:
        return Role.CALLER, Rule.VENDOR
    if participant.id in hints.called_ids:
        return Role.CALLED, Rule.VENDOR
    is_calling = matches(participant.number, hints.calling)
    is_called = matches(participant.number, hints.called)
    if is_calling != is_called:
        return (Role.CALLER if is_calling else Role.CALLED), Rule.VENDOR
    if is_same_number(participant.number, hints.recorded) and hints.direction is not Direction.UNKNOWN:
        return (Role.CALLER if hints.direction is Direction.OUTGOING else Role.CALLED), Rule.VENDOR
    return Role.PARTICIPANT, Rule.NONE


def matches(number: str, numbers: tuple[str, ...]) -> bool:
    """Whether a number means one of several."""
    return any(is_same_number(number, other) for other in numbers)
