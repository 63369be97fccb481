import struct

from hypothesis import given
from hypothesis import strategies as st

from plugins.ipoffice.vrl.content import Content
from plugins.ipoffice.vrl.facts import RAW_ALL_BYTES_MAX, RAW_ONE_BYTES_MAX, Facts
from plugins.ipoffice.vrl.riff import CHUNKS_MAX, add_riff_facts, read_riff
from tests.doubles import vrl_files
from tests.doubles.audio import chunk


def facts_of(data: bytes) -> Facts:
    facts = Facts()
    content = Content.of_bytes(data)
    add_riff_facts(facts, content, read_riff(content))
    return facts


def texts(facts: Facts) -> dict[str, str]:
    return {fact.label: fact.value for fact in facts.found}


def test_a_wav_file_is_whole_when_its_sizes_are_true() -> None:
    riff = read_riff(Content.of_bytes(vrl_files.wave(bytes(8000))))
    assert riff.whole
    assert riff.audio is not None
    assert (riff.audio.codec, riff.audio.channels, riff.audio.sample_rate_hz) == ("G.711 µ-law", 1, 8000)
    assert riff.audio.duration_s == 1.0


def test_a_file_that_is_cut_off_is_not_whole() -> None:
    riff = read_riff(Content.of_bytes(vrl_files.wave()[:-1]))
    assert riff.whole or "says" in riff.notes[0]  # a lone missing byte may be the pad
    assert not read_riff(Content.of_bytes(vrl_files.wave()[:-2])).whole


def test_a_file_that_goes_on_after_its_end_is_not_whole() -> None:
    riff = read_riff(Content.of_bytes(vrl_files.wave() + b"more and more"))
    assert not riff.whole
    assert any("something follows" in note for note in riff.notes)


def test_a_header_written_before_the_sound_is_not_whole_while_the_sound_grows() -> None:
    empty = vrl_files.wave(b"")
    assert read_riff(Content.of_bytes(empty)).whole
    assert not read_riff(Content.of_bytes(empty + b"\xff" * 160)).whole


def test_a_missing_pad_byte_at_the_end_is_forgiven() -> None:
    assert read_riff(Content.of_bytes(vrl_files.wave(b"\xff" * 1601))).whole


def test_sizes_that_lie_are_noted_and_not_believed() -> None:
    data = bytearray(vrl_files.wave())
    data[4:8] = struct.pack("<I", 0xFFFFFFF0)
    riff = read_riff(Content.of_bytes(bytes(data)))
    assert not riff.whole
    assert "the header says 4294967288 bytes" in riff.notes[0]


def test_a_large_file_says_its_size_in_ds64() -> None:
    data = vrl_files.wave(b"\xff" * 100)[12:]
    data = data.replace(b"data" + struct.pack("<I", 100), b"data" + b"\xff" * 4)
    body = b"WAVE" + chunk(b"ds64", struct.pack("<QQQI", 0, 100, 0, 0)) + data
    ds64 = struct.pack("<Q", len(body))
    whole = (
        b"RF64" + b"\xff" * 4 + body.replace(struct.pack("<QQQI", 0, 100, 0, 0), ds64 + struct.pack("<QQI", 100, 0, 0))
    )
    riff = read_riff(Content.of_bytes(whole))
    assert riff.whole
    assert riff.audio is not None
    assert riff.audio.duration_s == 100 / 8000


def test_g722_is_64_kbit_s_whatever_the_header_says() -> None:
    form = struct.pack("<HHIIHH", 0x028F, 1, 16_000, 16_000, 1, 8)
    body = b"WAVE" + chunk(b"fmt ", form) + chunk(b"data", bytes(8000))
    audio = read_riff(Content.of_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)).audio
    assert audio is not None
    assert (audio.codec, audio.duration_s) == ("G.722", 1.0)


def test_info_tags_are_facts_and_so_are_the_pairs_in_them() -> None:
    found = texts(facts_of(vrl_files.wave(chunks=vrl_files.info(IART="Anna", ICMT="callid=77; skill = Sales"))))
    assert found["riff:INFO.IART"] == "Anna"
    assert found["riff:INFO.ICMT.callid"] == "77"
    assert found["riff:INFO.ICMT.skill"] == "Sales"


def test_a_text_in_windows_code_is_read() -> None:
    tags = chunk(b"LIST", b"INFO" + chunk(b"IART", "Jürgen".encode("cp1252") + b"\0"))
    assert texts(facts_of(vrl_files.wave(chunks=tags)))["riff:INFO.IART"] == "Jürgen"


def test_bext_tells_originator_and_time() -> None:
    found = texts(facts_of(vrl_files.wave(chunks=vrl_files.bext("VMPro", "2026:11:20", "10-15-30"))))
    assert found["riff:bext.Originator"] == "VMPro"
    assert found["riff:bext.OriginationTime"] == "2026-11-20 10:15:30"


def test_xml_in_an_unknown_chunk_becomes_facts_and_stays_raw() -> None:
    facts = facts_of(vrl_files.wave(tail=chunk(b"AVRL", b"<call><callid>77</callid></call>")))
    assert texts(facts)["riff:AVRL.xml.call.callid"] == "77"
    assert facts.raw["riff:AVRL"] == b"<call><callid>77</callid></call>"


def test_ixml_is_known_and_not_kept_twice() -> None:
    facts = facts_of(vrl_files.wave(chunks=chunk(b"iXML", b"<BWFXML><PROJECT>Sales</PROJECT></BWFXML>")))
    assert texts(facts)["riff:iXML.BWFXML.PROJECT"] == "Sales"
    assert not facts.raw


def test_bytes_that_nobody_understands_are_kept_raw() -> None:
    facts = facts_of(vrl_files.wave(chunks=chunk(b"SIGN", bytes(range(200)))))
    assert facts.raw == {"riff:SIGN": bytes(range(200))}
    assert not facts.found


def test_two_unknown_chunks_of_one_name_are_both_kept() -> None:
    facts = facts_of(vrl_files.wave(chunks=chunk(b"SIGN", b"\x01\x02") + chunk(b"SIGN", b"\x03\x04")))
    assert facts.raw == {"riff:SIGN": b"\x01\x02", "riff:SIGN#2": b"\x03\x04"}


def test_what_is_kept_raw_is_bounded() -> None:
    many = b"".join(chunk(b"BIG%d" % number, bytes([number]) * 100_000) for number in range(10))
    facts = facts_of(vrl_files.wave(chunks=many))
    assert max(len(data) for data in facts.raw.values()) == RAW_ONE_BYTES_MAX
    assert sum(len(data) for data in facts.raw.values()) <= RAW_ALL_BYTES_MAX
    assert facts.notes


def test_a_file_of_nothing_but_chunks_is_not_read_for_ever() -> None:
    riff = read_riff(Content.of_bytes(b"RIFF\xff\xff\xff\xffWAVE" + chunk(b"JUNK", b"") * 10_000))
    assert len(riff.chunks) == CHUNKS_MAX


@given(st.binary(max_size=400))
def test_no_bytes_after_the_magic_upset_the_reader(data: bytes) -> None:
    facts_of(b"RIFF" + data)


@given(
    st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.binary(max_size=60)), max_size=8),
    st.integers(0, 2**32 - 1),
)
def test_no_chunks_upset_the_reader(chunks: list[tuple[bytes, bytes]], size: int) -> None:
    body = b"".join(chunk(name, data) for name, data in chunks)
    facts_of(b"RIFF" + struct.pack("<I", size) + b"WAVE" + body)
