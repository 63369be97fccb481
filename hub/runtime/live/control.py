"""Steering and hearing calls that go on, for people: permission, scope, audit line, then the way to the source."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue

from hub.access.errors import NotThere
from hub.access.live_reader import LiveReader
from hub.access.permissions import allows, require
from hub.access.person import Person
from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.listing import about
from hub.audit.trail import append
from hub.catalog.live_calls import ListedCall
from hub.db.database import Database
from hub.runtime.commands import AudioPlace, CommandClient
from hub.runtime.failure import PluginFailure, SupervisorAway
from hub.runtime.instance import Instance
from hub.runtime.plugins import PluginMissing, Plugins
from hub.sdk import CallControl, ControlResult, Controls, Listens, LiveState, StateBy

ACTIONS: Mapping[CallControl, Action] = {
    CallControl.PAUSE: Action.CALL_PAUSE,
    CallControl.RESUME: Action.CALL_RESUME,
    CallControl.STOP: Action.CALL_STOP,
    CallControl.KEEP: Action.CALL_KEEP,
    CallControl.DISCARD: Action.CALL_DISCARD,
}

_FITTING: Mapping[LiveState, tuple[CallControl, ...]] = {
    LiveState.RECORDING: (CallControl.PAUSE, CallControl.STOP, CallControl.DISCARD),
    LiveState.PAUSED: (CallControl.RESUME, CallControl.STOP, CallControl.DISCARD),
    LiveState.STOPPED: (),  # what was recorded before is kept, as the one was told who stopped it
    LiveState.WAITING: (CallControl.KEEP,),
    LiveState.LEFT_OUT: (),
}
_LEADING_TO: Mapping[LiveState, frozenset[Action]] = {
    LiveState.PAUSED: frozenset({Action.CALL_PAUSE}),
    LiveState.STOPPED: frozenset({Action.CALL_STOP, Action.CALL_DISCARD}),
}
_BEFORE, _AFTER = timedelta(minutes=1), timedelta(seconds=2)
"""How long before the device did it somebody may have asked, and how far two clocks of one machine are apart."""


def permission_of(action: CallControl) -> str:
    """What one needs for it: to throw a recording away is more than to steer it."""
    return "live.discard" if action is CallControl.DISCARD else "live.control"


@dataclass(frozen=True, slots=True)
class Actions:
    """What makes sense with a call, by its state, its device's abilities and the person's permissions."""

    person: Person
    steered: frozenset[int]
    heard: frozenset[int]

    def of(self, call: ListedCall) -> tuple[CallControl, ...]:
        """What the source can be asked to do with it."""
        if call.device_id not in self.steered:
            return ()
        return tuple(action for action in _FITTING[call.state] if allows(self.person, permission_of(action)))

    def can_listen(self, call: ListedCall) -> bool:
        """Whether it can be heard."""
        return call.can_listen and call.device_id in self.heard and allows(self.person, "live.listen")


class LiveControl:
    """What a person does with a call; safe to use from several threads."""

    def __init__(self, db: Database, reader: LiveReader, commands: CommandClient, plugins: Plugins) -> None:
        self._db = db
        self._reader = reader
        self._commands = commands
        self._plugins = plugins

    def actions_for(self, person: Person, devices: Iterable[Instance]) -> Actions:
        """What a person can do with the calls of these devices."""
        steered, heard = set[int](), set[int]()
        for device in devices:
            with suppress(PluginMissing):
                found = self._plugins.find(device.kind, device.plugin)
                steered |= {device.id} if found.can(Controls) else set()
                heard |= {device.id} if found.can(Listens) else set()
        return Actions(person, frozenset(steered), frozenset(heard))

    def act(
        self,
        person: Person,
        live_id: int,
        action: CallControl,
        actor: Actor,
        *,
        resume_after_s: float | None = None,
    ) -> ControlResult:
        """Have the source do it. The trail says what was asked, and if it was not done that too.

        resume_after_s: with PAUSE, when the pause ends by itself; None: as the device's settings say.
        Raises: Forbidden, NotThere, PluginFailure, SupervisorAway.
        """
        require(person, permission_of(action))
        call = self._reader.find(person, live_id)
        facts: dict[str, JsonValue] = {} if resume_after_s is None else {"resume_after_s": resume_after_s}
        self._audit(actor, ACTIONS[action], call, facts)
        try:
            result = self._commands.control(call.device_id, live_id, action, resume_after_s=resume_after_s)
        except (PluginFailure, SupervisorAway) as failure:
            self._audit(actor, ACTIONS[action], call, {"done": False, "reason": str(failure)})
            raise
        if not result.done:
            self._audit(actor, ACTIONS[action], call, {"done": False, "reason": result.text})
        return result

    def askers_of(self, calls: Iterable[ListedCall]) -> dict[int, str]:
        """The login of whoever had a call paused or stopped, by the call's id, where the hub was asked."""
        told = {f"call:{call.text_id}": call for call in calls if call.state_by is StateBy.PERSON and call.state_since}
        if not told:
            return {}
        with self._db.read() as session:
            lines = about(session, tuple(told), frozenset().union(*_LEADING_TO.values()))
        askers = dict[int, str]()
        for line in lines:
            call, is_asked = told[line.subject], "done" not in line.facts
            if is_asked and line.action in _LEADING_TO[call.state] and _is_then(line.at, call.state_since):
                askers.setdefault(call.id, line.login)
        return askers

    def listen(self, person: Person, live_id: int, actor: Actor) -> AudioPlace:
        """Where the call can be heard.

        Raises: Forbidden, NotThere, PluginFailure, SupervisorAway.
        """
        require(person, "live.listen")
        call = self._reader.find(person, live_id)
        if not call.can_listen:
            raise NotThere("This call cannot be listened to now.")
        place = self._commands.listen(call.device_id, live_id)
        self._audit(actor, Action.CALL_LISTEN, call, {})
        return place

    def may_go_on_listening(self, person: Person, live_id: int) -> bool:
        """Whether the call goes on and the person may still hear it."""
        if not allows(person, "live.listen"):
            return False
        try:
            self._reader.find(person, live_id)
        except NotThere:
            return False
        return True

    def _audit(self, actor: Actor, action: Action, call: ListedCall, facts: Mapping[str, JsonValue]) -> None:
        details: dict[str, JsonValue] = {
            "parties": ", ".join(f"{party.number} {party.name}".strip() for party in call.parties),
            "call_id": call.call_id,
        }
        known = {name: value for name, value in details.items() if value}
        about = {"device": f"instance:{call.device_id}", "started_at": call.started_at.isoformat(), **facts}
        with self._db.write() as session:
            append(session, actor, action, subject=f"call:{call.text_id}", details=known, facts=about)


def _is_then(asked_at: datetime, since: datetime | None) -> bool:
    return since is not None and since - _BEFORE <= asked_at <= since + _AFTER
