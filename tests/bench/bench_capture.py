"""Import of a capture: one-minute calls, G.711 both ways, from the file to one WAV with two channels for each.

Beside it, in the same run: reading and writing the same bytes, which no import can be faster than, and TShark's
statistics of the RTP streams in the same file where the Debian package tshark is installed. Then the way to Opus, with
all that the desk of the hub does to a recording, in seconds of processor time.
"""

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from struct import pack
from typing import cast

import numpy as np
from figure import Figure, emit

from hub.config.policy import MediaPolicy
from hub.ingest.desk import examine
from hub.ingest.finding import Wanted
from hub.sdk import MediaFile, RecordingDraft
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.media import g711
from plugins.pbx_sip.packets.files import open_capture
from tests.doubles import audio
from tests.doubles.audio import Samples
from tests.doubles.capture_file import WireCall, frames_of
from tests.doubles.rtp_stream import BEGAN_NS

BAR_S, BAR_CALLS = 2.0, 200
BAR_OPUS_PER_S = 10
_ROUNDS, _OPUS_CALLS = 3, 40


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    calls = 10 if asked.quick else BAR_CALLS
    with tempfile.TemporaryDirectory(prefix="bench-capture-") as made:
        capture = Path(made) / "calls.pcap"
        talk = audio.speech(60, channels=2)  # in turn, with pauses of a tenth of a second to half a second
        packets = write_calls(capture, calls, talk)
        took_s = sorted(import_calls(capture, calls) for _ in range(_ROUNDS))[_ROUNDS // 2]
        copied_s = copy(capture, Path(made) / "copy")
        name = f"capture import, {calls} calls of a minute to WAV"
        emit(
            Figure(
                figure=name,
                value=took_s,
                unit="s",
                beside=f"a plain copy of the file: {copied_s:.2f} s",
                ratio=took_s / copied_s,
                bar=f"<= {BAR_S * calls / BAR_CALLS:g} s",
                ok=took_s <= BAR_S * calls / BAR_CALLS,
            )
        )
        emit(Figure(figure="capture import, packets", value=packets / took_s / 1e6, unit="million/s"))
        if shutil.which("tshark"):
            other_s = run_tshark(capture)
            beside = f"tshark -z rtp,streams: {other_s:.1f} s"
            emit(Figure(figure=name, value=took_s, unit="s", beside=beside, ratio=took_s / other_s))
        few_capture = Path(made) / "few.pcap"
        few = min(calls, _OPUS_CALLS)
        write_calls(few_capture, few, talk)
        per_s, kept_per_s = (
            few / statistics.median(import_to(form, few_capture) for _ in range(_ROUNDS)) for form in ("opus", "keep")
        )
        emit(
            Figure(
                figure="capture import, calls of a minute to Opus",
                value=per_s,
                unit="calls/s per core",
                beside=f"the same without the encoder: {kept_per_s:.1f}",
                ratio=per_s / kept_per_s,
                bar=f">= {BAR_OPUS_PER_S}",
                ok=per_s >= BAR_OPUS_PER_S,
            )
        )
        write_calls(few_capture, few, np.concatenate([audio.speech(60, seed=seed) for seed in (1, 2)], axis=1))
        at_once_per_s = few / import_to("opus", few_capture)
        emit(
            Figure(
                figure="capture import to Opus, both talk all the time", value=at_once_per_s, unit="calls/s per core"
            )
        )
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        emit(Figure(figure="capture import, memory at most", value=memory_mb, unit="MB"))
    return 0


def write_calls(path: Path, calls: int, lanes: Samples) -> int:
    """A capture in which the calls take place at once, all with the same two voices, shape (samples, 2).

    Returns: how many packets it has.
    """
    said, heard = (g711.compress_mu(lane).tobytes() for lane in np.ascontiguousarray(lanes.T))
    frames: list[tuple[int, bytes]] = []
    for number in range(calls):
        call = WireCall(
            call_id=f"{number}@pbx",
            caller=str(200 + number),
            port=20000 + 2 * number,
            said=said,
            heard=heard,
            began_ns=BEGAN_NS + number * 7_000_000,
        )
        frames += frames_of(call)
    frames.sort(key=lambda frame: frame[0])
    with path.open("wb") as file:
        file.write(pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
        for at_ns, frame in frames:
            file.write(pack("<IIII", at_ns // 10**9, at_ns % 10**9, len(frame), len(frame)) + frame)
    return len(frames)


def import_calls(capture: Path, expected: int) -> float:
    """Seconds from the first byte read to the last call written."""
    with tempfile.TemporaryDirectory(dir=capture.parent) as folder:
        began_s = time.perf_counter()
        found = sum(1 for _ in draft_calls(capture, Path(folder)))
        took_s = time.perf_counter() - began_s
    assert found == expected, found
    return took_s


def draft_calls(capture: Path, folder: Path) -> Iterator[RecordingDraft]:
    """The drafts of all calls, one after the other, each with its sound in a file of its own."""
    observer, plan, names = Observer(), NumberPlan(), (folder / f"call-{number}.wav" for number in count(1))
    with open_capture(capture) as blocks:
        for block in blocks:
            observer.add(block)
            for call in observer.take(int(block.time_ns[-1])):
                yield make_draft(call, plan, next(names), capture.name)
    for call in observer.take():
        yield make_draft(call, plan, next(names), capture.name)


def import_to(form: str, capture: Path) -> float:
    """Processor seconds from the first byte read to the last call examined, drawn and stored in a form."""
    began_s = time.process_time()
    for _ in convert_calls(form, capture):
        pass
    return time.process_time() - began_s


def convert_calls(form: str, capture: Path) -> Iterator[None]:
    """Make the form of each call, one after the other, with all that the desk of the hub does to a recording."""
    policy = MediaPolicy()
    wanted = Wanted(form=form, opus_bps=policy.opus_bitrate_bps, opus_complexity=policy.opus_complexity)
    with tempfile.TemporaryDirectory(dir=capture.parent) as folder:
        for draft in draft_calls(capture, Path(folder)):
            sound = cast("MediaFile", draft.media[0]).path
            finding = examine(sound, sound.with_suffix(""), wanted, lambda: None)
            assert finding.problem is None, finding
            sound.unlink()
            yield


def copy(capture: Path, target: Path) -> float:
    began_s = time.perf_counter()
    shutil.copyfile(capture, target)
    return time.perf_counter() - began_s


def run_tshark(capture: Path) -> float:
    began_s = time.perf_counter()
    subprocess.run(
        ["tshark", "-q", "-n", "-r", str(capture), "-z", "rtp,streams"],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began_s


if __name__ == "__main__":
    sys.exit(main())
