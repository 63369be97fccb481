"""What was forgotten, as long as it could come back when the journal is opened again."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.journal.layout import FORGOTTEN_CALL, FORGOTTEN_FLOW, Table


class Forgotten(NamedTuple):
    """Rows of two tables that say what was forgotten."""

    flows: Table = np.empty(0, FORGOTTEN_FLOW)
    calls: Table = np.empty(0, FORGOTTEN_CALL)

    def __bool__(self) -> bool:
        return bool(len(self.flows) or len(self.calls))

    def join(self, other: "Forgotten") -> "Forgotten":
        """These rows and others."""
        return Forgotten(np.append(self.flows, other.flows), np.append(self.calls, other.calls))

    def about(self, segments: Collection[int]) -> "Forgotten":
        """The rows without which something in one of the segments would not be forgotten."""
        numbers = np.array(sorted(segments), np.int64)
        return Forgotten(*(table[_reach(table, numbers)] for table in self))


def _reach(table: Table, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    begin = np.searchsorted(numbers, table["first_segment"], side="left")
    end = np.searchsorted(numbers, table["end_segment"], side="right")
    reaches: npt.NDArray[np.bool_] = begin < end
    return reaches
