"""Whether packets that come all the time are understood at all."""

from plugins.pbx_sip.packets.decoder import Counters

_LOOKED_AT = 500  # packets; fewer may be of one odd machine


class Unread:
    """Looks at the packets in portions. reason: why hardly any of the last ones was understood, "" if all is well."""

    def __init__(self) -> None:
        self.reason = ""
        self._counters = Counters()

    def add(self, counters: Counters) -> None:
        """Count those of a block."""
        self._counters.add(counters)
        if self._counters.packets >= _LOOKED_AT:
            self.reason, self._counters = self._counters.find_unread(), Counters()
