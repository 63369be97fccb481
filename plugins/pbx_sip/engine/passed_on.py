"""Calls that were answered a moment ago, by caller: one of two may be what a PBX made of the other."""

from collections import defaultdict
from collections.abc import Iterable

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.neighbours import BEGIN_TOGETHER_NS
from plugins.pbx_sip.calls.numbers import number_of

_BESIDE_MAX = 20  # answered last, where all calls of a company have one caller

_Answer = tuple[str, int]


class PassedOn:
    """Remembers who was answered when, and which calls lead which others."""

    def __init__(self) -> None:
        self._by_answer: dict[_Answer, dict[str, None]] = defaultdict(dict)
        self._led: dict[str, dict[str, None]] = {}

    def find_beside(self, dialog: Dialog) -> list[str]:
        """The calls of the same caller that were answered together with one; it is remembered, and asked for once."""
        caller, step = _answer_of(dialog)
        if not caller or not dialog.answered_ns or dialog.call_id in self._by_answer.get((caller, step), ()):
            return []
        beside = [each for near in (step - 1, step, step + 1) for each in self._by_answer.get((caller, near), ())]
        self._by_answer[caller, step][dialog.call_id] = None
        return beside[-_BESIDE_MAX:]

    def lead(self, leader: str, call: str) -> None:
        """One call is led by another one from now on."""
        self._led.setdefault(leader, {})[call] = None

    def led_by(self, leader: str) -> Iterable[str]:
        """The calls that one leads."""
        return self._led.get(leader, {})

    def forget(self, dialog: Dialog) -> None:
        """A call is over."""
        answer = _answer_of(dialog)
        if answer in self._by_answer:
            self._by_answer[answer].pop(dialog.call_id, None)
            if not self._by_answer[answer]:
                del self._by_answer[answer]
        self._led.pop(dialog.call_id, None)


def _answer_of(dialog: Dialog) -> _Answer:
    return number_of(dialog.caller), dialog.answered_ns // BEGIN_TOGETHER_NS
