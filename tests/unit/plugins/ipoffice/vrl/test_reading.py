import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.ipoffice.vrl.content import Content
from plugins.ipoffice.vrl.reading import is_whole, read_content
from tests.doubles import audio, vrl_files


def problem(data: bytes) -> str:
    found = read_content(Content.of_bytes(data)).problem
    return f"{found[0]}: {found[1]}" if found else ""


def test_wav_and_opus_have_no_problem() -> None:
    assert not problem(vrl_files.wave())
    assert not problem(vrl_files.opus_file())


@pytest.mark.parametrize("law", [audio.PCM, audio.A_LAW, audio.MU_LAW])
def test_all_kinds_of_g711_and_pcm_are_told_apart(law: int) -> None:
    reading = read_content(Content.of_bytes(audio.wav(audio.tone(0.2), law)))
    assert reading.audio is not None
    assert (
        reading.audio.codec == {audio.PCM: "PCM 16 bit", audio.A_LAW: "G.711 A-law", audio.MU_LAW: "G.711 µ-law"}[law]
    )


def test_an_empty_file_is_a_problem_and_not_an_error() -> None:
    assert problem(b"") == "FILE_PARSE_ERROR: The file is empty."


def test_encrypted_content_is_called_so() -> None:
    data = random.Random(7).randbytes(5000)
    assert "looks encrypted" in problem(data)
    assert is_whole(Content.of_bytes(data)) is None


def test_text_in_place_of_sound_is_a_problem() -> None:
    assert "Neither WAV nor Ogg" in problem(b"<html>not found</html>")


def test_other_kinds_of_sound_are_left_to_the_hub() -> None:
    for data in (
        b"fLaC" + bytes(100),
        b"\xff\xfb\x90\x00" + bytes(100),
        b"#!AMR\n" + bytes(50),
        vrl_files.id3(TIT2="x"),
    ):
        assert not problem(data)


def test_a_riff_file_of_another_kind_is_a_problem() -> None:
    assert "not WAVE" in problem(b"RIFF\x04\0\0\0AVI ")
    assert "without a description" in problem(b"RIFF\x04\0\0\0WAVE")


@given(st.binary(max_size=300))
def test_no_content_upsets_the_reader(data: bytes) -> None:
    content = Content.of_bytes(data)
    read_content(content)
    is_whole(content)
