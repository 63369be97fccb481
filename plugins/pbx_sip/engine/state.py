"""The health of an engine in a line and numbers."""

from hub.sdk import Health, HealthState, LiveState
from plugins.pbx_sip.engine.engine import Engine
from plugins.pbx_sip.engine.foreman import STARTING

_NUMBERS = (
    "received",
    "kept",
    "strange",
    "lost_in_kernel",
    "lost_for_want_of_disk",
    "journal_bytes",
    "waiting_bytes",
)
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
        "spare_workers": tally.sum("spares"),
        "calls": float(len(live)),
        "calls_recording": float(recording),
        "recordings": float(tally.recordings),
        "calls_without_recording": float(tally.absent),
        "calls_failed": float(tally.failed),
        "worker_restarts": float(sum(max(foreman.restarts, 0) for foreman in engine.foremen)),
    }
    troubles = [foreman.trouble for foreman in engine.foremen if foreman.trouble]
    if troubles:
        hint = "" if troubles[0] == STARTING else "`recording-hub capture check` says what to mend on this machine."
        return Health(HealthState.DOWN, f"Nothing is captured: {troubles[0]}", hint, numbers)
    if trouble := next(filter(None, tally.intake_troubles.values()), ""):
        hint = "See to the network interface; capture goes on by itself when packets come again."
        return Health(HealthState.DEGRADED, f"No packets come: {trouble}", hint, numbers)
    if all(tally.unread.get(number) for number in tally.workers) and tally.workers:
        hint = "Mirror the traffic where it is plain Ethernet, outside of encrypted tunnels."
        return Health(HealthState.DEGRADED, f"No calls can be read: {tally.unread[min(tally.workers)]}", hint, numbers)
    if trouble := next(filter(None, (*tally.disk_troubles.values(), engine.notes_trouble)), ""):
        hint = "Make room on the disk, or mend what is said; until then all that comes waits in memory."
        return Health(HealthState.DEGRADED, f"The disk takes nothing: {trouble}", hint, numbers)
    ways = ", ".join(filter(None, dict.fromkeys(tally.ways.values())))
    text = f"{recording} calls are being recorded; {tally.recordings} recordings made ({ways})"
    if shortcoming := next(filter(None, tally.shortcomings.values()), ""):
        text = f"{text}. Ordinary sockets serve, which cost several times as much: {shortcoming}"
        return Health(HealthState.DEGRADED, text, _SHORTCOMING_ADVICE, numbers)
    return Health(HealthState.OK, text, "", numbers)
