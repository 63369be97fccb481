"""The health of an engine in a line and numbers."""

from hub.sdk import Health, HealthState, LiveState
from plugins.pbx_sip.engine.engine import Engine

_NUMBERS = ("received", "kept", "strange", "lost_in_kernel", "lost_for_want_of_disk", "journal_bytes")


def describe(engine: Engine) -> Health:
    """How an engine is now."""
    tally = engine.tally
    live = [call for call in engine.table.calls.values() if not call.leader and not call.dialog.is_over]
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
        hint = "`recording-hub capture check` says what to mend on this machine."
        return Health(HealthState.DOWN, f"Nothing is captured: {troubles[0]}", hint, numbers)
    if trouble := next(filter(None, tally.troubles.values()), ""):
        hint = "Make room on the disk, or mend what is said; until then the media waits in memory."
        return Health(HealthState.DEGRADED, f"Media cannot be written down: {trouble}", hint, numbers)
    ways = ", ".join(dict.fromkeys(tally.ways.values()))
    text = f"{recording} calls are being recorded; {tally.recordings} recordings made ({ways})"
    return Health(HealthState.OK, text, "", numbers)
