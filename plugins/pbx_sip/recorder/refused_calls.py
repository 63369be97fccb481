"""Calls of known clients that were refused: each stands in the account of calls without a recording, once."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from hub.sdk import Absence, BadRecording, PluginContext, Recorded, RetryLater
from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.outline import describe_outline
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.calls.voices import LOCKS
from plugins.pbx_sip.drafts.absence import describe_absence, describe_left_out
from plugins.pbx_sip.engine.habits import Habits
from plugins.pbx_sip.engine.tally import Tally
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.recorder.offers import find_codings
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.message import Request

GRACE_S = 5.0
WAITING_MAX = 2000
TOLD_MAX = 10_000
_LOOK_S = 1.0
_LAST_S = 2.0
_SENTENCES = {
    "refused": "The recorder refused it: {why}.",
    "undecoded": "The recorder refused it: its media is in {codings}, which cannot be decoded.",
    "SRTP": "The recorder refused it: its media is encrypted, and no key is known that opens it.",
    "DTLS-SRTP": "The recorder refused it: its media is encrypted with keys that its ends agreed on by themselves "
    "(DTLS-SRTP) and nobody else can know.",
}


@dataclass(frozen=True, slots=True)
class _Refused:
    at_s: float
    at_ns: int
    invite: Request
    text: str


class RefusedCalls:
    """A client may try a refused call again at once with what was missing; only what is not taken then is told.

    overflowed: how many calls are not told, because more were refused than could be.
    """

    def __init__(
        self, ctx: PluginContext, habits: Habits, tally: Tally, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.overflowed = 0
        self._ctx = ctx
        self._habits = habits
        self._tally = tally
        self._clock = clock
        self._waiting: OrderedDict[str, _Refused] = OrderedDict()
        self._told: OrderedDict[str, None] = OrderedDict()

    def note(self, refusal: BadRequest) -> None:
        """A call was refused, perhaps once more."""
        invite = refusal.request
        if invite.call_id in self._told or invite.call_id in self._waiting:
            return
        if len(self._waiting) >= WAITING_MAX:
            self.overflowed += 1
            return
        self._waiting[invite.call_id] = _Refused(self._clock(), time.time_ns(), invite, _describe(refusal))

    def forget(self, call_id: str) -> None:
        """A call was taken after all."""
        self._waiting.pop(call_id, None)

    async def run(self) -> None:
        """Tell of them until cancelled, and then of those that are left."""
        try:
            while True:
                await asyncio.sleep(_LOOK_S)
                await self.tell(self._clock() - GRACE_S)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_S):
                    await self.tell(self._clock())

    async def tell(self, before_s: float) -> None:
        """Tell of the calls that were refused up to a moment; what the hub cannot take now waits."""
        if self.overflowed:
            self._ctx.log.error("refused.not_told", calls=self.overflowed)
            self.overflowed = 0
        due = [(call_id, refused) for call_id, refused in self._waiting.items() if refused.at_s <= before_s]
        for call_id, refused in due:
            try:
                await self._tell(refused)
            except RetryLater as error:
                self._ctx.log.warning("call.postponed", reason=str(error))
                return
            except BadRecording as error:
                self._ctx.log.warning("call.refused", call_ids=[call_id], reason=str(error))
            self._waiting.pop(call_id, None)
            self._told[call_id] = None
            if len(self._told) > TOLD_MAX:
                self._told.popitem(last=False)

    async def _tell(self, refused: _Refused) -> None:
        """Raises: RetryLater; BadRecording."""
        invite, at_ns, plan = refused.invite, refused.at_ns, self._habits.plan
        dialog = Signalling(Endpoints(), self._habits.headers).add(invite, at_ns)
        dialog = dialog or Dialog(call_id=invite.call_id, first_ns=at_ns, last_ns=at_ns)
        verdict = self._ctx.decide(describe_outline(dialog, plan))
        why, text = Absence.REFUSED, refused.text
        if verdict.recorded is Recorded.NO:
            why, text = Absence.LEFT_OUT, describe_left_out(verdict.rule)
        await self._ctx.submit_absence(describe_absence(dialog, plan, why, text, verdict.rule))
        self._tally.absent += 1


def _describe(refusal: BadRequest) -> str:
    """Why a call was refused, in words."""
    codings = find_codings(refusal)
    if lock := next((coding for coding in codings if coding in LOCKS), ""):
        return _SENTENCES[lock]
    if codings:
        return _SENTENCES["undecoded"].format(codings=", ".join(codings))
    return _SENTENCES["refused"].format(why=f"{refusal.status} {refusal.reason}")
