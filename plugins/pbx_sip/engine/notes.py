"""What the engine writes down of a call beside its media, so that a crash forgets none of it."""

import json
from dataclasses import dataclass
from typing import Any

from plugins.pbx_sip.journal.unit import Note

MESSAGE, DECISION = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of a call.

    at_ns: since 1970, UTC. is_ours: we sent it. peer: transport, host, port of who sent it or gets it, () where it was
    overheard.
    """

    call: str
    at_ns: int
    content: bytes
    is_ours: bool = False
    peer: tuple[str, str, int] | tuple[()] = ()


def note_message(message: Message) -> Note:
    """The message as a note."""
    head = json.dumps([message.is_ours, *message.peer]).encode()
    return Note(call=message.call, at_ns=message.at_ns, kind=MESSAGE, content=head + b"\n" + message.content)


def read_message_note(note: Note) -> Message:
    """What `note_message` was given."""
    head, _, content = note.content.partition(b"\n")
    is_ours, *peer = json.loads(head)
    return Message(call=note.call, at_ns=note.at_ns, content=content, is_ours=is_ours, peer=tuple(peer))


def note_decision(call: str, at_ns: int, memory: dict[str, Any]) -> Note:
    """What was decided on a call, as a note."""
    return Note(call=call, at_ns=at_ns, kind=DECISION, content=json.dumps(memory).encode())


def read_decision_note(note: Note) -> dict[str, Any]:
    """What `note_decision` was given."""
    memory: dict[str, Any] = json.loads(note.content)
    return memory
