"""A call that goes on, with what was decided on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.sdk import CallOutline, Direction, LiveCall, LiveState, Party, Recorded, Role, Verdict
from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.numbers import NumberPlan, name_of, number_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SILENT = frozenset({LiveState.PAUSED, LiveState.STOPPED, LiveState.LEFT_OUT})
_ACCOUNT_HEADERS = ("X-Account-Code", "X-Account")
_LIST_MAX = 20


def moment(at_ns: int) -> datetime:
    """A time in ns since 1970, as aware UTC."""
    return _EPOCH + timedelta(microseconds=at_ns // 1000)


@dataclass(slots=True, kw_only=True)
class OpenCall:
    """One dialog that is signalled, and what becomes of it.

    messages: (ns since 1970, content), kept for the making of its recording. verdict: None until it was decided.
    pauses: spans of which nothing is kept, ns since 1970; the last one may be open, 0 in place of its end.
    resumes_ns: when the pause ends by itself, 0 if it does not. demanded: somebody asked for its recording.
    leader: Call-ID of the hop that stands for the call, "" if this one does. was_unknown: no number was known when it
    was decided. keys_followed: how many of the keys that INFO told of were looked at.
    """

    dialog: Dialog
    messages: list[tuple[int, bytes]] = field(default_factory=list)
    verdict: Verdict | None = None
    state: LiveState = LiveState.RECORDING
    pauses: list[tuple[int, int]] = field(default_factory=list)
    resumes_ns: int = 0
    demanded: bool = False
    discarded: bool = False
    leader: str = ""
    was_unknown: bool = False
    keys_followed: int = 0

    @property
    def id(self) -> str:
        """Its Call-ID."""
        return self.dialog.call_id

    @property
    def began_ns(self) -> int:
        """When the conversation began, or else the call."""
        return self.dialog.answered_ns or self.dialog.first_ns

    @property
    def is_wanted(self) -> bool:
        """Whether its recording is to be made."""
        recorded = (self.verdict or Verdict()).recorded
        return not self.discarded and (recorded is Recorded.YES or (recorded is Recorded.ON_DEMAND and self.demanded))

    def go(self, state: LiveState, at_ns: int) -> None:
        """Enter a state; what is silent in it is noted as a pause."""
        was_silent, is_silent = self.state in SILENT, state in SILENT
        if is_silent and not was_silent:
            self.pauses.append((at_ns, 0))
        elif was_silent and not is_silent and self.pauses and not self.pauses[-1][1]:
            self.pauses[-1] = (self.pauses[-1][0], at_ns)
        self.state = state
        if state is not LiveState.PAUSED:
            self.resumes_ns = 0

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
            },
            "state": self.state.value,
            "pauses": self.pauses,
            "resumes_ns": self.resumes_ns,
            "demanded": self.demanded,
            "discarded": self.discarded,
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Take up what was decided before a crash."""
        verdict = memory["verdict"]
        self.verdict = verdict and Verdict(**verdict | {"recorded": Recorded(verdict["recorded"])})
        self.state = LiveState(memory["state"])
        self.pauses = [(first, last) for first, last in memory["pauses"]]
        self.resumes_ns = memory["resumes_ns"]
        self.demanded, self.discarded = memory["demanded"], memory["discarded"]


def find_parties(dialog: Dialog, plan: NumberPlan) -> tuple[Party, ...]:
    """Who takes part, as far as it is known now."""
    if dialog.session is not None:
        facts = dialog.session.describe()
        return tuple(
            Party(number=party.number or party.aor, name=party.name, role=party.role)
            for party in facts.parties[:_LIST_MAX]
            if party.number or party.aor or party.name
        )
    called = plan.without_line(number_of(dialog.called))
    people = (
        Party(number=number_of(dialog.caller), name=name_of(dialog.caller), role=Role.CALLER),
        Party(number=called, name=name_of(dialog.called), role=Role.CALLED),
    )
    return tuple(party for party in people if party.number or party.name)


def find_direction(dialog: Dialog, parties: tuple[Party, ...], plan: NumberPlan) -> Direction:
    """Which way the call goes."""
    if dialog.session is not None and (said := dialog.session.describe().direction) is not Direction.UNKNOWN:
        return said
    return plan.direction(_number(parties, Role.CALLER), _number(parties, Role.CALLED))


def outline(call: OpenCall, plan: NumberPlan) -> CallOutline:
    """The call as the recording rules look at it."""
    dialog = call.dialog
    parties = find_parties(dialog, plan)
    direction = find_direction(dialog, parties, plan)
    caller, called = _number(parties, Role.CALLER), _number(parties, Role.CALLED)
    headers = {name.lower(): value for name, value in dialog.headers.items()}
    return CallOutline(
        started_at=moment(call.began_ns),
        direction=direction,
        caller=caller,
        called=called,
        numbers=tuple(party.number for party in parties if party.number not in {caller, called}),
        users=tuple(party.number for party in parties if plan.is_internal(party.number)),
        route=called if direction is Direction.INCOMING else "",
        account_code=next((headers[name.lower()] for name in _ACCOUNT_HEADERS if name.lower() in headers), ""),
    )


def show(call: OpenCall, plan: NumberPlan) -> LiveCall:
    """The call as people see it while it goes on."""
    parties = find_parties(call.dialog, plan)
    return LiveCall(
        id=call.id,
        started_at=moment(call.began_ns),
        state=call.state,
        parties=parties,
        direction=find_direction(call.dialog, parties, plan),
        call_id=call.id,
        resumes_at=moment(call.resumes_ns) if call.resumes_ns else None,
        rule=call.verdict.rule if call.verdict else "",
        can_listen=call.state not in SILENT,
    )


def _number(parties: tuple[Party, ...], role: Role) -> str:
    return next((party.number for party in parties if party.role is role), "")
