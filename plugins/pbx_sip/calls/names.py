"""By what dialogs are known that share a Call-ID: border controllers and PBXs may keep it, even with the tags.

The first one is known by its Call-ID, any other by a number as well. What a proxy passes on with its media as it was is
the same dialog; with other media it is another hop, as it is where a PBX gives it another Call-ID.
"""

from collections.abc import Callable, Mapping

from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.marks import Transaction, transaction_of
from plugins.pbx_sip.sip.message import Message, Request

_HOPS_MAX = 16
PART = ";session="
_HOP = ";hop="  # no Call-ID has a semicolon: RFC 3261 section 25.1


def call_id_of(name: str) -> str:
    """The Call-ID of a dialog, from what it or one of several calls in it is known by."""
    whole = name.partition(PART)[0]
    return whole.rpartition(_HOP)[0] or whole


def find_name(message: Message, dialogs: Mapping[str, Dialog], endpoints_in: Callable[[Message], set[int]]) -> str:
    """The name of the dialog that a message belongs to, of those that go on, or of one that it begins.

    endpoints_in: where a message asks for media. Raises: BadValue.
    """
    call_id = message.call_id
    names = [call_id, *(f"{call_id}{_HOP}{number}" for number in range(2, _HOPS_MAX + 1))]
    known = [dialogs[name] for name in names if name in dialogs]
    if not known:
        return call_id
    transaction = transaction_of(message)
    found = next((each for each in known if transaction in each.marks.transactions), None)
    if found is None and _begins(message):
        found = _find_passed_on(transaction, known, endpoints_in(message))
    elif found is None:
        found = _find_within(message, transaction, known, endpoints_in)
    if found is None:
        return next((name for name in names if name not in dialogs), known[-1].call_id)
    return found.call_id


def _begins(message: Message) -> bool:
    return isinstance(message, Request) and message.method == "INVITE" and not message.to.tag


def _find_passed_on(transaction: Transaction, known: list[Dialog], endpoints: set[int]) -> Dialog | None:
    """The dialog of an INVITE that begins one and was seen before, on the way to a proxy, or was refused then."""
    for dialog in known:
        mine = {each.endpoint for each in dialog.listenings if each.side is Side.CALLER}
        is_over = dialog.is_over and bool(dialog.answered_ns)
        was_overtaken = dialog.target is None and dialog.marks.has_number(transaction)  # by its ACK, on another way
        if transaction.tag in dialog.caller_tags and not is_over and (mine & endpoints or was_overtaken):
            return dialog
    for dialog in known:
        is_refused = dialog.status >= 300 and not dialog.answered_ns
        asked_before = any(sent_by == transaction.sent_by for _, sent_by in dialog.marks.senders)
        if is_refused and (asked_before or transaction.tag in dialog.caller_tags):
            return dialog
    return None


def _find_within(
    message: Message, transaction: Transaction, known: list[Dialog], endpoints_in: Callable[[Message], set[int]]
) -> Dialog | None:
    """The dialog of any other message: by its tags, and where several have the same, by media and by who asks."""
    tags = {transaction.tag, message.to.tag} - {""}
    most = max(len(tags & each.marks.tags) for each in known)
    if tags and not most and all(each.marks.tags for each in known):
        return None
    alike = [each for each in known if len(tags & each.marks.tags) == most]
    if len(alike) == 1:
        return alike[0]
    endpoints = endpoints_in(message)
    return max(
        alike,
        key=lambda each: (
            any(listening.endpoint in endpoints for listening in each.listenings),
            each.marks.rate_sender(transaction),
            not each.marks.has_number(transaction),
        ),
    )
