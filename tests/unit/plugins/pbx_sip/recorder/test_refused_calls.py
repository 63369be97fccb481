"""Calls that were refused stand in the account of calls without a recording."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from hub.sdk import Absence, Recorded, Verdict
from hub.testing import FakeContext
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.engine.habits import Habits
from plugins.pbx_sip.engine.tally import Tally
from plugins.pbx_sip.recorder import refused_calls
from plugins.pbx_sip.recorder.refused_calls import GRACE_S, RefusedCalls
from plugins.pbx_sip.sip.errors import BadRequest
from tests.doubles.sip_text import request, sdp

PLACE = "192.0.2.1"


class Account:
    """Refused calls at a time that a test sets."""

    def __init__(self, folder: Path) -> None:
        self.ctx, self.tally, self.now_s = FakeContext(folder), Tally(), 100.0
        self.calls = RefusedCalls(self.ctx, Habits(plan=NumberPlan()), self.tally, lambda: self.now_s)

    def refuse(self, call_id: str, status: int = 503, reason: str = "Too Many Calls") -> None:
        invite = request("INVITE", call_id=call_id, body=sdp(PLACE, 4000))
        self.calls.note(BadRequest(status, reason, invite))

    def decline(self, *lines: str) -> None:
        """Refuse a call whose offer has these lines."""
        body = "\r\n".join([sdp(PLACE).rstrip(), *lines, ""])
        self.calls.note(BadRequest(488, "Not Acceptable Here", request("INVITE", body=body)))

    def tell(self, after_s: float = GRACE_S) -> list[tuple[Absence, str]]:
        self.now_s += after_s
        asyncio.run(self.calls.tell(self.now_s - GRACE_S))
        return [(absence.why, absence.text) for absence in self.ctx.absences.values()]


def test_a_refused_call_is_told_once_with_its_parties_and_the_reason(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.refuse("c1")
    account.refuse("c1")
    assert account.tell(1.0) == []
    assert account.tell() == [(Absence.REFUSED, "The recorder refused it: 503 Too Many Calls.")]
    account.refuse("c1")
    assert len(account.tell()) == account.tally.absent == 1
    [absence] = account.ctx.absences.values()
    assert (absence.is_missing, absence.call_id) == (True, "c1")
    assert len(absence.parties) == 2


EVS = ("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 EVS/16000")
SILK = ("m=audio 4002 RTP/AVP 98", "a=rtpmap:98 SILK/16000")
F8 = ("m=audio 4000 RTP/SAVP 0", f"a=crypto:1 F8_128_HMAC_SHA1_80 inline:{'A' * 40}")
PLAIN = (
    "m=audio 4000 RTP/SAVP 0",
    f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{'A' * 40} UNENCRYPTED_SRTP",
)
DTLS = ("m=audio 4000 UDP/TLS/RTP/SAVPF 0", "a=setup:actpass")


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (EVS + EVS, "its media is in EVS, which cannot be decoded."),
        (EVS + SILK, "its media is in EVS, SILK, which cannot be decoded."),
        (F8, "its media is encrypted, and no key is known that opens it."),
        (PLAIN, "its media is encrypted, and no key is known that opens it."),
        (
            DTLS,
            "its media is encrypted with keys that its ends agreed on by themselves (DTLS-SRTP) and nobody else can know.",
        ),
        (("m=video 4000 RTP/AVP 97",), "488 Not Acceptable Here."),
    ],
    ids=["one coding", "two codings", "unknown suite", "no encryption", "dtls", "video"],
)
def test_a_call_that_nothing_of_can_be_decoded_says_what_it_is_in(
    tmp_path: Path, lines: tuple[str, ...], why: str
) -> None:
    account = Account(tmp_path)
    account.decline(*lines)
    assert account.tell() == [(Absence.REFUSED, f"The recorder refused it: {why}")]


def test_a_call_that_is_taken_in_a_second_try_is_not_told(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.refuse("c1", 488, "Not Acceptable Here")
    account.calls.forget("c1")
    assert account.tell() == []


def test_a_refused_call_that_a_rule_leaves_out_is_not_missing(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.ctx.rules = lambda _: Verdict(recorded=Recorded.NO, rule="Works council")
    account.refuse("c1")
    assert account.tell() == [(Absence.LEFT_OUT, "A recording rule leaves it out.")]
    [absence] = account.ctx.absences.values()
    assert absence.rule == "Works council"


def test_a_mandatory_rule_is_named_so_that_its_alarm_is_raised(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.ctx.rules = lambda _: Verdict(rule="Traders", is_mandatory=True)
    account.refuse("c1")
    account.tell()
    [absence] = account.ctx.absences.values()
    assert (absence.rule, absence.is_missing) == ("Traders", True)


def test_what_the_hub_cannot_take_waits(tmp_path: Path) -> None:
    account = Account(tmp_path)
    account.ctx.fill_disk()
    account.refuse("c1")
    assert account.tell() == []
    account.ctx.free_disk()
    assert len(account.tell()) == 1


def test_a_storm_of_refusals_is_bounded_and_what_is_left_at_the_end_is_told(tmp_path: Path) -> None:
    account = Account(tmp_path)
    for number in range(refused_calls.WAITING_MAX + 7):
        account.refuse(f"c{number}")
    assert account.calls.overflowed == 7

    async def end() -> None:
        task = asyncio.create_task(account.calls.run())
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(end())
    assert 0 < len(account.ctx.absences) <= refused_calls.WAITING_MAX
