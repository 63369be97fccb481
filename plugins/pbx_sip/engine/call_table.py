"""The calls that go on, as their signalling tells, and what was decided on each."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.sdk import CallControl, CallOutline, LiveState, Recorded, Verdict
from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.numbers import number_of
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.engine.habits import Habits
from plugins.pbx_sip.engine.open_call import SILENT, OpenCall, outline
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.sip.message import Request, Response

LINGER_NS = 2_500_000_000
_TOGETHER_NS = 1_000_000_000
_MARGIN_NS = 1_000_000_000
_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the table asks and tells. decide: the recording rules. changed: a call is to be shown as it is now.

    cover, uncover: nothing of endpoints is kept from a moment on, or is again. remember: a decision is written down.
    """

    decide: Callable[[CallOutline], Verdict]
    changed: Callable[[OpenCall], None]
    cover: Callable[[Iterable[int], int], None]
    uncover: Callable[[Iterable[int], int], None]
    remember: Callable[[OpenCall], None]


class CallTable:
    """All calls that were signalled and are not over, or were over a moment ago."""

    def __init__(self, habits: Habits, hooks: Hooks) -> None:
        self.endpoints = Endpoints()
        self.signalling = Signalling(self.endpoints, habits.headers)
        self.calls: dict[str, OpenCall] = {}
        self._habits = habits
        self._hooks = hooks
        self._by_endpoint: dict[int, str] = {}
        self._by_numbers: dict[tuple[str, str], str] = {}
        self._pressed: dict[str, str] = {}
        self._keys_seen: dict[str, tuple[int, int]] = {}

    def take(self, message: Request | Response, content: bytes, at_ns: int) -> OpenCall | None:
        """Take in a message that was sent or received.

        Returns: its call; None if it belongs to none.
        """
        call = self._add(message, content, at_ns)
        if call is None:
            return None
        dialog = call.dialog
        if dialog.is_over:
            self._end(call)
            return call
        if dialog.answered_ns or dialog.session is not None:
            self._decide(call, at_ns)
            self._follow_header(call, message, at_ns)
            self._follow_info_keys(call, at_ns)
            if call.state in SILENT:
                self._hooks.cover(self.endpoints_of(call), at_ns)
            self._hooks.changed(call)
        return call

    def replay(self, message: Request | Response, content: bytes, at_ns: int, memory: Mapping[str, Any] | None) -> None:
        """Take in what was taken in before a crash; memory: what was decided on its call in the end."""
        call = self._add(message, content, at_ns)
        if call is None:
            return
        call.keys_followed = len(call.dialog.keys)
        if memory is not None:
            call.remember(memory)
        if call.state in SILENT:
            self._hooks.cover(self.endpoints_of(call), call.pauses[-1][0] if call.pauses else call.dialog.first_ns)

    def _add(self, message: Request | Response, content: bytes, at_ns: int) -> OpenCall | None:
        dialog = self.signalling.add(message, at_ns)
        if dialog is None:
            return None
        call = self.calls.get(dialog.call_id)
        if call is None:
            call = self.calls[dialog.call_id] = OpenCall(dialog=dialog)
        call.messages.append((at_ns, content))
        self._note_endpoints(call)
        return call

    def call_at(self, endpoint: int) -> OpenCall | None:
        """The call that has asked for media at an endpoint."""
        return self.calls.get(self._by_endpoint.get(endpoint, ""))

    def is_known(self, endpoint: int) -> bool:
        """Whether some call has asked for media there."""
        return endpoint in self._by_endpoint

    def endpoints_of(self, call: OpenCall) -> set[int]:
        """All places where its sides, on all its hops, want media."""
        return {listening.endpoint for hop in self.hops_of(call) for listening in hop.dialog.listenings}

    def hops_of(self, call: OpenCall) -> list[OpenCall]:
        """The dialogs that are one call with it; the leading one first."""
        leader = call.leader or call.id
        first = self.calls.get(leader, call)
        return [first, *(each for each in self.calls.values() if each.leader == leader and each is not first)]

    def control(self, call: OpenCall, action: CallControl, at_ns: int, resume_after_s: float | None = None) -> str:
        """Do what somebody asks for.

        Returns: why it cannot be done, "" when it was.
        """
        verdict = call.verdict or Verdict()
        if action is not CallControl.KEEP and call.state in {LiveState.STOPPED, LiveState.LEFT_OUT}:
            return "" if action is CallControl.STOP else "This call is not being recorded any more."
        for hop in self.hops_of(call):
            _act(hop, action, at_ns)
        if action is CallControl.PAUSE:
            pause_s = self._habits.pause_s if resume_after_s is None else resume_after_s
            call.resumes_ns = at_ns + round(pause_s * _S) if pause_s else 0
        elif action is CallControl.KEEP and verdict.recorded is Recorded.NO:
            return "A rule says that this call is not recorded."
        if call.state in {LiveState.PAUSED, LiveState.STOPPED}:
            self._hooks.cover(self.endpoints_of(call), at_ns)
        else:
            self._hooks.uncover(self.endpoints_of(call), at_ns)
        self._hooks.remember(call)
        self._hooks.changed(call)
        return ""

    def press(self, endpoint: int, key: str, ssrc: int, timestamp: int, at_ns: int) -> None:
        """A key was pressed by whoever sends to an endpoint; the same press is told several times."""
        call = self.call_at(endpoint)
        if call is None or self._keys_seen.get(call.id) == (ssrc, timestamp):
            return
        self._keys_seen[call.id] = (ssrc, timestamp)
        self._press(call, key, at_ns)

    def turn(self, now_ns: int) -> None:
        """End pauses whose time has come, and recordings that last too long."""
        for call in list(self.calls.values()):
            if call.resumes_ns and now_ns >= call.resumes_ns:
                self.control(call, CallControl.RESUME, call.resumes_ns)
            longest_ns = round((call.verdict.longest_s if call.verdict else 0) * _S)
            if longest_ns and call.state is not LiveState.STOPPED and now_ns - call.began_ns > longest_ns:
                self.control(call, CallControl.STOP, call.began_ns + longest_ns)

    def give_up(self, call: OpenCall) -> None:
        """Nobody told of its end: it ended when it was heard of last."""
        call.dialog.end(Side.CALLER, call.dialog.last_ns)
        self._end(call)

    def take_ended(self, now_ns: int) -> list[list[OpenCall]]:
        """Remove the calls that are over, those that may be hops of each other together."""
        done = self.signalling.take(now_ns - LINGER_NS, 0)
        groups: list[list[Dialog]] = []
        while done:
            group = [done.pop()]
            if self._habits.joins_hops:
                self._gather(group, done)
            groups.append(group)
        return [[self._remove(dialog) for dialog in sorted(group, key=lambda each: each.first_ns)] for group in groups]

    def _gather(self, group: list[Dialog], done: list[Dialog]) -> None:
        """Add what may be hops of the dialogs of a group: some that are over, some that are just about to be."""
        for dialog in group:  # grows meanwhile
            related = {
                each.dialog.call_id
                for each in self.calls.values()
                if each.dialog is not dialog and each.dialog.is_over and _are_related(dialog, each.dialog)
            }
            for other in [each for each in done if each.call_id in related]:
                done.remove(other)
                group.append(other)
            about = related & self.signalling.dialogs.keys()
            group.extend(self.signalling.dialogs.pop(call_id) for call_id in about)

    def _remove(self, dialog: Dialog) -> OpenCall:
        call = self.calls.pop(dialog.call_id)
        self._hooks.uncover(
            {listening.endpoint for listening in dialog.listenings}, (dialog.ended_ns or dialog.last_ns) + _MARGIN_NS
        )
        for listening in dialog.listenings:
            if self._by_endpoint.get(listening.endpoint) == call.id:
                del self._by_endpoint[listening.endpoint]
        numbers = _numbers_of(dialog)
        if self._by_numbers.get(numbers) == call.id:
            del self._by_numbers[numbers]
        self._pressed.pop(call.id, None)
        self._keys_seen.pop(call.id, None)
        return call

    def _note_endpoints(self, call: OpenCall) -> None:
        for listening in call.dialog.listenings:
            known = self._by_endpoint.get(listening.endpoint)
            if known == call.id:
                continue
            other = self.calls.get(known or "")
            if other is not None and not other.dialog.is_over and self._habits.joins_hops and not call.leader:
                call.leader = other.leader or other.id
            else:
                self._by_endpoint[listening.endpoint] = call.id
        if self._habits.joins_hops and not call.leader:
            numbers = _numbers_of(call.dialog)
            other = self.calls.get(self._by_numbers.setdefault(numbers, call.id))
            if other is not None and other is not call and all(numbers) and _begin_together(other.dialog, call.dialog):
                call.leader = other.leader or other.id

    def _decide(self, call: OpenCall, at_ns: int) -> None:
        """Ask the rules, once; again only where nothing at all was known of the call before."""
        if call.leader and (leader := self.calls.get(call.leader)) is not None and leader.verdict is not None:
            call.verdict = call.verdict or leader.verdict
            if call.state is not leader.state:
                call.go(leader.state, at_ns)
            return
        is_blind = call.verdict is not None and not call.verdict.rule and call.verdict.recorded is Recorded.YES
        if call.verdict is not None and not (is_blind and call.was_unknown):
            return
        described = outline(call, self._habits.plan)
        if call.verdict is not None and not (described.caller or described.called):
            return
        call.was_unknown = not (described.caller or described.called)
        call.verdict = self._hooks.decide(described)
        states = {Recorded.NO: LiveState.LEFT_OUT, Recorded.ON_DEMAND: LiveState.WAITING}
        if call.verdict.recorded in states:
            call.go(states[call.verdict.recorded], call.dialog.first_ns)
        if call.verdict != Verdict():  # what is recorded by no rule is recorded after a crash too
            self._hooks.remember(call)

    def _end(self, call: OpenCall) -> None:
        """It is over: what comes to its endpoints a moment later belongs to others."""
        self._hooks.uncover(
            {listening.endpoint for listening in call.dialog.listenings}, call.dialog.ended_ns + _MARGIN_NS
        )
        self._hooks.changed(call)

    def _follow_header(self, call: OpenCall, message: Request | Response, at_ns: int) -> None:
        name = self._habits.control_header
        value = message.headers.get(name) if name and isinstance(message, Request) else None
        if value and value.strip().lower() in set(CallControl):
            self.control(call, CallControl(value.strip().lower()), at_ns)

    def _follow_info_keys(self, call: OpenCall, at_ns: int) -> None:
        for _, key in call.dialog.keys[call.keys_followed :]:
            self._press(call, key, at_ns)
        call.keys_followed = len(call.dialog.keys)

    def _press(self, call: OpenCall, key: str, at_ns: int) -> None:
        longest = max((len(keys) for keys, _ in self._habits.keys), default=0)
        if not longest:
            return
        pressed = self._pressed[call.id] = (self._pressed.get(call.id, "") + key)[-longest:]
        for keys, action in self._habits.keys:
            if pressed.endswith(keys):
                self._pressed[call.id] = ""
                leader = self.calls.get(call.leader, call)
                self.control(leader, action, at_ns)
                return


def _act(call: OpenCall, action: CallControl, at_ns: int) -> None:
    match action:
        case CallControl.PAUSE:
            call.go(LiveState.PAUSED, at_ns)
        case CallControl.RESUME:
            is_waiting = call.verdict and call.verdict.recorded is Recorded.ON_DEMAND and not call.demanded
            call.go(LiveState.WAITING if is_waiting else LiveState.RECORDING, at_ns)
        case CallControl.STOP:
            call.go(LiveState.STOPPED, at_ns)
        case CallControl.KEEP:
            call.demanded, call.discarded = True, False
            if call.state is LiveState.WAITING:
                call.go(LiveState.RECORDING, at_ns)
        case CallControl.DISCARD:
            call.discarded = True
            call.go(LiveState.STOPPED, at_ns)


def _numbers_of(dialog: Dialog) -> tuple[str, str]:
    return number_of(dialog.caller), number_of(dialog.called)


def _begin_together(one: Dialog, other: Dialog) -> bool:
    return abs(one.first_ns - other.first_ns) < _TOGETHER_NS


def _are_related(one: Dialog, other: Dialog) -> bool:
    """Whether two dialogs that are over may be hops of one call: by endpoint, or by numbers and time."""
    if {each.endpoint for each in one.listenings} & {each.endpoint for each in other.listenings}:
        return one.first_ns <= other.ended_ns and other.first_ns <= one.ended_ns
    numbers = _numbers_of(one)
    return bool(numbers[1]) and numbers == _numbers_of(other) and _begin_together(one, other)


def now_ns() -> int:
    """The time of the wire: ns since 1970, UTC."""
    return time.time_ns()
