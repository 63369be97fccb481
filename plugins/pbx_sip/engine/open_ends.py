"""Calls that go on in several dialogs, one for each end, as a phone's built-in bridge sends them."""

from plugins.pbx_sip.engine.open_call import OpenCall

_Call = tuple[str, ...]


class OpenEnds:
    """Finds the dialogs that are ends of one call; the one that was there first leads."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}
        self._ends: dict[_Call, dict[str, OpenCall]] = {}

    def note(self, call: OpenCall) -> None:
        """Look whether a dialog is an end of a call, and whether another end of that goes on."""
        end = call.dialog.carried
        if end is None or call.id in self._calls:
            return
        ends = self._ends.setdefault(end.call, {})
        others = [each for each in ends.values() if not each.dialog.is_over]
        self._calls[call.id] = end.call
        ends[call.id] = call
        carried = [each.dialog.carried for each in others]
        if others and not call.leader and all(other is None or other.party != end.party for other in carried):
            call.leader = others[0].leader or others[0].id

    def of(self, call: OpenCall) -> list[OpenCall]:
        """All dialogs of its call in the order in which they came, also those that are over by now."""
        ends = self._ends.get(self._calls.get(call.id, ()), {})
        leader = call.leader or call.id
        return [each for each in ends.values() if leader in {each.id, each.leader}] or [call]

    def is_over(self, call: OpenCall) -> bool:
        """Whether none of its dialogs goes on."""
        return all(each.dialog.is_over for each in self.of(call))

    def over_ns(self, call: OpenCall) -> int:
        """When the last of its dialogs ended, 0 while one goes on."""
        return max(each.dialog.ended_ns for each in self.of(call)) if self.is_over(call) else 0

    def forget(self, call: OpenCall) -> None:
        """A dialog was taken out of the table."""
        key = self._calls.pop(call.id, ())
        ends = self._ends.get(key, {})
        ends.pop(call.id, None)
        if not ends:
            self._ends.pop(key, None)
