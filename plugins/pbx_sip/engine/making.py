"""Makes recordings of calls that are over, in a process of its own, from what the journals of the workers hold."""

import ctypes
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.flows import Flows
from plugins.pbx_sip.calls.hops import Joined, Seen, join_hops
from plugins.pbx_sip.calls.recorded import record
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.calls.strays import find_strays
from plugins.pbx_sip.calls.voices import find_voices
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.engine.job import Decided, Job, Made
from plugins.pbx_sip.engine.places import read_places
from plugins.pbx_sip.journal.reading import read_units
from plugins.pbx_sip.journal.unit import UnitPlace
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.message import read_message

_PR_SET_PDEATHSIG = 1
_NICE = 10


def prepare(parent_pid: int) -> None:
    """Make this process one that works when others do not want to, and that ends with its parent."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)


def make_recordings(job: Job) -> tuple[Made, ...]:
    """Write the sound of each call into a file and say whose it is. Raises: OSError."""
    endpoints = Endpoints()
    signalling = Signalling(endpoints, job.headers)
    for place, call_id, since_ns in job.claims:
        signalling.claims.claim(read_places(endpoints, [place])[0], call_id, since_ns)
    for at_ns, content in job.messages:
        try:
            signalling.add(read_message(content), at_ns)
        except SipError:
            continue
    flows = Flows()
    for folder, units in job.units.items():
        datagrams, _ = read_units(Path(folder), [UnitPlace(*unit) for unit in units], endpoints)
        flows.add(datagrams)
    if job.strays:
        found = find_strays(flows.all(), (), endpoints)
        return tuple(_make(call, job, f"{job.name}-{number}") for number, call in enumerate(found))
    return tuple(_make_all(list(signalling.dialogs.values()), signalling, flows, job))


def _make_all(dialogs: list[Dialog], signalling: Signalling, flows: Flows, job: Job) -> Iterator[Made]:
    seen = [Seen(dialog=each, voices=tuple(find_voices(each, flows, signalling.claims))) for each in dialogs]
    for number, call in enumerate(join_hops(seen)):
        yield _make(call, job, f"{job.name}-{number}")


def _make(call: Joined, job: Job, name: str) -> Made:
    call_ids = tuple(hop.call_id for hop in call.hops)
    decided = next((job.decided[each] for each in call_ids if each in job.decided), Decided())
    made = Made(
        call_ids=call_ids,
        has_media=bool(call.voices),
        was_answered=any(hop.answered_ns or hop.session is not None for hop in call.hops),
    )
    if not call.voices:
        return replace(made, why="No media of this call was received.")
    recorded = record(call, decided.pauses)
    if not any(len(lane.sound) for lane in recorded.lanes):
        codings = sorted({coding for lane in recorded.lanes for coding in lane.undecoded})
        return replace(made, why=f"Its media cannot be decoded: {', '.join(codings) or 'it is damaged'}.")
    draft = make_draft(
        recorded,
        job.plan,
        job.folder / f"{name}.wav",
        job.origin,
        verdict=decided.verdict,
        pauses=decided.pauses,
    )
    return replace(made, draft=draft)
