"""Which dialogs are legs of one interaction: a transfer ends one of them and begins another.

Source: RFC 5589 (call transfer), RFC 3515 (REFER), RFC 3891 (Replaces), RFC 3911 (Join), RFC 3892 (Referred-By).
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.names import call_id_of
from plugins.pbx_sip.calls.numbers import number_of
from plugins.pbx_sip.sip.address import Address
from plugins.pbx_sip.sip.message import Message, Request
from plugins.pbx_sip.siprec.addresses import is_same_number

_SOON_NS = 60_000_000_000
_AT_ONCE_NS = 5_000_000_000  # as a telephone system does it; whoever dials by hand is slower
_REFERRALS_MAX = 1000


@dataclass(slots=True)
class _Referral:
    """One side of a dialog was sent to a number by the other, `by`; the call that follows is another leg.

    followed_ns: when that began, 0 as long as it has not.
    """

    dialog: Dialog
    by: Side
    target: str
    at_ns: int
    followed_ns: int = 0


class Transfers:
    """Gives dialogs of one interaction the Call-ID of the first of them; dialogs: those that go on."""

    def __init__(self, dialogs: Mapping[str, Dialog]) -> None:
        self._dialogs = dialogs
        self._referrals: deque[_Referral] = deque(maxlen=_REFERRALS_MAX)

    def note(self, dialog: Dialog, request: Message, side: Side, at_ns: int) -> None:
        """Take in a message; a request may begin a transfer, or carry one out. Raises: BadValue."""
        if not isinstance(request, Request):
            return
        if request.method == "REFER":
            referred = request.addresses("Refer-To")
            if referred:
                self._refer(dialog, referred[0], side, at_ns)
        elif request.method == "INVITE":
            for name in ("Replaces", "Join"):
                if value := request.headers.get(name):
                    self._name(dialog, _call_id_of(value), replaces=name == "Replaces")
            if self._referrals and not request.to.tag and not dialog.interaction:
                self._follow(dialog, request, at_ns)

    def _refer(self, dialog: Dialog, target: Address, by: Side, at_ns: int) -> None:
        dialog.referred_to = str(target.spec)
        replaced = next((value for name, value in target.uri.headers if name.lower() == "replaces"), "")
        other = self._dialogs.get(_call_id_of(replaced))
        if other is not None:
            self._link(dialog, other)
        self._referrals.append(_Referral(dialog, by, number_of(target), at_ns))

    def _name(self, dialog: Dialog, call_id: str, *, replaces: bool) -> None:
        if replaces:
            dialog.replaces = call_id
        other = self._dialogs.get(call_id)
        if other is not None and other is not dialog:
            self._link(dialog, other)

    def _follow(self, dialog: Dialog, request: Request, at_ns: int) -> None:
        """A new call to where somebody was sent a moment ago, by whoever was sent or in the name of who sent him.

        It may be seen on several hops, all at once; what comes later is another call.
        """
        called = {number_of(dialog.called), request.target.number or request.target.user}
        referrers = [number_of(each) for each in request.addresses("Referred-By")]
        callers = [number_of(dialog.caller), *referrers]
        for referral in reversed(self._referrals):
            if at_ns - referral.at_ns > _SOON_NS:
                return
            before = referral.dialog
            is_over = referral.followed_ns and at_ns - referral.followed_ns > _AT_ONCE_NS
            is_at_once = at_ns - referral.at_ns <= _AT_ONCE_NS
            sides = tuple(Side) if referrers or is_at_once else (referral.by.other,)
            members = [number for side in sides for number in _numbers_of(before, side)]
            is_wanted = any(is_same_number(referral.target, each) for each in called)
            is_member = any(is_same_number(one, other) for one in callers for other in members)
            if before is not dialog and is_wanted and is_member and not is_over:
                referral.followed_ns = referral.followed_ns or at_ns
                self._link(before, dialog)
                return

    def _link(self, one: Dialog, other: Dialog) -> None:
        first, second = sorted((one, other), key=lambda each: each.first_ns)
        interaction = first.interaction or call_id_of(first.call_id)
        gone = second.interaction or call_id_of(second.call_id)
        for dialog in (first, second, *self._dialogs.values()):
            if dialog is first or dialog is second or dialog.interaction == gone:
                dialog.interaction = interaction


def _call_id_of(value: str) -> str:
    """The Call-ID in a value of Replaces or Join."""
    return value.partition(";")[0].strip()


def _numbers_of(dialog: Dialog, side: Side) -> list[str]:
    """By which numbers a side of a dialog is known."""
    addresses = (dialog.caller if side is Side.CALLER else dialog.called, dialog.identities.get(side))
    return [number for address in addresses if (number := number_of(address))]
