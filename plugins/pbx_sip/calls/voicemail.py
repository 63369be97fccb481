"""When a call was at voicemail: whoever is called, or is connected later, is one of those that the number plan names.

Who calls is not: a voicemail calls back, and who is of the company dials it to fetch messages. From outside, whoever
fetches them looks like whoever leaves one.
Source: RFC 3325 and RFC 4916 (who is connected), RFC 7044 (History-Info), RFC 7865 section 6.6 (who was there when).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from hub.sdk import Role
from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.numbers import NumberPlan, name_of, number_of
from plugins.pbx_sip.calls.people import find_person
from plugins.pbx_sip.sip.address import Address
from plugins.pbx_sip.siprec.facts import Party

_ALWAYS_NS = 1 << 62
_TOLD_NS = 5_000_000_000

Span = tuple[int, int]
_Turn = tuple[int, bool]


def find_voicemails(dialogs: Sequence[Dialog], plan: NumberPlan) -> tuple[Span, ...]:
    """When a call was at voicemail; dialogs: of all its hops, the leading one first.

    Returns: (from, until) in ns since 1970, in order; until is 0 where it is there still.
    """
    if not plan.voicemail_numbers:
        return ()
    spans: list[Span] = []
    for dialog in dialogs:
        if dialog.session is None:
            turns = _follow_call(dialog, plan, is_own=_is_dialled(dialogs[0], plan))
        else:
            turns = _follow_session(dialog.first_ns, dialog.session.describe().parties, plan)
        spans += [(since_ns, until_ns or dialog.ended_ns) for since_ns, until_ns in _join_turns(turns)]
    return _join_spans(spans)


def _follow_call(dialog: Dialog, plan: NumberPlan, *, is_own: bool) -> Iterator[_Turn]:
    """From when on each is true: that one of the sides is the voicemail; is_own: one of us has dialled it."""
    is_there = {Side.CALLER: False, Side.CALLED: _has_answered(dialog, plan) and not is_own}
    yield dialog.first_ns, is_there[Side.CALLED]
    for each in dialog.successors:
        is_there[each.side] = _is_voicemail(each.address, plan)
        yield each.at_ns, any(is_there.values())


def _has_answered(dialog: Dialog, plan: NumberPlan) -> bool:
    """Whether the voicemail took the call: as the answer says where it went, else who answers, else who was called."""
    if dialog.reached is not None:
        return _is_voicemail(dialog.reached, plan)
    if (asserted := dialog.identities.get(Side.CALLED)) is not None:
        return _is_voicemail(asserted, plan)
    return _is_voicemail(dialog.called, plan) or _is_voicemail(dialog.target, plan)


def _is_dialled(dialog: Dialog, plan: NumberPlan) -> bool:
    """Whether one of us has dialled the voicemail, and was not sent or diverted there."""
    is_sent = dialog.interaction not in {"", dialog.call_id}
    is_ours = plan.is_internal(find_person(dialog, Side.CALLER, plan).number)
    return is_ours and not is_sent and _is_voicemail(dialog.first_called or dialog.called, plan)


def _is_voicemail(address: Address | None, plan: NumberPlan) -> bool:
    return plan.is_voicemail(number_of(address), name_of(address))


def _follow_session(first_ns: int, parties: Sequence[Party], plan: NumberPlan) -> Iterator[_Turn]:
    """From when on each is true: that those who remain in a recorded call are at voicemail."""
    voicemails = [party for party in parties if plan.is_voicemail(party.number, party.name)]
    if not voicemails:
        return
    people = [party for party in parties if party not in voicemails]
    moments = {_ns(at) for party in parties for at in (party.joined_at, party.left_at) if at is not None}
    for at_ns in sorted(moments):
        came = [party for party in people if _ns(party.joined_at) <= at_ns]
        there = [party for party in voicemails if _is_there(party, at_ns)]
        if len(came) > 1:
            yield at_ns, bool(there) and _are_left(there, [party for party in came if _is_there(party, at_ns)])
        elif there and not _is_own(there, came, plan):
            # Metadata may tell of both a moment apart; later, somebody was there of whom it did not tell.
            yield min(first_ns, at_ns) if at_ns < first_ns + _TOLD_NS else at_ns, True
        else:
            yield at_ns, False


def _is_own(voicemails: Iterable[Party], people: Iterable[Party], plan: NumberPlan) -> bool:
    """Whether the voicemail has called, or was dialled by one of us, the only one so far."""
    has_called = any(party.role is Role.CALLER for party in voicemails)
    return has_called or all(plan.is_internal(party.number) for party in people)


def _are_left(voicemails: Iterable[Party], people: Sequence[Party]) -> bool:
    """Whether one is left with the voicemail; where nobody is said to have left, whoever came last is connected."""
    latest_ns = max((_ns(party.joined_at) for party in people), default=0)
    return len(people) < 2 or any(_ns(party.joined_at) >= latest_ns for party in voicemails)


def _is_there(party: Party, at_ns: int) -> bool:
    left_ns = _ALWAYS_NS if party.left_at is None else _ns(party.left_at)
    return _ns(party.joined_at) <= at_ns < left_ns


def _ns(at: datetime | None) -> int:
    """In ns since 1970; 0 for who was there from the beginning."""
    return 0 if at is None else round(at.timestamp() * 1e6) * 1000


def _join_turns(turns: Iterable[_Turn]) -> list[Span]:
    spans: list[Span] = []
    for at_ns, is_there in turns:
        is_open = bool(spans) and not spans[-1][1]
        if is_there and not is_open:
            spans.append((at_ns, 0))
        elif is_open and not is_there:
            spans[-1] = (spans[-1][0], at_ns)
    return spans


def _join_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Those of all hops, where they overlap as one."""
    joined: list[Span] = []
    for since_ns, until_ns in sorted(spans):
        if joined and (not joined[-1][1] or since_ns <= joined[-1][1]):
            last_ns = joined[-1][1] and until_ns and max(joined[-1][1], until_ns)
            joined[-1] = (joined[-1][0], last_ns)
        else:
            joined.append((since_ns, until_ns))
    return tuple(joined)
