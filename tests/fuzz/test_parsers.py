"""What strangers send is read without a crash, whatever a coverage-guided fuzzer makes of it in a short time.

`make fuzz` looks for longer.
"""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.fuzz.run import describe, fuzz

_ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 8
_SEED = 20260102  # each run tries the same, as far as it gets: `make fuzz` tries anything
_DEV = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]["dev"]
_ATHERIS = next(each for each in map(Requirement, _DEV) if each.name == "atheris")

pytestmark = pytest.mark.skipif(
    not _ATHERIS.marker.evaluate(), reason=f"atheris is made for other machines ({_ATHERIS.marker})"
)


def find_nothing(name: str, folder: Path) -> None:
    outcome = fuzz(name, folder, _SECONDS, seed=_SEED)
    assert not outcome.failed, describe(name, outcome)


def test_a_coverage_guided_fuzzer_finds_no_crash_in_the_sip_reader(tmp_path: Path) -> None:
    find_nothing("sip", tmp_path)


def test_a_coverage_guided_fuzzer_finds_no_crash_in_the_framing_of_a_stream(tmp_path: Path) -> None:
    find_nothing("stream", tmp_path)


def test_a_coverage_guided_fuzzer_finds_no_crash_in_the_sdp_reader(tmp_path: Path) -> None:
    find_nothing("sdp", tmp_path)


def test_a_coverage_guided_fuzzer_finds_no_crash_in_the_reader_of_recording_metadata(tmp_path: Path) -> None:
    find_nothing("metadata", tmp_path)


def test_a_coverage_guided_fuzzer_finds_no_crash_in_the_splitting_of_bodies(tmp_path: Path) -> None:
    find_nothing("bodies", tmp_path)


def test_a_coverage_guided_fuzzer_finds_no_crash_in_the_readers_of_rtp_and_rtcp(tmp_path: Path) -> None:
    find_nothing("media", tmp_path)


def test_a_coverage_guided_fuzzer_finds_no_crash_in_the_reader_and_decoder_of_captures(tmp_path: Path) -> None:
    find_nothing("capture", tmp_path)


def test_a_coverage_guided_fuzzer_finds_no_crash_in_the_import_of_captured_calls(tmp_path: Path) -> None:
    find_nothing("calls", tmp_path)


def test_an_input_that_crashes_a_reader_is_found_and_kept(tmp_path: Path) -> None:
    outcome = fuzz("planted-crash", tmp_path, _SECONDS, seed=_SEED)
    assert outcome.input is not None
    assert outcome.input.read_bytes().startswith(b"no")
    said = describe("planted-crash", outcome)
    assert str(outcome.input) in said
    assert "RuntimeError: planted" in said


def test_an_input_that_takes_too_long_is_found_and_kept(tmp_path: Path) -> None:
    outcome = fuzz("planted-stall", tmp_path, _SECONDS, seed=_SEED)
    assert outcome.input is not None
    assert "s of processor time" in describe("planted-stall", outcome)
