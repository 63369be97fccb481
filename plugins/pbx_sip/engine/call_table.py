"""The calls that go on, as their signalling tells, and what was decided on each."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from hub.sdk import CallControl, LiveState, Recorded, Verdict
from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.moments import EPOCH
from plugins.pbx_sip.calls.names import call_id_of
from plugins.pbx_sip.calls.neighbours import are_named_together, are_set_up_together, is_passed_on, numbers_of
from plugins.pbx_sip.calls.outline import are_known, describe_outline
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.calls.stopper import Stopper
from plugins.pbx_sip.calls.voicemail import find_voicemails
from plugins.pbx_sip.engine.habits import Habits
from plugins.pbx_sip.engine.header_words import read_word
from plugins.pbx_sip.engine.open_call import SILENT, OpenCall
from plugins.pbx_sip.engine.open_ends import OpenEnds
from plugins.pbx_sip.engine.partings import find_partings
from plugins.pbx_sip.engine.passed_on import PassedOn
from plugins.pbx_sip.engine.shared_sessions import decide_each
from plugins.pbx_sip.engine.table_hooks import Hooks
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.sip.message import Request, Response

_Memory: TypeAlias = Mapping[str, Any]

_MARGIN_NS = _S = 1_000_000_000
_RULED = frozenset({LiveState.RECORDING, LiveState.WAITING, LiveState.LEFT_OUT})
_AT_THE_END = frozenset({CallControl.KEEP, CallControl.DISCARD})  # the others mean nothing to a call that is over


class CallTable:
    """All calls that were signalled and are not over, or were over a moment ago."""

    def __init__(self, habits: Habits, hooks: Hooks) -> None:
        self.endpoints = Endpoints()
        self.signalling = Signalling(self.endpoints, habits.headers)
        self.calls: dict[str, OpenCall] = {}
        self.ends = OpenEnds()
        self._habits = habits
        self._hooks = hooks
        self._by_endpoint: dict[int, str] = {}
        self._by_numbers: dict[tuple[str, str], str] = {}
        self._passed_on = PassedOn()

    def take(self, message: Request | Response, content: bytes, at_ns: int, call_id: str = "") -> OpenCall | None:
        """Take in a message that was sent or received; call_id: as in `Signalling.add`.

        Returns: its call; None if it belongs to none.
        """
        call = self._add(message, content, at_ns, call_id)
        if call is None:
            return None
        dialog = call.dialog
        if dialog.interaction not in {call.interaction, call.id}:
            call.interaction = dialog.interaction
            self._hooks.remember(call)
        if dialog.is_over:
            self._follow_header(call, message, at_ns)
            self._end(call)
            return call
        if call.has_begun:
            self._note_passed_on(call, at_ns)
            self._decide(call, at_ns)
            self._follow_voicemail(call, at_ns)
            self._follow_header(call, message, at_ns)
            self._follow_info_keys(call, at_ns)
            self._cover_silent(call, at_ns)
            self._hooks.changed(call)
        else:
            self._follow_header(call, message, at_ns)
        return call

    def replay(
        self, message: Request | Response, content: bytes, at_ns: int, memory: _Memory | None, call_id: str = ""
    ) -> None:
        """Take in what was taken in before a crash; memory: what was decided on its call in the end."""
        call = self._add(message, content, at_ns, call_id)
        if call is None:
            return
        call.keys_followed = len(call.dialog.keys)
        if memory is not None:
            call.remember(memory)
        self._cover_silent(call, call.pauses[-1][0] if call.pauses else call.dialog.first_ns)

    def _cover_silent(self, call: OpenCall, at_ns: int) -> None:
        """See that nothing is kept which may not be; at_ns: since when, unless that is known of a call not begun."""
        if call.state in SILENT or call.hushed_ns:
            self._hooks.cover(self.endpoints_of(call), call.hushed_ns or at_ns)
        if call.forbidden:
            self._hooks.cover(call.forbidden_ends, call.dialog.first_ns)

    def _add(self, message: Request | Response, content: bytes, at_ns: int, call_id: str) -> OpenCall | None:
        dialog = self.signalling.add(message, at_ns, call_id)
        if dialog is None:
            return None
        call = self.calls.get(dialog.call_id)
        if call is None:
            call = self.calls[dialog.call_id] = OpenCall(dialog=dialog)
        call.messages.append((at_ns, content))
        self._note_endpoints(call)
        self.ends.note(call)
        return call

    def call_at(self, endpoint: int) -> OpenCall | None:
        """The call that has asked for media at an endpoint."""
        return self.calls.get(self._by_endpoint.get(endpoint, ""))

    def is_known(self, endpoint: int) -> bool:
        """Whether some call has asked for media there."""
        return endpoint in self._by_endpoint

    def endpoints_of(self, call: OpenCall) -> set[int]:
        """All places where its media arrives, on all its hops, that of calls in it apart which are forbidden."""
        ends = {listening.endpoint for hop in self.hops_of(call) for listening in hop.dialog.arrivals}
        return ends - call.forbidden_ends

    def hops_of(self, call: OpenCall) -> list[OpenCall]:
        """The dialogs that are one call with it; the leading one first."""
        leader = call.leader or call.id
        first = self.calls.get(leader, call)
        return [first, *(each for each in self.calls.values() if each.leader == leader and each is not first)]

    def control(
        self,
        call: OpenCall,
        action: CallControl,
        at_ns: int,
        resume_after_s: float | None = None,
        by: Stopper = Stopper.PERSON,
    ) -> str:
        """Do what somebody asks for.

        Returns: why it cannot be done, "" when it was.
        """
        verdict = call.verdict or Verdict()
        if call.discarded:
            return "" if action is CallControl.DISCARD else "This call was discarded; nothing of it is kept."
        is_done = call.state is LiveState.STOPPED or (call.state is LiveState.LEFT_OUT and not call.is_at_voicemail)
        if action is not CallControl.KEEP and is_done:
            return "" if action is CallControl.STOP else "This call is not being recorded any more."
        for hop in self.hops_of(call):
            hop.obey(action, at_ns, by)
        if action is CallControl.PAUSE:
            pause_s = self._habits.pause_s if resume_after_s is None else resume_after_s
            call.resumes_ns = at_ns + round(pause_s * _S) if pause_s else 0
        elif action is CallControl.KEEP and verdict.recorded is Recorded.NO:
            return "A rule says that this call is not recorded."
        if call.state in SILENT:
            self._hooks.cover(self.endpoints_of(call), at_ns)
        else:
            self._hooks.uncover(self.endpoints_of(call), at_ns)
        for hop in self.hops_of(call):
            self._hooks.remember(hop)
        self._hooks.changed(call)
        return ""

    def press(self, endpoint: int, key: str, ssrc: int, timestamp: int, at_ns: int) -> None:
        """A key was pressed by whoever sends to an endpoint; the same press is told several times."""
        call = self.call_at(endpoint)
        if call is not None:
            self._obey_keys(call, call.keypads.press(self._habits.keys, endpoint, key, (ssrc, timestamp)), at_ns)

    def turn(self, now_ns: int) -> None:
        """End pauses whose time has come, and recordings that last too long."""
        for call in list(self.calls.values()):
            if call.resumes_ns and now_ns >= call.resumes_ns:
                self.control(call, CallControl.RESUME, call.resumes_ns)
            longest_ns = round((call.verdict.longest_s if call.verdict else 0) * _S)
            if longest_ns and call.state is not LiveState.STOPPED and now_ns - call.began_ns > longest_ns:
                self.control(call, CallControl.STOP, call.began_ns + longest_ns, by=Stopper.RULE)

    def give_up(self, call: OpenCall, at_ns: int) -> None:
        """Nobody told of its end: that was at a moment, such as when it was heard of last."""
        call.dialog.end(Side.CALLER, at_ns)
        self._end(call)

    def lose(self, call: OpenCall) -> None:
        """Its client does not know it any more, or is gone: it ended with the last sign of life."""
        call.lost_ns = call.last_sign_ns
        self.give_up(call, call.lost_ns)
        self._hooks.remember(call)

    def take_ended(self, now_ns: int) -> list[list[OpenCall]]:
        """Remove the calls that have been over for a while, those that may be hops of each other together."""
        groups = list(find_partings(self.calls, self.ends, now_ns, joins_hops=self._habits.joins_hops))
        for call in (call for group in groups for call in group):
            self._remove(call)
        return groups

    def _remove(self, call: OpenCall) -> None:
        dialog = call.dialog
        del self.calls[call.id], self.signalling.dialogs[call.id]
        self._hooks.uncover(self._left_by(call), (dialog.ended_ns or dialog.last_ns) + _MARGIN_NS)
        for listening in dialog.listenings:
            if self._by_endpoint.get(listening.endpoint) == call.id:
                self._hand_on(listening.endpoint)
        numbers = numbers_of(dialog)
        if self._by_numbers.get(numbers) == call.id:
            del self._by_numbers[numbers]
        self._passed_on.forget(dialog)
        self.ends.forget(call)

    def _left_by(self, call: OpenCall) -> set[int]:
        """Its endpoints, but for those of which another call keeps nothing either."""
        ends = {listening.endpoint for listening in call.dialog.listenings}
        return {end for end in ends if not any(each.state in SILENT for each in self._others_at(end, call))}

    def _others_at(self, endpoint: int, call: OpenCall) -> list[OpenCall]:
        """Other calls that go on and have asked for media there, the last one at the end."""
        held = (self.calls.get(call_id) for _, call_id in self.signalling.claims.held(endpoint))
        return [each for each in held if each is not None and each is not call and not each.dialog.is_over]

    def _hand_on(self, endpoint: int) -> None:
        """Who has an endpoint is gone; another one may have had it all the time."""
        gone = self._by_endpoint.pop(endpoint)
        held = [call_id for _, call_id in self.signalling.claims.held(endpoint) if call_id in self.calls]
        if others := [call_id for call_id in held if call_id != gone]:
            self._by_endpoint[endpoint] = others[-1]

    def _note_endpoints(self, call: OpenCall) -> None:
        for listening in call.dialog.listenings:
            known = self._by_endpoint.get(listening.endpoint)
            if known == call.id:
                continue
            other = self.calls.get(known or "") if self._habits.joins_hops and not call.leader else None
            if other is not None and not other.dialog.is_over and are_set_up_together(other.dialog, call.dialog):
                call.leader = other.leader or other.id
            else:
                self._by_endpoint[listening.endpoint] = call.id
        if self._habits.joins_hops and not call.leader:
            numbers = numbers_of(call.dialog)
            other = self.calls.get(self._by_numbers.setdefault(numbers, call.id))
            if (
                other is not None
                and other is not call
                and all(numbers)
                and are_named_together(other.dialog, call.dialog)
            ):
                call.leader = other.leader or other.id
            first = self.calls.get(call_id_of(call.id), call)
            if first is not call and not first.dialog.is_over:
                call.leader = first.leader or first.id

    def _note_passed_on(self, call: OpenCall, at_ns: int) -> None:
        """Who calls somebody else for the caller of another call has one call with it, which that one leads."""
        if not self._habits.joins_hops or call.dialog.session is not None:
            return
        for other in [self.calls[each] for each in self._passed_on.find_beside(call.dialog) if each in self.calls]:
            first, second = sorted((call, other), key=lambda each: each.dialog.first_ns)
            leader = self.calls.get(first.leader, first)
            if second.leader or other.dialog.is_over or not is_passed_on(first.dialog, second.dialog):
                continue
            for led in (second, *self._led_by(second)):
                led.leader = leader.id
                self._passed_on.lead(leader.id, led.id)
                self._hooks.changed(led)
            if leader.verdict is not None:
                self._decide(leader, at_ns)
                self._have_follow(leader, at_ns)
                self._hooks.changed(leader)

    def _led_by(self, leader: OpenCall) -> list[OpenCall]:
        return [self.calls[each] for each in self._passed_on.led_by(leader.id) if each in self.calls]

    def _have_follow(self, leader: OpenCall, at_ns: int) -> None:
        """What was decided on the call that leads holds for what it was passed on as."""
        for call in self._led_by(leader):
            was_silent, call.verdict = call.state in SILENT, None
            self._follow(call, leader, at_ns)
            if was_silent and call.state not in SILENT:
                self._hooks.uncover({each.endpoint for each in call.dialog.arrivals}, at_ns)

    def _decide(self, call: OpenCall, at_ns: int) -> None:
        """Ask the rules, and again whenever it is known of somebody else that he takes part."""
        leader = self.calls.get(call.leader)
        if leader is not None and leader.verdict is None and leader in self.ends.of(call):
            self._decide(leader, at_ns)
        if leader is not None and leader.verdict is not None:
            self._follow(call, leader, at_ns)
            return
        plan, hops = self._habits.plan, [each.dialog for each in self._led_by(call)]
        described = describe_outline(call.dialog, plan, hops)
        before, call.decided_on = call.decided_on, replace(described, started_at=EPOCH)
        if call.verdict is None:
            self._settle(call, decide_each(call, self._hooks.decide, described, plan), call.dialog.first_ns)
        elif before != call.decided_on:
            asked = replace(described, decided_by=call.verdict.rule)
            again = decide_each(call, self._hooks.decide, asked, plan)
            since_ns = at_ns if before is None or are_known(before) else call.dialog.first_ns
            self._decide_again(call, call.verdict, again, since_ns, at_ns)
        if call.forbidden:
            self._hooks.remember(call)

    def _decide_again(self, call: OpenCall, verdict: Verdict, again: Verdict, since_ns: int, at_ns: int) -> None:
        """Follow the rules once it is known who else takes part: the first one stays but where one forbids to record.

        since_ns: from when on that holds; what was recorded by then stays.
        """
        forbids = again.recorded is Recorded.NO
        if not again.rule or again.rule == verdict.rule or (verdict.rule and not forbids):
            return
        if forbids and verdict.recorded is not Recorded.NO and since_ns > call.dialog.first_ns:
            left = replace(verdict, rule=again.rule, stops_at_voicemail=False)
            self._settle(call, left, since_ns, leaves_out=True)
        else:
            self._settle(call, again, at_ns if call.state in SILENT else since_ns)

    def _settle(self, call: OpenCall, verdict: Verdict, since_ns: int, *, leaves_out: bool = False) -> None:
        """Go by a verdict, whatever people have made of the call besides; leaves_out: nothing more is recorded."""
        was_decided, call.verdict = call.verdict is not None, verdict
        state = LiveState.LEFT_OUT if leaves_out else call.ruled_state
        # A pause must not outlive what forbids to record: whoever resumes would have the recording go on.
        follows = _RULED | {LiveState.PAUSED} if leaves_out else _RULED
        if call.state in follows and state is not call.state:
            was_silent = call.state in SILENT
            call.go(state, since_ns)
            if was_silent and call.state not in SILENT:
                self._hooks.uncover(self.endpoints_of(call), since_ns)
        if was_decided or verdict != Verdict():  # what is recorded by no rule is recorded after a crash too
            self._hooks.remember(call)
        for other in self.ends.of(call):
            if other is not call:
                other.verdict = None
                self._follow(other, call, since_ns)
        self._have_follow(call, since_ns)

    def _follow(self, call: OpenCall, leader: OpenCall, at_ns: int) -> None:
        """Go by what was decided on the dialog that stands for the call."""
        was_decided = call.verdict is not None
        call.verdict = call.verdict or leader.verdict
        call.demanded, call.discarded = call.demanded or leader.demanded, call.discarded or leader.discarded
        call.stopper = call.stopper or leader.stopper
        call.voicemails = [*leader.voicemails]
        if call.state is not leader.state:
            call.go(leader.state, at_ns)
        elif was_decided:
            return
        if call.verdict != Verdict():
            self._hooks.remember(call)

    def _follow_voicemail(self, call: OpenCall, at_ns: int) -> None:
        """Where its rule has it so, end the recording when a call goes to voicemail, until it comes back."""
        leader, plan = self.calls.get(call.leader, call), self._habits.plan
        if leader.verdict is None or not leader.verdict.stops_at_voicemail or not plan.voicemail_numbers:
            return
        hops = self.hops_of(call)
        spans = find_voicemails([hop.dialog for hop in hops], plan)
        since_ns = spans[-1][0] if spans and not spans[-1][1] else 0
        if bool(since_ns) is leader.is_at_voicemail:
            return
        for hop in hops:
            if since_ns:
                hop.reach_voicemail(since_ns)
            else:
                hop.leave_voicemail(at_ns)
            self._hooks.remember(hop)
        if leader.state in SILENT:
            self._hooks.cover(self.endpoints_of(leader), since_ns or at_ns)
        else:
            self._hooks.uncover(self.endpoints_of(leader), at_ns)

    def _end(self, call: OpenCall) -> None:
        """It is over: what comes to its endpoints a moment later belongs to others."""
        self._hooks.uncover(self._left_by(call), call.dialog.ended_ns + _MARGIN_NS)
        self._hooks.changed(call)
        if (leader := self.calls.get(call.leader)) is not None:
            self._hooks.changed(leader)

    def _follow_header(self, call: OpenCall, message: Request | Response, at_ns: int) -> None:
        """Do what the telephone system says in a header field, once the call has begun; an unknown word is noted."""
        name = self._habits.control_header
        if (word := read_word(message, name, call.dialog, at_ns)) and call.hear_word(name, word, at_ns):
            self._hooks.remember(call)
        if not call.has_begun:
            self._cover_silent(call, at_ns)
        for said_ns, action in call.take_said() if call.has_begun or call.dialog.is_over else ():
            if not call.dialog.is_over or action in _AT_THE_END:
                self.control(self.calls.get(call.leader, call), action, said_ns, by=Stopper.SYSTEM)

    def _follow_info_keys(self, call: OpenCall, at_ns: int) -> None:
        for told in call.dialog.keys[call.keys_followed :]:
            self._obey_keys(call, call.keypads.press(self._habits.keys, told.side, told.key), at_ns)
        call.keys_followed = len(call.dialog.keys)

    def _obey_keys(self, call: OpenCall, action: CallControl | None, at_ns: int) -> None:
        if action is not None:
            self.control(self.calls.get(call.leader, call), action, at_ns, by=Stopper.KEYS)
