from hypothesis import given
from hypothesis import strategies as st

from plugins.ipoffice.vrl.content import Content
from plugins.ipoffice.vrl.ogg import read_ogg
from tests.doubles import audio, vrl_files


def test_tags_and_length_of_an_opus_file_are_read() -> None:
    ogg = read_ogg(Content.of_bytes(vrl_files.opus_file({"CALLID": "77", "PARTIES": "201; 202"}, length_s=2.5)))
    assert ogg.whole
    assert ("CALLID", "77") in ogg.comments
    assert ogg.audio is not None
    assert (ogg.audio.codec, ogg.audio.duration_s) == ("Opus", 2.5)


def test_a_file_that_a_real_encoder_wrote_is_whole() -> None:
    ogg = read_ogg(Content.of_bytes(audio.encoded(audio.tone(1.0), "libopus", "ogg", 16_000)))
    assert ogg.whole
    assert ogg.audio is not None
    assert ogg.audio.duration_s is not None
    assert abs(ogg.audio.duration_s - 1.0) < 0.05


def test_a_stream_that_does_not_say_it_ends_is_not_whole() -> None:
    ogg = read_ogg(Content.of_bytes(vrl_files.opus_file(ended=False)))
    assert not ogg.whole
    assert ogg.notes


def test_a_file_that_is_cut_off_is_not_whole() -> None:
    whole = vrl_files.opus_file()
    for cut in (1, 50, len(whole) // 2, len(whole) - 30):
        assert not read_ogg(Content.of_bytes(whole[:-cut])).whole


def test_tags_may_span_pages() -> None:
    long_tag = "x" * 300
    head, tags, sound = vrl_files.opus_file({"A": long_tag, "CALLID": "77"}).split(b"OggS")[1:]
    packet = tags[23 + tags[22] :]
    first = vrl_files.ogg_page(packet[:255], sequence=1)
    first = first[:26] + b"\x01\xff" + first[29:]  # one lacing value of 255: the packet goes on
    second = vrl_files.ogg_page(packet[255:], flags=1, sequence=2)
    ogg = read_ogg(Content.of_bytes(b"OggS" + head + first + second + b"OggS" + sound))
    assert ("CALLID", "77") in ogg.comments


def test_a_comment_header_that_lies_about_its_length_is_cut_off() -> None:
    data = bytearray(vrl_files.opus_file({"CALLID": "77"}))
    at = data.index(b"CALLID=77") - 4
    data[at : at + 4] = b"\xff\xff\xff\x7f"
    ogg = read_ogg(Content.of_bytes(bytes(data)))
    assert "the comment header is cut off" in ogg.notes


@given(st.binary(max_size=600))
def test_no_bytes_after_the_magic_upset_the_reader(data: bytes) -> None:
    read_ogg(Content.of_bytes(b"OggS" + data))


@given(st.integers(0, 500), st.integers(0, 255))
def test_no_changed_byte_upsets_the_reader(at: int, value: int) -> None:
    data = bytearray(vrl_files.opus_file({"CALLID": "77", "X": "y" * 100}))
    data[at % len(data)] = value
    read_ogg(Content.of_bytes(bytes(data)))
