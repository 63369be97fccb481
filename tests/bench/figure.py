"""One measured figure, printed as a JSON line beside what it was measured against in the same run."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of merit.

    beside: what ran beside it. ratio: this one against that one. bar: what must hold, in words. ok: whether it does,
    None where a figure is for information.
    """

    figure: str
    value: float
    unit: str
    beside: str = ""
    ratio: float | None = None
    bar: str = ""
    ok: bool | None = None


def emit(figure: Figure) -> None:
    """Print it for programs; `tests/bench/run.py` makes the table for people."""
    print(json.dumps({name: _short(value) for name, value in asdict(figure).items()}), flush=True)


def _short(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value
