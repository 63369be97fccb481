"""How a device treats its calls."""

from dataclasses import dataclass

from hub.sdk import CallControl
from plugins.pbx_sip.calls.numbers import NumberPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a device treats its calls.

    headers: kept with them. control_header: which asks to pause, resume and so on, "" for none. keys: pressed by a
    party -> what it asks for. pause_s: a pause ends by itself then, 0: it does not. joins_hops: several dialogs may be
    one call, as a mirror sees it.
    """

    plan: NumberPlan
    headers: tuple[str, ...] = ()
    control_header: str = ""
    keys: tuple[tuple[str, CallControl], ...] = ()
    pause_s: float = 0.0
    joins_hops: bool = False
