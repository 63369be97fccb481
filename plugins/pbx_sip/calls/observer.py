"""The observer of calls: is shown packets as they are captured, and gives the calls that are over.

It is the same for capture files and for mirrored traffic.
"""

from collections.abc import Collection, Iterable, Iterator

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.flows import Flows
from plugins.pbx_sip.calls.hops import Joined, Seen, join_hops
from plugins.pbx_sip.calls.recorded import RecordedCall, record
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.calls.strays import find_strays
from plugins.pbx_sip.calls.voices import find_voices
from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.decoder import Decoder
from plugins.pbx_sip.sip.overheard import SIP_PORTS, Overheard, SipEar
from plugins.pbx_sip.tls.key_log import KeyLog

_LINGER_NS = 5_000_000_000
_SILENT_NS = 3600 * 1_000_000_000
_IDLE_NS = 600 * 1_000_000_000


class Observer:
    """Takes blocks of packets in the order of their capture.

    takes_strays: also media without any signalling. key_log: with which signalling under TLS is read.
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
        self._flows = Flows()
        self._takes_strays = takes_strays

    def add(self, block: PacketBlock) -> None:
        """Look at a block."""
        decoded = self._decoder.decode(block)
        for datagrams in decoded.datagrams:
            self._hear(self._ear.hear_datagrams(datagrams, self._flows.add(datagrams)))
        if len(block):
            self._hear(self._ear.hear_segments(decoded.segments, int(block.time_ns[-1])))

    def take(self, now_ns: int | None = None) -> Iterator[RecordedCall]:
        """The calls that were over some seconds before `now_ns`; None: all that there are."""
        everything = now_ns is None
        if everything:
            self._hear(self._ear.hear_rest())
        before_ns = (1 << 62) if now_ns is None else now_ns - _LINGER_NS
        silent_ns = before_ns if everything else before_ns - _SILENT_NS
        self._listen_for(silent_ns)
        dialogs = self._signalling.take(before_ns, silent_ns)
        claims = self._signalling.claims
        seen = [Seen(dialog=each, voices=tuple(find_voices(each, self._flows, claims))) for each in dialogs]
        calls = join_hops([call for call in seen if call.voices or call.dialog.answered_ns])
        calls += self._take_strays(before_ns if everything else before_ns - _IDLE_NS)
        for dialog in dialogs:
            self._forget(dialog)
        yield from map(record, calls)

    @property
    def open_since_ns(self) -> int:
        """When the first of all calls began that were not given yet; far in the future if there is none."""
        begun = [dialog.first_ns for dialog in self._signalling.dialogs.values()]
        return min(begun + [flow.first_ns for flow in self._flows.all()], default=1 << 62)

    def _listen_for(self, silent_ns: int) -> None:
        """Where signalling has been silent for long, the call may go on all the same: it is heard."""
        for dialog in self._signalling.dialogs.values():
            if dialog.last_ns < silent_ns:
                flows = [flow for each in dialog.listenings for flow in self._flows.to(each.endpoint)]
                dialog.last_ns = max([dialog.last_ns, *(flow.last_ns for flow in flows)])

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
        calls = find_strays(strays, known, self._endpoints) if self._takes_strays and strays else []
        self._flows.drop(idle, before_ns)
        return calls

    def _forget(self, dialog: Dialog) -> None:
        for endpoint in {listening.endpoint for listening in dialog.listenings}:
            around = self._signalling.claims.around(endpoint, dialog.call_id, dialog.last_ns)
            flows = [*self._flows.to(endpoint), *self._flows.from_(endpoint)]
            self._flows.drop(flows, min((dialog.ended_ns or dialog.last_ns) + _LINGER_NS, around[1]))
            self._signalling.claims.forget(endpoint, dialog.call_id)

    def _hear(self, heard: Iterable[Overheard]) -> None:
        for each in heard:
            self._signalling.add(each.message, each.at_ns)
