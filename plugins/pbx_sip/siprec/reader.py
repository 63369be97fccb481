"""Recording metadata read by the local names of its elements, in the shapes of the standard, its drafts and vendors.

Source: RFC 7865 section 6.1 and 10; draft-ietf-siprec-metadata-07 and earlier (id and session as attributes, send and
recv inside the participant); urn:ietf:params:xml:ns:siprec (recording_metadata, with an id inside send).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from plugins.pbx_sip.siprec.addresses import is_number, parse_name, parse_number
from plugins.pbx_sip.siprec.markup import BadMetadata, Element, read_markup
from plugins.pbx_sip.siprec.metadata import (
    DataMode,
    Group,
    Metadata,
    Participant,
    Presence,
    Session,
    Stream,
    StreamUse,
)
from plugins.pbx_sip.siprec.times import parse_time

FIELDS_MAX = 400
FIELDS_PER_PATH_MAX = 20
FIELD_CHARS_MAX = 2048
OTHER_NUMBERS_MAX = 10
PATH_CHARS_MAX = 256
ROOTS = frozenset({"recording", "recording_metadata"})
JOINED = ("associate-time", "start-time")
LEFT = ("disassociate-time", "stop-time", "end-time")
TIMES = frozenset({*JOINED, *LEFT})
# What each element has by the standard or its drafts; the rest are extensions.
KNOWN = {
    "group": TIMES,
    "session": TIMES | {"sipsessionid", "group-ref", "reason"},
    "participant": TIMES | {"nameid", "aor", "name", "send", "recv"},
    "stream": TIMES | {"label", "mode", "content-type"},
    "presence": TIMES,
}
RECORDING = frozenset(
    {"datamode", "group", "session", "participant", "stream", "sessionrecordingassoc"}
    | {"participantsessionassoc", "participantstreamassoc", "recording"}
)


@dataclass(slots=True)
class _Fields:
    """How many extension fields one document may still add."""

    left: int = FIELDS_MAX

    def read(self, element: Element, known: Iterable[str]) -> dict[str, str]:
        """The texts and attributes of an element's children that are not known, by their paths."""
        found: dict[str, str] = {}
        for child in element.children:
            if child.name.lower() in known or (child.name.lower() == "extensiondata" and child.attribute("parent")):
                continue
            paths = _walk(child, () if child.name.lower() == "extensiondata" else (child.name,))
            for path, text in paths:
                self._add(found, path, text)
        return found

    def _add(self, found: dict[str, str], path: str, text: str) -> None:
        if self.left <= 0 or not text or not path or len(path) > PATH_CHARS_MAX:
            return
        name, turn = path, 1
        while name in found:
            if found[name] == text[:FIELD_CHARS_MAX] or turn >= FIELDS_PER_PATH_MAX:
                return
            turn += 1
            name = f"{path}[{turn}]"
        found[name] = text[:FIELD_CHARS_MAX]
        self.left -= 1


def _walk(element: Element, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    name = ".".join(path)
    if path:
        yield name, element.text
        for attribute, value in element.attributes.items():
            yield f"{name}@{attribute}", value.strip()
    for child in element.children:
        yield from _walk(child, (*path, _name(child)))


def _name(element: Element) -> str:
    """What an element is called; Oracle has header fields of the call as <header label="Diversion">."""
    label = element.attribute("label") if element.name.lower() == "header" else ""
    return f"header {label}" if label else element.name


@dataclass(slots=True)
class _Draft:
    """The parts of a document as they are found, in the order of the document."""

    groups: list[Group] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    participants: list[Participant] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    presences: list[Presence] = field(default_factory=list)
    uses: list[StreamUse] = field(default_factory=list)
    fields: _Fields = field(default_factory=_Fields)


def read_metadata(data: bytes) -> Metadata:
    """What a metadata body says.

    Raises: BadMetadata.
    """
    root = read_markup(data)
    if root.name.lower() not in ROOTS:
        raise BadMetadata(f"the XML is <{root.name[:40]}>, not <recording>")
    draft = _Draft()
    inner = next(root.named("recording"), None)
    for element in root.children:
        if reader := _READERS.get(element.name.lower()):
            reader(draft, element)
    metadata = Metadata(
        mode=DataMode.PARTIAL if root.text_of("datamode").lower() == DataMode.PARTIAL else DataMode.COMPLETE,
        recording_id=root.attribute("recording_id", "id") or (inner.attribute("recording_id", "id") if inner else ""),
        groups=tuple(draft.groups),
        sessions=_apply_recording_times(draft.sessions, root),
        participants=tuple(draft.participants),
        streams=tuple(draft.streams),
        presences=tuple(draft.presences),
        uses=tuple(draft.uses),
        extensions=draft.fields.read(root, RECORDING) | (draft.fields.read(inner, RECORDING) if inner else {}),
    )
    for element in root.named("extensiondata"):
        if parent := element.attribute("parent"):
            metadata = _attach(metadata, parent, draft.fields.read(element, ()))
    return metadata


def _attach(metadata: Metadata, parent: str, extensions: Mapping[str, str]) -> Metadata:
    """Extension data that stand apart, given to the session whose id they name, else to the recording."""
    if not any(session.id == parent for session in metadata.sessions):
        return replace(metadata, extensions={**metadata.extensions, **extensions})
    sessions = tuple(
        replace(session, extensions={**session.extensions, **extensions}) if session.id == parent else session
        for session in metadata.sessions
    )
    return replace(metadata, sessions=sessions)


def _read_group(draft: _Draft, element: Element) -> None:
    draft.groups.append(
        Group(
            id=element.attribute("group_id", "id"),
            associated_at=parse_time(element.text_of(*JOINED)),
            disassociated_at=parse_time(element.text_of(*LEFT)),
            extensions=draft.fields.read(element, KNOWN["group"]),
        )
    )


def _read_session(draft: _Draft, element: Element) -> None:
    draft.sessions.append(
        Session(
            id=element.attribute("session_id", "id"),
            group_id=element.text_of("group-ref") or element.attribute("group", "group_id", "group-ref"),
            sip_session_ids=tuple(child.text for child in element.named("sipsessionid") if child.text),
            reason=element.text_of("reason"),
            started_at=parse_time(element.text_of("start-time") or element.text_of("associate-time")),
            stopped_at=parse_time(element.text_of(*LEFT)),
            extensions=draft.fields.read(element, KNOWN["session"]),
        )
    )


def _apply_recording_times(sessions: Iterable[Session], root: Element) -> tuple[Session, ...]:
    """Sessions without times of their own have those of their association with the recording."""
    times = {
        element.attribute("session_id", "session", "id"): (
            parse_time(element.text_of(*JOINED)),
            parse_time(element.text_of(*LEFT)),
        )
        for element in root.named("sessionrecordingassoc")
    }
    return tuple(
        replace(
            session,
            started_at=session.started_at or times.get(session.id, (None, None))[0],
            stopped_at=session.stopped_at or times.get(session.id, (None, None))[1],
        )
        for session in sessions
    )


def _read_participant(draft: _Draft, element: Element) -> None:
    told = [*element.named("nameid"), element]
    known = [(each.attribute("aor") or each.text_of("aor"), each.text_of("name")) for each in told]
    # Of several addresses of record one may be a telephone number, which is what people look for.
    named = sorted(((parse_number(aor), aor, name) for aor, name in known if aor), key=lambda each: _rank(each[0]))
    number, aor, name = next(iter(named), ("", "", ""))
    others = dict.fromkeys(other for other, _, _ in named if other not in {"", number})
    # Without an id the address of record has to tell participants apart, without that their number.
    identity = element.attribute("participant_id", "id") or aor or f"#{len(draft.participants)}"
    draft.participants.append(
        Participant(
            id=identity,
            aor=aor,
            name=parse_name(name or next((text for _, text in known if text), "")),
            number=number,
            other_numbers=tuple(others)[:OTHER_NUMBERS_MAX],
            extensions=draft.fields.read(element, KNOWN["participant"]),
        )
    )
    session_id = element.attribute("session", "session_id")
    joined_at, left_at = parse_time(element.text_of(*JOINED)), parse_time(element.text_of(*LEFT))
    if session_id or joined_at or left_at:
        draft.presences.append(
            Presence(participant_id=identity, session_id=session_id, joined_at=joined_at, left_at=left_at)
        )
    # A participant in the shape of the drafts says here what it sends: nothing, if nothing stands here.
    if element.attribute("session") or any(element.named("send", "recv")):
        draft.uses.append(_make_use(identity, element))


def _rank(number: str) -> int:
    return 0 if is_number(number) else 1 if number else 2


def _make_use(participant_id: str, element: Element) -> StreamUse:
    return StreamUse(
        participant_id=participant_id,
        sends=_stream_ids(element.named("send")),
        receives=_stream_ids(element.named("recv")),
        associated_at=parse_time(element.text_of("associate-time")),
        disassociated_at=parse_time(element.text_of("disassociate-time")),
    )


def _stream_ids(elements: Iterable[Element]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for element in elements:
        for text in (
            element.text,
            *(child.text for child in element.named("id", "stream_id")),
            element.attribute("id"),
        ):
            if text:
                found[text] = None
    return tuple(found)


def _read_stream(draft: _Draft, element: Element) -> None:
    label = element.text_of("label") or element.attribute("label")
    draft.streams.append(
        Stream(
            id=element.attribute("stream_id", "id") or f"label:{label}",
            session_id=element.attribute("session_id", "session"),
            label=label,
            mode=element.text_of("mode").lower(),
            content_type=element.text_of("content-type"),
            associated_at=parse_time(element.text_of(*JOINED)),
            extensions=draft.fields.read(element, KNOWN["stream"]),
        )
    )


def _read_presence(draft: _Draft, element: Element) -> None:
    participant_id = element.attribute("participant_id", "participant")
    if participant_id:
        draft.presences.append(
            Presence(
                participant_id=participant_id,
                session_id=element.attribute("session_id", "session"),
                joined_at=parse_time(element.text_of(*JOINED)),
                left_at=parse_time(element.text_of(*LEFT)),
                extensions=draft.fields.read(element, KNOWN["presence"]),
            )
        )


def _read_use(draft: _Draft, element: Element) -> None:
    participant_id = element.attribute("participant_id", "participant")
    if participant_id:
        draft.uses.append(_make_use(participant_id, element))


_READERS = {
    "group": _read_group,
    "session": _read_session,
    "participant": _read_participant,
    "stream": _read_stream,
    "participantsessionassoc": _read_presence,
    "participantstreamassoc": _read_use,
}
