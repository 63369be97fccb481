"""The standing calls: found by dialog, counted by host, their ports opened and closed.

Source: RFC 3261 section 12: a dialog is its Call-ID with the tags of both sides, and a Call-ID may have several.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator

from plugins.pbx_sip.recorder.call import Call
from plugins.pbx_sip.recorder.hooks import Hooks
from plugins.pbx_sip.recorder.media import Settled
from plugins.pbx_sip.recorder.ports import PortPool
from plugins.pbx_sip.sip.dialog import DialogId
from plugins.pbx_sip.sip.message import Request, Response
from plugins.pbx_sip.sip.server_transaction import ServerTransaction

ENDED_MAX = 10_000


class StandingCalls:
    """All calls that are going on, and the dialogs that ended last."""

    def __init__(self, ports: PortPool, hooks: Hooks) -> None:
        self._ports = ports
        self._hooks = hooks
        self._calls: dict[str, Call] = {}
        self._by_caller: dict[tuple[str, str], Call] = {}
        self._per_host: Counter[str] = Counter()
        self._ended: OrderedDict[DialogId, None] = OrderedDict()
        self._ended_ids: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(tuple(self._calls.values()))

    def find(self, call_id: str) -> Call | None:
        """The call that is known by an id."""
        return self._calls.get(call_id)

    def find_for(self, request: Request) -> Call | None:
        """The call that a client's request is of, by its Call-ID and the tag of the client."""
        return self._by_caller.get((request.call_id, request.sender.tag))

    def name(self, invite: Request, tag: str) -> str:
        """By what the call is to be known that an INVITE begins, with our tag.

        Mostly by its Call-ID; where that has, or not long ago had, another dialog, by the tag as well.
        """
        call_id = invite.call_id
        is_used = call_id in self._calls or call_id in self._ended_ids
        return f"{call_id};to-tag={tag}" if is_used else call_id

    def count(self, host: str) -> int:
        """How many calls a host began."""
        return self._per_host[host]

    def has_ended(self, dialog: DialogId) -> bool:
        """Whether a dialog was one of ours not long ago."""
        return dialog in self._ended

    def note_ended(self, call: Call) -> None:
        """Remember a call that is over."""
        self._ended[call.dialog.id] = None
        self._ended_ids[call.id] = None
        for ended in (self._ended, self._ended_ids):
            if len(ended) > ENDED_MAX:
                ended.popitem(last=False)

    def add(self, call: Call) -> None:
        """A call begins; its ports are open from now on."""
        for line in call.lines:
            self._ports.claim(line.rtp_port)
        self._calls[call.id] = self._by_caller[_caller_of(call)] = call
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

    def answer(self, call: Call, transaction: ServerTransaction, response: Response) -> None:
        """Send what settles media once that can come: a client may send from the moment it knows where to.

        Source: RFC 3264 section 8.
        """
        transaction.hold()
        transaction.respond(response)
        self._hooks.when_open(call.lines, transaction.release)

    def remove(self, call: Call) -> None:
        """A call is over."""
        if self._calls.get(call.id) is not call:
            return
        del self._calls[call.id]
        del self._by_caller[_caller_of(call)]
        self.note_ended(call)
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


def _caller_of(call: Call) -> tuple[str, str]:
    return call.dialog.id.call_id, call.dialog.id.remote_tag
