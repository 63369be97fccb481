"""The foremen of a device: one for each order, and one for each worker that settings of before had beside these."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from zlib import crc32

from hub.sdk import Log
from plugins.pbx_sip.engine.foreman import Foreman
from plugins.pbx_sip.engine.frames import Frame
from plugins.pbx_sip.engine.order import Order


def make_crew(
    folder: Path, orders: Sequence[Order], hear: Callable[[int, Frame], None], log: Log, *, has_calls: bool
) -> list[Foreman]:
    """Foremen, whose workers have folders of their own inside of one.

    has_calls: there are calls that began before, and media of theirs may lie in any of these folders.
    Raises: OSError.
    """
    folders = [folder / f"worker-{number}" for number in range(len(orders))]
    for own in folders:
        own.mkdir(exist_ok=True)
    for own in sorted(set(folder.glob("worker-*")) - set(folders)):
        if has_calls or (own / "worker.sock").exists():
            folders.append(own)
        else:
            shutil.rmtree(own)
    # Several workers share the packets; the same group each time, or a control that follows could take none over.
    group = crc32(str(folder).encode()) & 0xFFFF if len(orders) > 1 else None
    placed = [replace(order, fanout_group=group) for order in orders]
    placed += [Order(is_retired=True)] * (len(folders) - len(orders))
    crew = []
    for number, (own, order) in enumerate(zip(folders, placed, strict=True)):
        named = replace(order, journal=str(own / "journal"), instance=f"{folder.parent.name}_{number}")
        crew.append(Foreman(own, named, partial(hear, number), log))
    return crew
