"""What the table of calls asks of its owner, and tells it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hub.sdk import CallOutline, Verdict
from plugins.pbx_sip.engine.open_call import OpenCall


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the table asks and tells. decide: the recording rules. changed: a call is to be shown as it is now.

    cover, uncover: nothing of endpoints is kept from a moment on, or is again. remember: a decision is written down.
    """

    decide: Callable[[CallOutline], Verdict]
    changed: Callable[[OpenCall], None]
    cover: Callable[[Iterable[int], int], None]
    uncover: Callable[[Iterable[int], int], None]
    remember: Callable[[OpenCall], None]
