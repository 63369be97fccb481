"""A call that goes on, with what was decided on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.sdk import (
    DISCARDED,
    SILENT_SINCE,
    STATE_BY,
    STATE_SINCE,
    CallControl,
    CallOutline,
    LiveCall,
    LiveState,
    Recorded,
    Verdict,
)
from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.moments import moment
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.outline import find_direction, find_parties
from plugins.pbx_sip.calls.parts import split_dialog
from plugins.pbx_sip.calls.stopper import Stopper
from plugins.pbx_sip.engine.keypads import Keypads

_HARDLY_NS = 1_000_000_000
_SAID_MAX = 100
_UNHEEDED_MAX, _UNHEEDED_LENGTH_MAX = 10, 100
SILENT = frozenset({LiveState.PAUSED, LiveState.STOPPED, LiveState.LEFT_OUT})


@dataclass(slots=True, kw_only=True)
class OpenCall:
    """One dialog that is signalled, and what becomes of it.

    messages: (ns since 1970, content), kept for the making of its recording. verdict: None until it was decided.
    pauses: spans of which nothing is kept, ns since 1970; the last one may be open, 0 in place of its end. voicemails:
    likewise, when it was at voicemail, as far as its rule stops there.
    resumes_ns: when the pause ends by itself, 0 if it does not. demanded: somebody asked for its recording. stopper:
    who stopped or discarded it. pauser: who paused it last.
    leader: Call-ID of the hop that stands for the call, "" if this one does. decided_on: what was known of it when it
    was decided last, without its beginning. keypads: what its parties pressed. keys_followed: how many of the keys
    that INFO told of were looked at. interaction: that of its dialog, as far as it was remembered.
    heard_ns: when media of it came last, as far as was looked; asked_ns: when its client was asked last whether it
    still knows the call, 0 for never. silent_since_ns: as people are shown, 0 while something is heard. lost_ns: of
    the last sign of life, where the client no longer knew it or was gone; what was said after that is no part of it.
    waits_ns: until then it is not finished, as what may be a hop of it is just over. unheeded: what the telephone
    system said in the header field that steers and nobody understood, (ns since 1970, the field). said: what it asked
    for there before the call began, (ns since 1970, what), which is done when it begins. forbidden: of several calls
    in one recording session those that a rule forbids to record, by their names, and the rules.
    """

    dialog: Dialog
    messages: list[tuple[int, bytes]] = field(default_factory=list)
    verdict: Verdict | None = None
    state: LiveState = LiveState.RECORDING
    pauses: list[tuple[int, int]] = field(default_factory=list)
    voicemails: list[tuple[int, int]] = field(default_factory=list)
    resumes_ns: int = 0
    demanded: bool = False
    discarded: bool = False
    stopper: Stopper = Stopper.NOBODY
    pauser: Stopper = Stopper.NOBODY
    leader: str = ""
    decided_on: CallOutline | None = None
    keypads: Keypads = field(default_factory=Keypads)
    keys_followed: int = 0
    interaction: str = ""
    heard_ns: int = 0
    asked_ns: int = 0
    lost_ns: int = 0
    waits_ns: int = 0
    silent_since_ns: int = 0
    unheeded: list[tuple[int, str]] = field(default_factory=list)
    said: list[tuple[int, CallControl]] = field(default_factory=list)
    forbidden: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its Call-ID."""
        return self.dialog.call_id

    @property
    def last_sign_ns(self) -> int:
        """When it was last heard of, by media or by a message."""
        return max(self.heard_ns, self.dialog.said_ns)

    @property
    def over_ns(self) -> int:
        """When it ended, or was last heard of where nobody told of its end."""
        return self.lost_ns or self.dialog.ended_ns or self.dialog.last_ns

    @property
    def told(self) -> list[tuple[int, bytes]]:
        """The messages that are part of it."""
        return [each for each in self.messages if not self.lost_ns or each[0] <= self.lost_ns]

    @property
    def began_ns(self) -> int:
        """When the conversation began, or else the call."""
        return self.dialog.answered_ns or self.dialog.first_ns

    @property
    def has_begun(self) -> bool:
        """Whether it was answered, or carries the recording of a call, which is answered already."""
        return bool(self.dialog.answered_ns) or self.dialog.session is not None

    @property
    def forbidden_ends(self) -> set[int]:
        """Where media of the calls in it arrives that may not be recorded."""
        parts = split_dialog(self.dialog) if self.forbidden else ()
        return {each.endpoint for part in parts if part.call_id in self.forbidden for each in part.arrivals}

    @property
    def hushed_ns(self) -> int:
        """Since when nothing of a call that has not begun may be kept; 0 if it may."""
        since_ns = 0
        for at_ns, action in self.said:
            if action is CallControl.RESUME:
                since_ns = 0
            elif action is not CallControl.KEEP:
                since_ns = since_ns or at_ns
        return since_ns

    @property
    def is_wanted(self) -> bool:
        """Whether its recording is to be made."""
        recorded = (self.verdict or Verdict()).recorded
        is_asked = recorded is Recorded.YES or (recorded is Recorded.ON_DEMAND and self.demanded)
        return is_asked and not self.discarded and not self.is_left_to_voicemail

    @property
    def is_at_voicemail(self) -> bool:
        """Whether its recording has stopped because it went to voicemail."""
        stops = self.verdict is not None and self.verdict.stops_at_voicemail
        return stops and bool(self.voicemails) and not self.voicemails[-1][1]

    @property
    def is_left_to_voicemail(self) -> bool:
        """Whether it went to voicemail at once and stayed there."""
        return self.is_at_voicemail and self.voicemails[-1][0] < self.began_ns + _HARDLY_NS

    @property
    def ruled_state(self) -> LiveState:
        """What it is in where nobody has paused or stopped it."""
        recorded = (self.verdict or Verdict()).recorded
        if recorded is Recorded.NO or self.is_at_voicemail:
            return LiveState.LEFT_OUT
        is_waiting = recorded is Recorded.ON_DEMAND and not self.demanded
        return LiveState.WAITING if is_waiting else LiveState.RECORDING

    def go(self, state: LiveState, at_ns: int) -> None:
        """Enter a state; what is silent in it is noted as a pause."""
        was_silent, is_silent = self.state in SILENT, state in SILENT
        ends_here = state is LiveState.STOPPED and self.state is LiveState.PAUSED
        if was_silent and (ends_here or not is_silent) and self.pauses and not self.pauses[-1][1]:
            self.pauses[-1] = (self.pauses[-1][0], at_ns)
        if is_silent and (ends_here or not was_silent):
            self.pauses.append((at_ns, 0))
        self.state = state
        if state is not LiveState.PAUSED:
            self.resumes_ns = 0

    def obey(self, action: CallControl, at_ns: int, by: Stopper = Stopper.PERSON) -> None:
        """Do what somebody asks for."""
        if action in {CallControl.STOP, CallControl.DISCARD}:
            self.stopper = by
        match action:
            case CallControl.PAUSE:
                self.pauser = by
                self.go(LiveState.PAUSED, at_ns)
            case CallControl.RESUME:
                self.go(self.ruled_state, at_ns)
            case CallControl.STOP:
                self.go(LiveState.STOPPED, at_ns)
            case CallControl.KEEP:
                self.demanded = True
                if self.state is LiveState.WAITING:
                    self.go(LiveState.RECORDING, at_ns)
            case CallControl.DISCARD:
                self.discarded = True
                self.go(LiveState.STOPPED, at_ns)

    def hear_word(self, name: str, word: str, at_ns: int) -> bool:
        """Note what the telephone system says in the header field of a name; whether that is to be remembered."""
        if word not in set(CallControl):
            self.note_unheeded(at_ns, f"{name}: {word}")
        elif len(self.said) < _SAID_MAX:
            self.said.append((at_ns, CallControl(word)))
        return bool(word)

    def take_said(self) -> list[tuple[int, CallControl]]:
        """What is to be done by now, as the call has begun."""
        said, self.said = self.said, []
        return [(max(at_ns, self.began_ns), action) for at_ns, action in said]

    def note_unheeded(self, at_ns: int, said: str) -> None:
        """Keep what was asked for in words that mean nothing here; the same counts once."""
        said = said[:_UNHEEDED_LENGTH_MAX]
        if len(self.unheeded) < _UNHEEDED_MAX and all(said != other for _, other in self.unheeded):
            self.unheeded.append((at_ns, said))

    def reach_voicemail(self, at_ns: int) -> None:
        """It went to voicemail; a pause that somebody has made of it goes on."""
        self.voicemails.append((at_ns, 0))
        if self.state not in SILENT:
            self.go(LiveState.LEFT_OUT, at_ns)

    def leave_voicemail(self, at_ns: int) -> None:
        """Somebody else was connected."""
        if self.voicemails:
            self.voicemails[-1] = (self.voicemails[-1][0], at_ns)
        if self.state is LiveState.LEFT_OUT:
            self.go(self.ruled_state, at_ns)

    @property
    def stopped_ns(self) -> int:
        """When its recording was ended before the call, 0 if it was not."""
        if self.state is LiveState.STOPPED and self.pauses:
            return self.pauses[-1][0]
        return self.voicemails[-1][0] if self.is_at_voicemail else 0

    def is_paused_throughout(self, ended_ns: int) -> bool:
        """Whether hardly any of the call was to be recorded."""
        paused_ns = sum(last - max(first, self.began_ns) for first, last in self.closed_pauses(ended_ns))
        return bool(self.pauses) and paused_ns > ended_ns - self.began_ns - _HARDLY_NS

    def closed_pauses(self, ended_ns: int) -> tuple[tuple[int, int], ...]:
        """The pauses, of which one that never ended goes to the end of the call."""
        return tuple((first, last or max(ended_ns, first)) for first, last in self.pauses)

    def memory(self) -> dict[str, Any]:
        """What was decided, as JSON values, to be found again after a crash."""
        verdict = self.verdict
        return {
            "verdict": None
            if verdict is None
            else {
                "recorded": verdict.recorded.value,
                "rule": verdict.rule,
                "is_mandatory": verdict.is_mandatory,
                "longest_s": verdict.longest_s,
                "keeps_keys": verdict.keeps_keys,
                "masks_keys": verdict.masks_keys,
                "stops_at_voicemail": verdict.stops_at_voicemail,
            },
            "state": self.state.value,
            "pauses": self.pauses,
            "voicemails": self.voicemails,
            "resumes_ns": self.resumes_ns,
            "demanded": self.demanded,
            "discarded": self.discarded,
            "stopper": self.stopper.value,
            "pauser": self.pauser.value,
            "interaction": self.dialog.interaction,
            "lost_ns": self.lost_ns,
            "unheeded": self.unheeded,
            "said": self.said,
            "forbidden": self.forbidden,
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Take up what was decided before a crash."""
        verdict = memory["verdict"]
        self.verdict = verdict and Verdict(**verdict | {"recorded": Recorded(verdict["recorded"])})
        self.state = LiveState(memory["state"])
        self.pauses = [(first, last) for first, last in memory["pauses"]]
        self.voicemails = [(first, last) for first, last in memory.get("voicemails", ())]
        self.resumes_ns = memory["resumes_ns"]
        self.demanded, self.discarded = memory["demanded"], memory["discarded"]
        self.stopper = Stopper(memory.get("stopper", ""))
        self.pauser = Stopper(memory.get("pauser", ""))
        self.lost_ns = memory.get("lost_ns", 0)
        self.unheeded = [(at_ns, said) for at_ns, said in memory.get("unheeded", ())]
        self.said = [(at_ns, CallControl(action)) for at_ns, action in memory.get("said", ())]
        self.forbidden = dict(memory.get("forbidden", {}))
        self.dialog.interaction = self.dialog.interaction or memory.get("interaction", "")


def show(call: OpenCall, plan: NumberPlan) -> LiveCall:
    """The call as people see it while it goes on."""
    parties = find_parties(call.dialog, plan)
    return LiveCall(
        id=call.id,
        started_at=moment(call.began_ns),
        state=call.state,
        parties=parties,
        direction=find_direction(call.dialog, parties, plan),
        call_id=call.dialog.interaction or call.id,
        resumes_at=moment(call.resumes_ns) if call.resumes_ns else None,
        rule=call.verdict.rule if call.verdict else "",
        can_listen=call.state not in SILENT,
        fields=_fields(call),
    )


def _fields(call: OpenCall) -> dict[str, str]:
    fields = {SILENT_SINCE: moment(call.silent_since_ns).isoformat()} if call.silent_since_ns else {}
    if call.state in {LiveState.PAUSED, LiveState.STOPPED} and call.pauses:
        fields[STATE_SINCE] = moment(call.pauses[-1][0]).isoformat()
        fields[STATE_BY] = (call.pauser if call.state is LiveState.PAUSED else call.stopper).value
    if call.state is LiveState.STOPPED and call.discarded:
        fields[DISCARDED] = "yes"
    return fields
