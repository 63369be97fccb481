"""Captures that were written one behind the other into one file."""

import io
from time import process_time

import pytest

from plugins.pbx_sip.packets import files
from plugins.pbx_sip.packets.files import CaptureFile
from tests.unit.plugins.pbx_sip.packets import frames as f
from tests.unit.plugins.pbx_sip.packets.test_files import EQUAL, FRAMES, NG_HEAD, packets, read, read_damaged


def glued(*, order: str, magic: int) -> list[bytes]:
    """A file of each format, in the byte order that is not the usual one too."""
    return [
        f.pcap(*FRAMES[:12], order=order, magic=magic, link_type=113),
        f.pcap(*EQUAL[:30], order="<"),
        f.ng_section(order) + f.ng_interface(order) + b"".join(f.ng_packet(each, 1, order) for each in EQUAL[30:45]),
        f.pcap(*FRAMES[12:15], order=">", magic=0xA1B2CD34),
        NG_HEAD + f.ng_packet(b"end", 2),
    ]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34])
@pytest.mark.parametrize("chunk_bytes", [64, 700, 16 << 20])
def test_captures_one_behind_the_other_are_read_as_each_is(
    order: str, magic: int, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK_BYTES", chunk_bytes)
    parts = glued(order=order, magic=magic)
    found, note = read(b"".join(parts))
    assert note == ""
    assert found == [packet for part in parts for packet in read(part)[0]]


def test_the_tls_keys_of_captures_one_behind_the_other_are_all_there() -> None:
    parts = [NG_HEAD + f.ng_secrets(key) + f.ng_packet(b"x", 1) + f.pcap(b"yyyy") for key in (b"one", b"two")]
    capture = CaptureFile(io.BytesIO(b"".join(parts)))
    assert len(packets(capture)) == 4
    assert capture.key_log == "one\ntwo\n"


NG_FRAMES = NG_HEAD + b"".join(f.ng_packet(each, 1) for each in FRAMES)


@pytest.mark.parametrize("behind", [f.pcap(*FRAMES), NG_FRAMES], ids=["pcap", "pcapng"])
@pytest.mark.parametrize("left", [1, 7, 15, 16, 40])
def test_a_capture_behind_one_that_is_cut_off_is_read(left: int, behind: bytes) -> None:
    cut = f.pcap(*FRAMES[:2]) + f.pcap(b"z" * 200)[24 : 24 + left]
    found, note = read(cut + behind)
    assert [data for _, data, _ in found] == [*FRAMES[:2], *FRAMES]
    assert note == f"It is damaged before byte {len(cut)}; what comes behind was read."


def test_a_capture_behind_damage_is_read() -> None:
    before = f.pcap(*FRAMES) + b"\xff" * 100_000
    found, note = read(before + f.pcap(*FRAMES))
    assert [data for _, data, _ in found] == FRAMES * 2
    assert note == f"It is damaged before byte {len(before)}; what comes behind was read."


@pytest.mark.parametrize("before", [b"", NG_FRAMES], ids=["alone", "behind another"])
@pytest.mark.parametrize("behind", [b"", NG_FRAMES], ids=["nothing behind", "another behind"])
def test_a_section_whose_head_is_damaged_is_passed_over(before: bytes, behind: bytes) -> None:
    damaged = bytearray(NG_FRAMES)
    damaged[24] ^= 0xFF  # the second length of the head of the section
    content = before + bytes(damaged) + behind
    if behind:
        found, note = read(content)
        assert note == f"It is damaged before byte {len(before) + len(damaged)}; what comes behind was read."
    else:
        given, error = read_damaged(content)
        found, note = [(0, data, 0) for data in given], str(error)
        assert note.startswith("a block whose two lengths differ")
    assert [data for _, data, _ in found] == FRAMES * (bool(before) + bool(behind))


def test_thousands_of_captures_between_damage_are_read_at_once() -> None:
    damaged = bytearray(f.ng_section())
    damaged[24] ^= 0xFF
    began = process_time()
    found, _ = read((bytes(damaged) + NG_HEAD + f.ng_packet(b"x" * 40, 1)) * 8000)
    assert len(found) == 8000
    assert process_time() - began < 10
