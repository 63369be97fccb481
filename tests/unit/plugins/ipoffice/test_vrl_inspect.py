import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plugins.ipoffice.vrl_inspect import vrl_inspect
from tests.doubles import vrl_files
from tests.doubles.audio import chunk


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(vrl_inspect, [str(argument) for argument in arguments])


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    call = chunk(b"AVRL", b"<call><callid>77</callid></call>")
    path.write_bytes(vrl_files.wave(chunks=vrl_files.info(IART="Anna") + call + chunk(b"SIGN", b"\x01\x02\x03\x04")))
    (tmp_path / "call.json").write_text('{"skill": "Sales"}')
    return path


def test_everything_in_a_file_is_shown_with_the_rule_of_each_field(recording: Path) -> None:
    result = run(recording)
    assert result.exit_code == 0
    for text in ("RIFF/WAVE", "whole", "G.711 µ-law", "SIGN", "01 02 03 04", "sidecars   call.json"):
        assert text in result.output
    for line in (
        "call_id     77",
        "<- riff:AVRL.xml.call.callid",
        "agent       Anna",
        "<- riff:INFO.IART",
        "<- sidecar:skill",
    ):
        assert line in result.output


def test_a_script_gets_json(recording: Path) -> None:
    (found,) = json.loads(run("--json", recording).output)
    assert found["fields"]["agent"] == {"value": "Anna", "rule": "riff:INFO.IART"}
    assert found["raw"]["riff:SIGN"] == "01020304"
    assert found["whole"] is True
    assert found["problem"] is None


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_a_mapping_can_be_tried_before_it_is_saved(recording: Path, tmp_path: Path, suffix: str) -> None:
    settings = tmp_path / f"site{suffix}"
    rule = "target = riff:INFO.IART\\nucid = riff:AVRL.xml.callid"
    settings.write_text(f'{{"mapping": "{rule}"}}' if suffix == ".json" else f'mapping = "{rule}"')
    result = run("--settings", settings, recording)
    assert "target      Anna" in result.output
    assert "ucid = 77" in result.output


def test_exit_codes_tell_what_is_wrong(recording: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange.wav"
    strange.write_bytes(b"not a recording")
    assert run(strange, recording).exit_code == 1
    assert "FILE_PARSE_ERROR" in run(strange).output
    assert run(tmp_path / "none.wav", strange).exit_code == 3
    assert run(tmp_path).exit_code == 3
    assert run().exit_code == 2
    wrong = tmp_path / "wrong.json"
    for text in ('{"mapping": "agent"}', '{"maping": ""}', "{"):
        wrong.write_text(text)
        result = run("--settings", wrong, recording)
        assert result.exit_code == 2
        assert "wrong.json" in result.output


def test_a_sidecar_that_is_given_as_well_is_shown_with_its_recording(recording: Path) -> None:
    result = run(recording, recording.with_suffix(".json"))
    assert result.exit_code == 0
    assert result.output.count("container") == 1
