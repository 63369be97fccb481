"""The health of an engine in a line and numbers."""

import time

from hub.sdk import Health, HealthState, LiveState
from plugins.pbx_sip.engine.engine import Engine
from plugins.pbx_sip.engine.foreman import STARTING
from plugins.pbx_sip.engine.incidents import LASTS_S
from plugins.pbx_sip.engine.tally import Tally

_NUMBERS = (
    "received",
    "kept",
    "strange",
    "lost_in_kernel",
    "lost_for_want_of_disk",
    "journal_bytes",
    "waiting_bytes",
)
_SUITES_MAX = 5
_SHORTCOMING_ADVICE = (
    "Give the hub the right to open raw sockets, or the device an interface of this machine or none; "
    "`recording-hub capture check` says what is wrong."
)


def describe(engine: Engine) -> Health:
    """How an engine is now."""
    tally = engine.tally
    live = [call for call in engine.table.calls.values() if not call.leader and not engine.table.ends.is_over(call)]
    recording = sum(1 for call in live if call.state is LiveState.RECORDING)
    numbers = {f"packets_{name}" if "bytes" not in name else name: tally.sum(name) for name in _NUMBERS}
    numbers |= {
        "packets_late": float(tally.late),
        "spare_workers": tally.sum("spares"),
        "calls": float(len(live)),
        "calls_recording": float(recording),
        "recordings": float(tally.recordings),
        "calls_without_recording": float(tally.absent),
        "calls_failed": float(tally.failed),
        "worker_restarts": float(sum(max(foreman.restarts, 0) for foreman in engine.foremen)),
    }
    ways = ", ".join(filter(None, dict.fromkeys(tally.ways.values())))
    text = f"Calls being recorded: {recording}; recordings made: {tally.recordings} ({ways})"
    return (
        _find_trouble(engine, numbers)
        or _find_shortcoming(tally, text, numbers)
        or Health(HealthState.OK, text, "", numbers)
    )


def _find_trouble(engine: Engine, numbers: dict[str, float]) -> Health | None:
    """Why nothing is recorded, or soon will not be."""
    tally = engine.tally
    if stuck := next((foreman for foreman in engine.foremen if foreman.trouble), None):
        advice = "`recording-hub capture check` says what to mend on this machine."
        hint = "" if stuck.trouble == STARTING else stuck.hint or advice
        return Health(HealthState.DOWN, f"Nothing is captured: {stuck.trouble}", hint, numbers)
    if trouble := next(filter(None, tally.intake_troubles.values()), ""):
        hint = "See to the network interface; capture goes on by itself when packets come again."
        return Health(HealthState.DEGRADED, f"No packets come: {trouble}", hint, numbers)
    if all(tally.unread.get(number) for number in tally.workers) and tally.workers:
        hint = "Mirror the traffic where it is plain Ethernet, outside of encrypted tunnels."
        return Health(HealthState.DEGRADED, f"No calls can be read: {tally.unread[min(tally.workers)]}", hint, numbers)
    if trouble := next(filter(None, (*tally.disk_troubles.values(), engine.notes_trouble)), ""):
        hint = "Make room on the disk, or mend what is said; until then all that comes waits in memory."
        return Health(HealthState.DEGRADED, f"The disk takes nothing: {trouble}", hint, numbers)
    return None


def _find_shortcoming(tally: Tally, text: str, numbers: dict[str, float]) -> Health | None:
    """What is worse than it could be; text: how things are besides."""
    if shortcoming := next(filter(None, tally.shortcomings.values()), ""):
        text = f"{text}. Ordinary sockets serve, which cost several times as much: {shortcoming}"
        return Health(HealthState.DEGRADED, text, _SHORTCOMING_ADVICE, numbers)
    since_s = time.monotonic() - LASTS_S
    if suites := sorted(suite for suite, at_s in tally.unread_suites.items() if at_s > since_s):
        names = ", ".join(f"0x{suite:04X}" for suite in suites[:_SUITES_MAX])
        text = f"{text}. SIP over TLS with a cipher suite that is not read passes by, whose keys are known: {names}"
        hint = "Let the ends agree on AES-GCM or ChaCha20-Poly1305; until then these calls have no numbers."
        return Health(HealthState.DEGRADED, text, hint, numbers)
    return None
