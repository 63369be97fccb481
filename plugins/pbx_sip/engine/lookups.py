"""What a worker looks up in its journal for the control, and forgets when it is told to."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from plugins.pbx_sip.engine.frames import Frame
from plugins.pbx_sip.engine.places import read_places, write_places
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.unit import Unit
from plugins.pbx_sip.packets.datagrams import Endpoints


def find_media(journal: Journal, endpoints: Endpoints, keys: Collection[int], facts: dict[str, Any]) -> Frame:
    """Where the media lies that went to or from endpoints, and what went to those who sent there."""
    ends = read_places(endpoints, facts.get("others", ()))
    without = set(zip(ends[0::2], ends[1::2], strict=True))
    units = _find_around(journal, keys, facts["from_ns"], facts["until_ns"], without)
    table = np.array([unit.place for unit in units], np.int64).reshape(-1, 3)
    return Frame("found", {"number": facts["number"], "waits": False}, table.tobytes())


def tell_flows(journal: Journal, endpoints: Endpoints, facts: dict[str, Any]) -> Frame:
    """The flows of which nothing came for a while."""
    flows = [flow for flow in journal.flows() if flow.last_ns < facts["silent_before_ns"]]
    return Frame(
        "flows",
        {
            "number": facts["number"],
            "ways": write_places(endpoints, [end for flow in flows for end in (flow.source, flow.target)]),
            "first_ns": [flow.first_ns for flow in flows],
            "last_ns": [flow.last_ns for flow in flows],
            "packets": [flow.packets for flow in flows],
        },
    )


def forget_flows(journal: Journal, ways: Sequence[int], before_ns: Sequence[int]) -> None:
    """Forget the media of flows before a moment each; ways: source and target in turn."""
    for source, target, each_ns in zip(ways[0::2], ways[1::2], before_ns, strict=True):
        journal.forget_flow(source, target, each_ns)


def release_endpoints(journal: Journal, keys: Sequence[int], before_ns: Sequence[int]) -> None:
    """Forget the media to and from endpoints before a moment each; what serves others as well keeps theirs."""
    wanted = set(keys)
    for key, each_ns in zip(keys, before_ns, strict=True):
        units = journal.find([key], 0, each_ns)
        for other in {unit.source for unit in units if unit.target == key} - wanted:
            around = journal.find([other], 0, each_ns)
            if wanted.issuperset(unit.target for unit in around if unit.source == other):
                units += around
        for source, target in {(unit.source, unit.target) for unit in units}:
            journal.forget_flow(source, target, each_ns)


def _find_around(
    journal: Journal, keys: Collection[int], from_ns: int, until_ns: int, without: set[tuple[int, int]]
) -> list[Unit]:
    """Units to and from endpoints, and to those who sent there: who says one port may listen at another.

    without: between which endpoints, either way, media is of others.
    """
    wanted = set(keys)
    units = journal.find(wanted, from_ns, until_ns, without | {(far, end) for end, far in without})
    others = {unit.source for unit in units if unit.target in wanted} - wanted
    known = {unit.place for unit in units}
    around = journal.find(others, from_ns, until_ns)
    return units + [unit for unit in around if unit.target in others and unit.place not in known]
