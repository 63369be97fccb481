"""Who a side of a call is as the network says, from its beginning and after somebody else took its place.

Source: RFC 3325 (P-Asserted-Identity), RFC 4916 (From and To may change), RFC 5876 (identity in UPDATE), RFC 7044
(History-Info, also of responses).
"""

from collections.abc import Sequence
from dataclasses import replace

from plugins.pbx_sip.calls.dialog import Dialog, Side, Successor
from plugins.pbx_sip.calls.numbers import number_of
from plugins.pbx_sip.sip.address import Address
from plugins.pbx_sip.sip.message import Message, Request
from plugins.pbx_sip.siprec.addresses import is_number, is_same_number

_FIELDS = ("P-Asserted-Identity", "Remote-Party-ID", "P-Preferred-Identity")
_MOVING = frozenset({"INVITE", "UPDATE"})
_SETTLES_NS, _FORMS_MAX = 1_000_000_000, 20


def note_identity(dialog: Dialog, message: Message, side: Side, at_ns: int) -> None:
    """Take in whom a message names as its sender, and whom it was for at first. Raises: BadValue."""
    if dialog.first_called is None and isinstance(message, Request) and message.method == "INVITE":
        dialog.first_called = _find_first_called(message)
    asserted = next((_choose(found) for name in _FIELDS if (found := message.addresses(name))), None)
    if _is_settling(dialog, side, at_ns):
        if asserted is not None:
            _learn(dialog, side, asserted, is_answer=at_ns == dialog.answered_ns)
        return
    moved = message.sender if isinstance(message, Request) and message.method in _MOVING else None
    if asserted is None and moved is None:
        return
    # From mostly stays as it was even where somebody else speaks: only another one than ever says something.
    is_known = moved is None or any(is_same_number(number_of(moved), each) for each in _all_numbers(dialog, side))
    now = asserted or (None if is_known else moved)
    number = number_of(now)
    if now is not None and number and not any(is_same_number(number, each) for each in _numbers(dialog, side)):
        dialog.succeed(Successor(at_ns=at_ns, side=side, address=now))
        dialog.known_as[side, len(dialog.successors)] = {number}


def _choose(addresses: Sequence[Address]) -> Address:
    """Of several that mean the same one the first that is a number, under whichever name is told."""
    chosen = next((each for each in addresses if is_number(number_of(each))), addresses[0])
    return replace(chosen, display=chosen.display or next((each.display for each in addresses if each.display), ""))


def note_target(dialog: Dialog, message: Message, side: Side, at_ns: int) -> None:
    """Take in where a call is sent to and where it arrives, which To need not tell. Raises: BadValue."""
    if isinstance(message, Request):
        if message.method == "INVITE" and not message.to.tag:
            dialog.target = Address(message.uri)
    elif side is Side.CALLED and dialog.answered_ns in {0, at_ns}:
        passed = message.addresses("History-Info")
        dialog.reached = passed[-1] if len(passed) > 1 else dialog.reached


def _is_settling(dialog: Dialog, side: Side, at_ns: int) -> bool:
    """Whether it is just being told who speaks: other hops tell it a moment later, each in its own form."""
    since_ns = max((each.at_ns for each in dialog.successors if each.side is side), default=dialog.answered_ns)
    return not since_ns or at_ns <= since_ns + _SETTLES_NS


def _learn(dialog: Dialog, side: Side, address: Address, *, is_answer: bool) -> None:
    """Take in a form of the number of whoever speaks; who answers may be another one than was rung at first."""
    numbers, number = _numbers(dialog, side), number_of(address)
    is_new = bool(number) and number not in numbers and not any(is_same_number(number, each) for each in numbers)
    is_first = all(each.side is not side for each in dialog.successors)
    if (is_first and side not in dialog.identities) or (is_answer and is_new):
        dialog.identities[side] = address
    if number and len(numbers) < _FORMS_MAX:
        numbers.add(number)


def _find_first_called(invite: Request) -> Address | None:
    """Who was called before the call was diverted: the last that Diversion names, the first of History-Info.

    Source: RFC 5806, RFC 7044.
    """
    diverted, passed = invite.addresses("Diversion"), invite.addresses("History-Info")
    return diverted[-1] if diverted else passed[0] if len(passed) > 1 else None


def _numbers(dialog: Dialog, side: Side) -> set[str]:
    """The forms of the number of whoever speaks for a side now."""
    place = max((place for place, each in enumerate(dialog.successors, start=1) if each.side is side), default=0)
    if (side, place) not in dialog.known_as:
        said = dialog.caller if side is Side.CALLER else dialog.called
        dialog.known_as[side, place] = {number_of(said)} - {""}
    return dialog.known_as[side, place]


def _all_numbers(dialog: Dialog, side: Side) -> set[str]:
    """The forms of the numbers of everybody who ever spoke for a side."""
    every: list[set[str]] = [numbers for (whose, _), numbers in dialog.known_as.items() if whose is side]
    return set().union(*every, _numbers(dialog, side))
