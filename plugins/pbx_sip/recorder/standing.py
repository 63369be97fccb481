"""The standing calls: found by Call-ID, counted by host, their ports opened and closed."""

from collections import Counter, OrderedDict
from collections.abc import Iterator

from plugins.pbx_sip.recorder.call import Call
from plugins.pbx_sip.recorder.hooks import Hooks
from plugins.pbx_sip.recorder.media import Settled
from plugins.pbx_sip.recorder.ports import PortPool
from plugins.pbx_sip.sip.dialog import DialogId

ENDED_MAX = 10_000


class StandingCalls:
    """All calls that are going on, and the dialogs that ended last."""

    def __init__(self, ports: PortPool, hooks: Hooks) -> None:
        self._ports = ports
        self._hooks = hooks
        self._calls: dict[str, Call] = {}
        self._per_host: Counter[str] = Counter()
        self._ended: OrderedDict[DialogId, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls.values()))

    def find(self, call_id: str) -> Call | None:
        """The call with a Call-ID."""
        return self._calls.get(call_id)

    def count(self, host: str) -> int:
        """How many calls a host began."""
        return self._per_host[host]

    def has_ended(self, dialog: DialogId) -> bool:
        """Whether a dialog was one of ours not long ago."""
        return dialog in self._ended

    def note_ended(self, dialog: DialogId) -> None:
        """Remember a dialog that is over."""
        self._ended[dialog] = None
        if len(self._ended) > ENDED_MAX:
            self._ended.popitem(last=False)

    def add(self, call: Call) -> None:
        """A call begins; its ports are open from now on."""
        for line in call.lines:
            self._ports.claim(line.rtp_port)
        self._calls[call.id] = call
        self._per_host[call.client] += 1
        for line in call.lines:
            self._hooks.media_opened(line)

    def settle(self, call: Call, settled: Settled) -> None:
        """Media of a call is settled anew: open, change and close what differs."""
        before, call.settled = call.lines, settled
        kept = {line.rtp_port for line in settled.lines}
        for line in before:
            if line.rtp_port not in kept:
                self._hooks.media_closed(line)
                self._ports.free(line.rtp_port)
        for line in settled.lines:
            if line not in before:
                self._hooks.media_opened(line)

    def remove(self, call: Call) -> None:
        """A call is over."""
        if self._calls.get(call.id) is not call:
            return
        del self._calls[call.id]
        self.note_ended(call.dialog.id)
        self._per_host[call.client] -= 1
        if not self._per_host[call.client]:
            del self._per_host[call.client]
        if call.watch is not None:
            call.watch.stop()
            call.watch = None
        call.release()
        self.settle(call, Settled(sdp=call.settled.sdp))

    def give_back(self, settled: Settled, standing: Settled) -> None:
        """Something was settled that comes to nothing: its new ports are free again."""
        in_use = {line.rtp_port for line in standing.lines}
        for line in settled.lines:
            if line.rtp_port not in in_use:
                self._ports.free(line.rtp_port)
