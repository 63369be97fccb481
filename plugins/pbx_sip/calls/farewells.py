"""Calls of which only the end was signalled: who hangs up tells who spoke in media that nothing else is known of."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.hops import Joined
from plugins.pbx_sip.sip.message import Message, Request

_KEPT_MAX = 10_000
_NEAR_NS = 1_500_000_000
_PORT_BITS = 16

Stray = tuple[tuple[int, int], Joined]


@dataclass(frozen=True, slots=True)
class Farewell:
    """A dialog of which only a BYE was seen, ns since 1970, and between which hosts: from who hangs up to the other."""

    dialog: Dialog
    at_ns: int
    source: int
    target: int


class Farewells:
    """The last ones that were heard."""

    def __init__(self) -> None:
        self._heard: deque[Farewell] = deque(maxlen=_KEPT_MAX)

    def note(self, dialog: Dialog, message: Message, at_ns: int, source: int, target: int) -> None:
        """Look at a message of a dialog; source and target: the endpoints between which it was seen."""
        is_bye = isinstance(message, Request) and message.method == "BYE"
        if is_bye and not (dialog.listenings or dialog.answered_ns):
            self._heard.append(Farewell(dialog, at_ns, source >> _PORT_BITS, target >> _PORT_BITS))

    def name(self, calls: Sequence[Stray]) -> list[Joined]:
        """Calls without signalling; those that one of these fits, and it no other of them, are known by it."""
        found = [self._find(*each) for each in calls]
        fitting = Counter(each.dialog.call_id for each in found if each)
        return [
            _name(call, way, farewell) if farewell and fitting[farewell.dialog.call_id] == 1 else call
            for (way, call), farewell in zip(calls, found, strict=True)
        ]

    def _find(self, way: tuple[int, int], call: Joined) -> Farewell | None:
        hosts = {each >> _PORT_BITS for each in way}
        near = (each for each in self._heard if abs(each.at_ns - call.dialog.last_ns) < _NEAR_NS)
        found = {each.dialog.call_id: each for each in near if {each.source, each.target} == hosts}
        return next(iter(found.values())) if len(hosts) == len(way) and len(found) == 1 else None


def _name(call: Joined, way: tuple[int, int], farewell: Farewell) -> Joined:
    """The call as the one that was hung up; who did that is its caller, as far as anybody knows."""
    stray = call.dialog
    dialog = replace(
        farewell.dialog, first_ns=stray.first_ns, answered_ns=stray.answered_ns, last_ns=stray.last_ns, joined_late=True
    )
    is_same_way = way[0] >> _PORT_BITS == farewell.source
    voices = call.voices if is_same_way else [replace(each, side=each.side.other) for each in call.voices[::-1]]
    return replace(call, dialog=dialog, hops=(dialog,), voices=tuple(voices))
