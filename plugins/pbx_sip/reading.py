"""Reads captures for the calls in them, as they end; a capture may go on in the next one."""

from collections.abc import Iterator
from dataclasses import replace

from plugins.pbx_sip.calls.capture_clock import CaptureClock, ClockStep, StandingClock
from plugins.pbx_sip.calls.coarse_clock import CoarseClock
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.calls.recorded import Lane, RecordedCall, Remark
from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.files import CaptureFile
from plugins.pbx_sip.packets.other_files import CAPTURE_OF, PACKED_BY
from plugins.pbx_sip.packets.records import BadCapture
from plugins.pbx_sip.settings import SipCaptureSettings
from plugins.pbx_sip.tls.key_log import KeyLog, read_key_log

_DAMAGED_HINT = "Copy it here again; if it is damaged itself, repair it with pcapfix, or delete it."
_HINTS = {
    "is understood:": "Capture Ethernet or the interface 'any', outside of encrypted tunnels; then delete this one.",
    CAPTURE_OF: "Convert it with `editcap -F pcapng` of Wireshark, and put what comes out here in its place.",
    "cipher suite": "Let the ends agree on AES-GCM or ChaCha20-Poly1305, and capture anew.",
    PACKED_BY: "Unpack it, or pack it with gzip, and put that here in its place.",
}
_SENTENCES = {
    "suites": "SIP over TLS in it has a cipher suite that is not read ({suites}).",
    "apart": "The clocks of the capture's interfaces differ by {apart_s} s, and were set right by the order of packets",
    "whole seconds": "The capture has whole seconds only: when within them each packet came is estimated",
    "one time": "All packets of the capture have the same time: nobody can tell when this call was, or who spoke first",
}
_SPANS_MAX = 100
_MEDIA_BYTES = 300  # a packet of sound with its headers is mostly shorter; what is cut behind that is no sound
_CUT_OFF = "Packets were captured up to {} bytes only (snap length): sound behind that is missing"
_QUIET_NS, _BACK_NS = 600 * 10**9, 10**8  # between the packets of two captures that follow one another


class Reading:
    """Reads one capture, or several that go on in one another, as a device with these settings does.

    note: why the last one was not read to its end, or "". Raises: OSError (the TLS keys cannot be read).
    """

    def __init__(self, settings: SipCaptureSettings) -> None:
        self.note = ""
        self._last_ns = self._shown_ns = 0
        self._clock, self._standing, self._coarse = CaptureClock(), StandingClock(), CoarseClock()
        self._apart_ns = 0
        self._cut = _Cut()
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
        before, unread_before = self._observer.counters.copied(), set(self._key_log.unread_suites)
        try:
            for block in capture:
                self._key_log.learn(capture.key_log[learned:])
                learned = len(capture.key_log)
                self._apart_ns = capture.apart_ns
                self._shown_ns = int(block.time_ns[-1])
                even = self._clock.set_right(self._standing.set_apart(self._coarse.set_apart(block)))
                self._cut.note(even)
                self._observer.add(even)
                self._last_ns = int(even.time_ns[-1])
                yield map(self._remark, self._observer.take(self._last_ns))
        except BadCapture as exc:
            self.note = f"{exc}."
        unread = self._observer.counters.since(before).find_unread()
        self.note = self.note or capture.note or (f"{unread}." if unread else "")
        self.note = self.note or _describe_unread(self._key_log.unread_suites - unread_before)

    def rest(self) -> Iterator[RecordedCall]:
        """All other calls: nothing follows."""
        return map(self._remark, self._observer.take())

    def is_done_with(self, until_ns: int) -> bool:
        """Whether all calls were given that began up to a moment."""
        return self._observer.open_since_ns > until_ns

    @property
    def last_ns(self) -> int:
        """When the last packet so far was captured."""
        return self._last_ns

    def goes_on(self, first_ns: int) -> bool:
        """Whether a capture that begins then may be the next one."""
        return -_BACK_NS <= first_ns - self._shown_ns <= _QUIET_NS

    def _remark(self, call: RecordedCall) -> RecordedCall:
        """A call with what has to be said of how it was captured."""
        until_ns = max(call.ended_ns, call.began_ns)
        remarks = [
            Remark(step.at_ns, _describe(step)) for step in self._clock.steps if call.began_ns < step.at_ns <= until_ns
        ]
        remarks += self._cut.remark(call.began_ns, until_ns)
        if self._standing.is_standing:
            remarks.append(Remark(call.began_ns, _SENTENCES["one time"]))
        if self._apart_ns:
            text = _SENTENCES["apart"].format(apart_s=round(self._apart_ns / 1e9, 1))
            remarks.append(Remark(call.began_ns, text))
        if self._coarse.is_coarse:
            remarks.append(Remark(call.began_ns, _SENTENCES["whole seconds"]))
            call = replace(call, lanes=tuple(map(_without_delays, call.lanes)))
        return replace(call, remarks=tuple(remarks)) if remarks else call


def _without_delays(lane: Lane) -> Lane:
    """A lane of which nobody knows how long its packets were under way."""
    if lane.quality is None:
        return lane
    return replace(lane, quality=replace(lane.quality, jitter_ms=None, jitter_max_ms=None))


class _Cut:
    """When packets were cut off as they were captured: from, until, and how many bytes were left of the longest."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int, int]] = []

    def note(self, block: PacketBlock) -> None:
        cut = block.length < block.wire_length
        if not cut.any():
            return
        left_bytes = int(block.length[cut].max())
        first_ns, last_ns = int(block.time_ns[cut].min()), int(block.time_ns[cut].max())
        if self._spans and self._spans[-1][2] == left_bytes:
            first_ns = self._spans.pop()[0]
        self._spans.append((first_ns, last_ns, left_bytes))
        del self._spans[:-_SPANS_MAX]

    def remark(self, from_ns: int, until_ns: int) -> list[Remark]:
        """What is to be said of a call, if sound of its time may have been cut off."""
        return [
            Remark(max(first_ns, from_ns), _CUT_OFF.format(left_bytes))
            for first_ns, last_ns, left_bytes in self._spans
            if first_ns <= until_ns and last_ns >= from_ns and left_bytes < _MEDIA_BYTES
        ][:1]


def advise(note: str) -> str:
    """What to do about a capture that could not be read to its end, by its note."""
    return next((hint for words, hint in _HINTS.items() if words in note), _DAMAGED_HINT)


def _describe_unread(suites: set[int]) -> str:
    """What is to be said of connections under TLS that are not read, though their keys are known."""
    names = ", ".join(f"0x{suite:04X}" for suite in sorted(suites)[:5])
    return _SENTENCES["suites"].format(suites=names) if suites else ""


def _describe(step: ClockStep) -> str:
    way, by_s = "forward" if step.by_ns > 0 else "back", abs(step.by_ns) / 1e9
    return f"The clock of the capture was set {way} by {by_s:.1f} s here; the sound goes on as it was sent"
