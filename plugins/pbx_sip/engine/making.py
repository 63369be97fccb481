"""Makes recordings of calls that are over, in a process of its own, from what the journals of the workers hold."""

import ctypes
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.ends import join_ends
from plugins.pbx_sip.calls.flows import Flows
from plugins.pbx_sip.calls.hops import Joined, Seen, join_hops
from plugins.pbx_sip.calls.lines import part_lines
from plugins.pbx_sip.calls.parts import split_sessions
from plugins.pbx_sip.calls.recorded import record
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.calls.strays import find_strays
from plugins.pbx_sip.calls.voices import find_voices
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.drafts.terms import Terms
from plugins.pbx_sip.engine.job import Job, Made
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
    """Write the sound of each call into a file and say whose it is.

    Raises: OSError (a disk is full or away), after which no file is left.
    """
    try:
        return _make_recordings(job)
    except OSError:
        for path in job.folder.glob(f"{job.name}-*"):
            path.unlink(missing_ok=True)
        raise


def _make_recordings(job: Job) -> tuple[Made, ...]:
    endpoints = Endpoints()
    signalling = Signalling(endpoints, job.headers)
    for place, call_id, since_ns in job.claims:
        signalling.claims.claim(read_places(endpoints, [place])[0], call_id, since_ns)
    for at_ns, call_id, content in job.messages:
        try:
            signalling.add(read_message(content), at_ns, call_id)
        except SipError:
            continue
    for dialog in signalling.dialogs.values():
        if (decided := job.decided.get(dialog.call_id)) is not None:
            dialog.interaction = decided.interaction
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
    for number, call in enumerate(split_sessions(join_ends(part_lines(join_hops(seen))))):
        yield _make(call, job, f"{job.name}-{number}")


def _make(call: Joined, job: Job, name: str) -> Made:
    call_ids = tuple(hop.call_id for hop in call.hops)
    terms = _join_terms([job.decided[each].terms for each in call_ids if each in job.decided])
    recorded = record(call, terms.pauses)
    made = Made(
        call_ids=call_ids,
        has_media=bool(recorded.lanes),
        was_answered=recorded.was_answered,
        name=call.dialog.call_id,
    )
    if not recorded.is_heard:
        return replace(made, why=recorded.why_unheard)
    draft = make_draft(recorded, job.plan, job.folder / f"{name}.wav", job.origin, terms)
    qualities = tuple(lane.quality for lane in recorded.lanes if lane.quality is not None)
    return replace(made, draft=draft, qualities=qualities)


def _join_terms(hops: Sequence[Terms]) -> Terms:
    """The terms of the first hop; what somebody paused or stopped on any of them is not heard on another one."""
    if not hops:
        return Terms()
    pauses: list[tuple[int, int]] = []
    for since_ns, until_ns in sorted(pause for terms in hops for pause in terms.pauses):
        if pauses and since_ns <= pauses[-1][1]:
            pauses[-1] = (pauses[-1][0], max(until_ns, pauses[-1][1]))
        else:
            pauses.append((since_ns, until_ns))
    first = min((terms for terms in hops if terms.stopped_ns), key=lambda terms: terms.stopped_ns, default=hops[0])
    return replace(
        hops[0],
        pauses=tuple(pauses),
        stopped_ns=first.stopped_ns,
        stopper=first.stopper,
        unheeded=tuple(sorted({each for terms in hops for each in terms.unheeded})),
    )
