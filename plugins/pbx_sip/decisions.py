"""What the recording rules say of the calls in captures, each asked about once however often its capture is read."""

from dataclasses import asdict
from hashlib import sha256
from typing import Any

from hub.sdk import PluginContext, Recorded, Verdict
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.outline import describe_outline
from plugins.pbx_sip.calls.recorded import RecordedCall

_PREFIX = "verdict:"


class Decisions:
    """Remembered until the captures in which the calls began are done with: rules that count calls count them once."""

    def __init__(self, ctx: PluginContext, plan: NumberPlan) -> None:
        self._ctx = ctx
        self._plan = plan

    def decide(self, call: RecordedCall) -> Verdict:
        """Whether the rules want a call, and how."""
        key = f"{_PREFIX}{sha256(call.origin_id.encode('utf-8', 'surrogatepass')).hexdigest()}"
        known = self._ctx.state.get(key)
        if known is not None:
            return _read(known[1])
        verdict = self._ctx.decide(describe_outline(call.dialog, self._plan, call.hops))
        if verdict != Verdict():  # what no rule decides is decided so again
            self._ctx.state.put(key, [call.dialog.first_ns, asdict(verdict)])
        return verdict

    def forget(self, until_ns: int) -> None:
        """Captures of calls that began up to a moment are not read again."""
        done = [key for key, (began_ns, _) in self._ctx.state.items(_PREFIX) if began_ns <= until_ns]
        self._ctx.state.delete(*done)


def _read(memory: dict[str, Any]) -> Verdict:
    return Verdict(**memory | {"recorded": Recorded(memory["recorded"])})
