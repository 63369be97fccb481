"""The observer of calls: is shown packets as they are captured, and gives the calls that are over.

It is the same for capture files and for mirrored traffic.
"""

from collections.abc import Collection, Iterable, Iterator

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.ends import awaits_others, join_ends
from plugins.pbx_sip.calls.farewells import Farewells
from plugins.pbx_sip.calls.flows import Flows
from plugins.pbx_sip.calls.hops import Joined, Seen, join_hops
from plugins.pbx_sip.calls.lines import part_lines
from plugins.pbx_sip.calls.neighbours import may_be_hops
from plugins.pbx_sip.calls.parts import split_sessions
from plugins.pbx_sip.calls.recorded import RecordedCall, describe_failure, record
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.calls.strays import find_strays
from plugins.pbx_sip.calls.voices import find_last_ns, find_voices
from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.decoder import Counters, Decoder
from plugins.pbx_sip.sip.overheard import SIP_PORTS, Overheard, SipEar
from plugins.pbx_sip.tls.key_log import KeyLog

_LINGER_NS = 5_000_000_000
_SILENT_NS = 3600 * 1_000_000_000
_IDLE_NS = 600 * 1_000_000_000


class Observer:
    """Takes blocks of packets in the order of their capture.

    takes_strays: also media without any signalling. key_log: with which signalling under TLS is read. counters: what
    became of packets.
    """

    def __init__(
        self,
        *,
        sip_ports: Collection[int] = SIP_PORTS,
        headers: Iterable[str] = (),
        takes_strays: bool = True,
        key_log: KeyLog | None = None,
    ) -> None:
        self._endpoints = Endpoints()
        self._decoder = Decoder(self._endpoints)
        self._ear = SipEar(self._endpoints, sip_ports, key_log)
        self._signalling = Signalling(self._endpoints, headers)
        self._farewells = Farewells()
        self._flows = Flows()
        self._takes_strays = takes_strays
        self.counters = Counters()

    def add(self, block: PacketBlock) -> None:
        """Look at a block."""
        decoded = self._decoder.decode(block)
        self.counters.add(decoded.counters)
        if len(block):
            self._hear(self._ear.hear(decoded, int(block.time_ns[-1]), self._flows.add))

    def take(self, now_ns: int | None = None) -> Iterator[RecordedCall]:
        """The calls that were over some seconds before `now_ns`; None: all that there are."""
        everything = now_ns is None
        if everything:
            self._hear(self._ear.hear_rest())
        before_ns = (1 << 62) if now_ns is None else now_ns - _LINGER_NS
        silent_ns = before_ns if everything else before_ns - _SILENT_NS
        self._listen_for(silent_ns)
        taken, going = self._signalling.take(before_ns, silent_ns), self._signalling.dialogs
        waiting = {each.call_id: each for each in taken if awaits_others(each, going.values())}
        going |= waiting
        dialogs = [each for each in taken if each.call_id not in waiting]
        self._take_hops(dialogs, before_ns + _LINGER_NS // 2)
        claims = self._signalling.claims
        seen = [Seen(dialog=each, voices=tuple(find_voices(each, self._flows, claims))) for each in dialogs]
        calls = join_hops([call for call in seen if call.voices or call.dialog.answered_ns])
        calls += self._take_strays(before_ns if everything else before_ns - _IDLE_NS)
        for dialog in dialogs:
            self._forget(dialog)
        yield from map(_record, split_sessions(join_ends(part_lines(calls))))

    @property
    def open_since_ns(self) -> int:
        """When the first of all calls began that were not given yet; far in the future if there is none."""
        begun = [dialog.first_ns for dialog in self._signalling.dialogs.values()]
        return min(begun + [flow.first_ns for flow in self._flows.all()], default=1 << 62)

    def _take_hops(self, dialogs: list[Dialog], before_ns: int) -> None:
        """Add what may be another hop of dialogs and ended a moment after them, before `before_ns`."""
        going = self._signalling.dialogs
        near = [each for each in going.values() if each.is_over and each.ended_ns < before_ns]
        for dialog in dialogs:  # grows meanwhile
            for other in [each for each in near if may_be_hops(dialog, each)]:
                near.remove(other)
                dialogs.append(going.pop(other.call_id))

    def _listen_for(self, silent_ns: int) -> None:
        """Where signalling has been silent for long, the call may go on all the same: it is heard."""
        for dialog in self._signalling.dialogs.values():
            if dialog.last_ns < silent_ns:
                dialog.last_ns = max(dialog.last_ns, find_last_ns(dialog, self._flows, self._signalling.claims))

    def _take_strays(self, before_ns: int) -> list[Joined]:
        """The calls without signalling of which nothing was heard since."""
        dialogs = self._signalling.dialogs.values()
        wanted = {listening.endpoint for dialog in dialogs for listening in dialog.listenings}
        known, idle = [], []
        for flow in self._flows.all():
            is_wanted = flow.source in wanted or flow.target in wanted
            if flow.is_known or is_wanted:
                known.append(flow)
            if flow.last_ns < before_ns and not is_wanted:
                idle.append(flow)
        strays = [flow for flow in idle if not flow.is_known]
        calls: list[Joined] = []
        if strays and self._takes_strays:
            calls = find_strays(strays, known, self._endpoints, self._farewells)
        self._flows.drop(idle, before_ns)
        return calls

    def _forget(self, dialog: Dialog) -> None:
        claims, call_id = self._signalling.claims, dialog.call_id
        over_ns = (dialog.ended_ns or dialog.last_ns) + _LINGER_NS
        for endpoint in {listening.endpoint for listening in dialog.listenings}:
            until_ns = min(over_ns, claims.taken_ns(endpoint, call_id, dialog.last_ns))
            for flow in [*self._flows.to(endpoint), *self._flows.from_(endpoint)]:
                if not claims.is_anothers(call_id, flow.source, flow.target):
                    peer = flow.source if flow.target == endpoint else flow.target
                    self._flows.drop([flow], min(until_ns, claims.held_by_others_ns(endpoint, call_id, peer)))
        claims.forget(call_id)
        controlled = {endpoint for each in dialog.listenings for endpoint in each.control_endpoints}
        self._flows.reports.drop(controlled, (dialog.ended_ns or dialog.last_ns) + _LINGER_NS)

    def _hear(self, heard: Iterable[Overheard]) -> None:
        for each in heard:
            if dialog := self._signalling.add(each.message, each.at_ns):
                self._farewells.note(dialog, each.message, each.at_ns, each.source, each.target)


def _record(call: Joined) -> RecordedCall:
    try:
        return record(call)
    except Exception as error:  # noqa: BLE001 - our own fault over one call must not keep back the others
        return describe_failure(call, error)
