"""Calls out of captures by the command line, into a folder and into the hub."""

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
from click.testing import CliRunner

from hub.sdk import Device, Health, HealthState, Recorded, Verdict
from hub.testing import FakeContext
from plugins.pbx_sip.commands import capture
from plugins.pbx_sip.plugin import SipCapture
from plugins.pbx_sip.settings import SipCaptureSettings
from tests.doubles import audio
from tests.doubles.capture_file import WireCall, frames_of, pcap_of, write_capture, write_frames

CALLS = [
    WireCall(call_id="a@pbx", said=b"\x20" * 8000),
    WireCall(call_id="b@pbx", caller="202", called="../../etc", port=30000, said=b"\x30" * 8000),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "captures").mkdir()
    return tmp_path / "captures"


@pytest.fixture
def file(tmp_path):
    return write_capture(tmp_path / "calls.pcap", *CALLS)


def import_captures(*words, devices=()):
    return CliRunner().invoke(capture, ["import", *map(str, words)], obj=lambda _plugin, _data=None: list(devices))


def device(folder, name="Head office", recall=lambda _key: None, is_running=False, settle_age_s=0.1):
    settings = SipCaptureSettings(folder=folder, settle_age_s=settle_age_s)
    health = Health(HealthState.OK, "idle")
    return Device(name=name, settings=settings, is_running=is_running, health=health, recall=recall)


def test_each_call_becomes_a_file_with_its_facts_beside_it(file, tmp_path):
    done = import_captures("--output", tmp_path / "out", file)
    assert done.exit_code == 0
    assert "+493012345678" in done.stdout
    assert "4.41" in done.stdout
    assert done.stdout.endswith("calls.pcap: 2 calls\n")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        "2026-09-21T14-13-20Z_201_+493012345678.json",
        "2026-09-21T14-13-20Z_201_+493012345678.wav",
        "2026-09-21T14-13-20Z_202__.._etc.json",
        "2026-09-21T14-13-20Z_202__.._etc.wav",
    ]
    facts = json.loads((tmp_path / "out" / names[0]).read_text())
    assert (facts["file"], facts["call_id"], facts["length_s"], facts["codecs"]) == (names[1], "a@pbx", 1.0, ["PCMU"])
    assert facts["parties"][0]["name"] == "Ana Müller"
    assert len(audio.decoded((tmp_path / "out" / names[1]).read_bytes())[0]) == 8000


def test_a_second_import_replaces_nothing(file, tmp_path):
    import_captures("--output", tmp_path / "out", file)
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    done = import_captures("--output", tmp_path / "out", "--json", file)
    assert {path: path.read_bytes() for path in before} == before
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 2
    assert len(list((tmp_path / "out").iterdir())) == 8


def test_a_capture_may_come_through_a_pipe(tmp_path):
    command = [sys.executable, "-P", "-m", "hub", "capture", "import", "--json", "--output", str(tmp_path / "out"), "-"]
    done = subprocess.run(command, input=pcap_of(*CALLS), capture_output=True, check=False, timeout=120, env=os.environ)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [call["call_id"] for call in found] == ["a@pbx", "b@pbx"]


def test_a_damaged_capture_gives_its_calls_and_ends_with_1(tmp_path):
    whole = pcap_of(CALLS[0])
    (tmp_path / "cut.pcap").write_bytes(whole[:-10])
    (tmp_path / "none.pcap").write_bytes(b"no capture at all, only some words")
    done = import_captures("--output", tmp_path / "out", tmp_path / "cut.pcap", tmp_path / "none.pcap")
    assert done.exit_code == 1
    assert "cut.pcap: 1 call\n" in done.stdout
    assert "cut.pcap could not be read to its end" in done.stderr
    assert "none.pcap could not be read to its end: neither pcap nor pcapng" in done.stderr


@pytest.mark.parametrize(
    ("names", "words", "said"),
    [
        ((), (), "No device"),
        (("Head office",), ("--device", "Branch"), "There is no device 'Branch'"),
        (("Head office", "Branch"), (), "Several devices"),
        (("Head office",), ("--sip-port", "5070"), "settings"),
        ((), ("--device", "Branch", "--output", "out"), "either"),
    ],
)
def test_a_device_that_cannot_be_told_ends_with_2_and_places_nothing(names, words, said, file, folder):
    done = import_captures(*words, file, devices=[device(folder, name) for name in names])
    assert (done.exit_code, list(folder.iterdir())) == (2, [])
    assert said in done.stderr


def test_a_capture_for_a_hub_that_does_not_run_waits_in_its_folder(file, folder):
    done = import_captures(file, devices=[device(folder)])
    assert done.exit_code == 1
    assert "does not run" in done.stderr
    assert (folder / "calls.pcap").read_bytes() == file.read_bytes()
    assert [path.name for path in folder.iterdir()] == ["calls.pcap"]


def test_what_is_no_capture_is_not_given_to_a_device(tmp_path, folder):
    (tmp_path / "none.pcap").write_bytes(b"no capture at all, only some words")
    done = import_captures(tmp_path / "none.pcap", tmp_path / "missing.pcap", devices=[device(folder)])
    assert (done.exit_code, list(folder.iterdir())) == (1, [])
    assert "missing.pcap: No such file" in done.stderr


@contextmanager
def running(settings, ctx):
    import asyncio  # noqa: PLC0415 - beside the loop that it makes

    loop = asyncio.new_event_loop()
    task = loop.create_task(SipCapture(settings, ctx).run())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(asyncio.wait([task]))
        loop.close()


def test_a_running_device_is_followed_until_the_hub_has_the_calls(file, folder, tmp_path):
    ctx = FakeContext(tmp_path / "hub")
    made = device(folder, recall=ctx.state.get, is_running=True)
    with running(made.settings, ctx):
        done = import_captures(file, file, devices=[made])
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["calls-2.pcap", "calls.pcap"]
    assert {draft.call_id for draft in ctx.submitted.values()} == {"a@pbx", "b@pbx"}


def rotated(folder, names):
    """A call of ten seconds over captures that a tool wrote one after the other."""
    frames = sorted(frames_of(replace(CALLS[0], said=b"\x20" * 80_000)))
    third = len(frames) // 3
    parts = (frames[:third], frames[third : 2 * third], frames[2 * third :])
    return [write_frames(folder / name, part) for name, part in zip(names, parts, strict=True)]


_ROTATED = [
    ("rot_00001_2026.pcap", "rot_00002_2026.pcap", "rot_00003_2026.pcap"),
    ("calls.pcap9", "calls.pcap10", "calls.pcap11"),
]


@pytest.mark.parametrize("names", _ROTATED)
def test_a_call_over_captures_that_were_written_one_after_the_other_is_one(names, tmp_path):
    files = rotated(tmp_path, names)
    done = import_captures("--output", tmp_path / "out", "--json", *sorted(files), tmp_path / "missing.pcap")
    [call] = map(json.loads, done.stdout.splitlines())
    assert (call["capture"], call["length_s"]) == (names[-1], 10.0)


@pytest.mark.parametrize("names", _ROTATED)
def test_captures_that_were_written_one_after_the_other_come_to_a_device_together(names, folder, tmp_path):
    ctx = FakeContext(tmp_path / "hub")
    made = device(folder, recall=ctx.state.get, is_running=True, settle_age_s=1.0)
    files = rotated(tmp_path, names)
    with running(made.settings, ctx):
        done = import_captures(*sorted(files), devices=[made])
    assert done.exit_code == 0, done.stderr
    [draft] = ctx.submitted.values()
    assert draft.duration_s == pytest.approx(10.0, abs=0.02)


def test_it_is_told_what_rules_left_out_and_what_is_missing(folder, tmp_path):
    ctx = FakeContext(tmp_path / "hub")
    excluded = Verdict(recorded=Recorded.NO, rule="No works council")
    ctx.rules = lambda call: excluded if call.caller == "201" else Verdict()
    silent = [
        frame for frame in frames_of(WireCall(call_id="s@pbx", caller="203", port=40000)) if b"SIP/2.0" in frame[1]
    ]
    frames = sorted([*silent, *(frame for call in CALLS for frame in frames_of(call))])
    file = write_frames(tmp_path / "calls.pcap", frames)
    made = device(folder, recall=ctx.state.get, is_running=True)
    with running(made.settings, ctx):
        done = import_captures(file, devices=[made])
        quiet = import_captures("--json", file, devices=[made])
    assert "calls.pcap: 1 recorded, 1 left out by the rule 'No works council', 1 missing: no media" in done.stdout
    assert "calls-2.pcap: 1 recorded" in quiet.stderr
    assert len([json.loads(line) for line in quiet.stdout.splitlines()]) == 3
