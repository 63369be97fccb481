"""Reads captures for the calls in them, as they end; a capture may go on in the next one."""

import re
from collections.abc import Iterator

from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.packets.files import CaptureFile
from plugins.pbx_sip.packets.records import BadCapture
from plugins.pbx_sip.settings import SipCaptureSettings
from plugins.pbx_sip.tls.key_log import KeyLog, read_key_log

_NUMBER = re.compile(r"\d+")
_QUIET_NS, _BACK_NS = 600 * 10**9, 10**8  # between the packets of two captures that follow one another


class Reading:
    """Reads one capture, or several that go on in one another, as a device with these settings does.

    note: why the last one was not read to its end, or "". Raises: OSError (the TLS keys cannot be read).
    """

    def __init__(self, settings: SipCaptureSettings) -> None:
        self.note = ""
        self._last_ns = 0
        self._key_log = read_key_log(settings.tls_key_log) if settings.tls_key_log else KeyLog()
        self._observer = Observer(
            sip_ports=[int(port) for port in settings.sip_ports],
            headers=settings.headers,
            takes_strays=settings.unsignalled == "take",
            key_log=self._key_log,
        )

    def steps(self, capture: CaptureFile) -> Iterator[Iterator[RecordedCall]]:
        """After each piece of a capture, the calls that are known to be over by then.

        Raises: OSError.
        """
        self.note, learned = "", 0
        try:
            for block in capture:
                self._key_log.learn(capture.key_log[learned:])
                learned = len(capture.key_log)
                self._observer.add(block)
                self._last_ns = int(block.time_ns[-1])
                yield self._observer.take(self._last_ns)
        except BadCapture as exc:
            self.note = f"{exc}."
        self.note = self.note or capture.note

    def rest(self) -> Iterator[RecordedCall]:
        """All other calls: nothing follows."""
        return self._observer.take()

    def is_done_with(self, until_ns: int) -> bool:
        """Whether all calls were given that began up to a moment."""
        return self._observer.open_since_ns > until_ns

    @property
    def last_ns(self) -> int:
        """When the last packet so far was captured."""
        return self._last_ns

    def goes_on(self, first_ns: int) -> bool:
        """Whether a capture that begins then may be the next one."""
        return -_BACK_NS <= first_ns - self._last_ns <= _QUIET_NS


def series_of(name: str) -> str:
    """What the names of captures have in common that one tool writes one after the other, such as calls_#_#.pcap."""
    return _NUMBER.sub("#", name).rstrip("#")


def counted(name: str) -> list[tuple[int, str]]:
    """A key that sorts names by their numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
