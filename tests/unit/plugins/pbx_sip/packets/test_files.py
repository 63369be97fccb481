import gzip
import io
import os
import random
import struct
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.packets import files
from plugins.pbx_sip.packets.files import CaptureFile, open_capture
from plugins.pbx_sip.packets.records import BadCapture
from tests.unit.plugins.pbx_sip.packets import frames as f

FRAMES = [bytes([number]) * (30 + number % 3) for number in range(20)]
EQUAL = [bytes([number]) * 60 for number in range(50)]
NS = f.START_NS


def packets(capture: CaptureFile) -> list[tuple[int, bytes, int]]:
    """Time, bytes and link type of each packet."""
    found = []
    for block in capture:
        for at, length, time, link in zip(
            block.offset.tolist(), block.length.tolist(), block.time_ns.tolist(), block.link_type.tolist(), strict=True
        ):
            assert 0 <= at <= at + length <= len(block.buffer)
            found.append((time, block.buffer[at : at + length].tobytes(), link))
    return found


def read(content: bytes) -> tuple[list[tuple[int, bytes, int]], str]:
    capture = CaptureFile(io.BytesIO(content))
    found = packets(capture)
    return found, capture.note


def read_damaged(content: bytes) -> tuple[list[bytes], BadCapture]:
    found: list[bytes] = []

    def collect() -> None:
        for block in CaptureFile(io.BytesIO(content)):
            spans = zip(block.offset, block.length, strict=True)
            found.extend(block.buffer[at : at + length].tobytes() for at, length in spans)

    with pytest.raises(BadCapture) as raised:
        collect()
    return found, raised.value


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "scale"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1), (0xA1B2CD34, 1000)])
@pytest.mark.parametrize("made", [FRAMES, EQUAL, []], ids=["different lengths", "equal lengths", "no packets"])
def test_every_kind_of_pcap_is_read(order: str, magic: int, scale: int, made: list[bytes]) -> None:
    found, note = read(f.pcap(*made, order=order, magic=magic, link_type=0xF0000071))
    expected = [(NS + number * 10**9 + 250 * scale, frame, 113) for number, frame in enumerate(made)]
    assert (found, note) == (expected, "")


def test_what_a_packet_had_on_the_wire_is_known() -> None:
    content = f.pcap() + struct.pack("<IIII", 1, 0, 4, 1500) + b"abcd"
    (block,) = CaptureFile(io.BytesIO(content))
    assert (block.length.tolist(), block.wire_length.tolist()) == ([4], [1500])


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_kind_of_block_with_packets_is_read(order: str) -> None:
    content = f.ng_section(order) + f.ng_interface(order, 113, snap_length=6) + f.ng(4, b"names", order)
    content += f.ng_packet(b"enhanced", NS // 1000, order) + f.ng_obsolete(b"obsolete!", NS // 1000 + 1, order)
    content += f.ng(5, bytes(12), order) + f.ng_simple(b"simple", 1400, order) + f.ng(0xBAD, b"custom", order)
    content += f.ng_packet(b"last", NS // 1000 + 2, order) + f.ng_simple(b"one", 3, order)
    found, note = read(content)
    assert [(time - NS, data) for time, data, _ in found] == [
        (0, b"enhanced"), (1000, b"obsolete!"), (1000, b"simple"), (2000, b"last"), (2000, b"one"),
    ]  # fmt: skip
    assert note == ""


@pytest.mark.parametrize(
    ("resolution", "ticks", "ns"),
    [
        (6, NS // 1000 + 7, NS + 7000),
        (9, NS + 7, NS + 7),
        (3, NS // 10**6 + 7, NS + 7 * 10**6),
        (0, f.START_S, NS),
        (12, 7_654_321_000, 7_654_321),
        (0x80 | 10, f.START_S << 10 | 512, NS + 500_000_000),
        (0x80 | 32, f.START_S << 32 | 1 << 31, NS + 500_000_000),
        (0x80 | 0, f.START_S, NS),
        (0x80 | 40, 5 << 40 | 3 << 38, 5_750_000_000),
        (0xFF, 2**64 - 1, 1_999_999_999),
        (0x7F, 2**64 - 1, 1),
    ],
)
def test_times_of_every_resolution_are_read(resolution: int, ticks: int, ns: int) -> None:
    interface = f.ng_interface(options=f.ng_option(2, b"eth0") + f.ng_option(9, bytes([resolution])) + bytes(4))
    found, _ = read(f.ng_section() + interface + f.ng_packet(b"x", ticks))
    assert found[0][0] == ns


def test_times_may_be_counted_from_an_offset() -> None:
    interfaces = b"".join(
        f.ng_interface(options=f.ng_option(14, struct.pack("<q", offset_s))) for offset_s in (f.START_S, -10, 2**63 - 1)
    )
    made = [f.ng_packet(b"x", 20_000_000, interface=number) for number in range(3)]
    found, _ = read(f.ng_section() + interfaces + b"".join(made))
    assert [time for time, _, _ in found][:2] == [NS + 20 * 10**9, 10 * 10**9]


def test_each_interface_and_section_has_its_own_link_and_clock() -> None:
    first = f.ng_section("<") + f.ng_interface("<", 1) + f.ng_packet(b"a", 5)
    first += f.ng_interface("<", 276, f.ng_option(9, b"\x09")) + f.ng_packet(b"b", 5, interface=1)
    second = f.ng_section(">") + f.ng_interface(">", 113) + f.ng_packet(b"c", 7, ">")
    assert read(first + second)[0] == [(5000, b"a", 1), (5, b"b", 276), (7000, b"c", 113)]


def test_many_equal_blocks_are_read_as_fast_as_different_ones() -> None:
    made = b"".join(f.ng_packet(frame, number) for number, frame in enumerate(EQUAL))
    found, _ = read(f.ng_section() + f.ng_interface() + made + f.ng_packet(b"odd", 99))
    assert [data for _, data, _ in found] == [*EQUAL, b"odd"]
    assert [time for time, _, _ in found] == [*(1000 * number for number in range(50)), 99_000]


def test_tls_keys_are_kept_as_text() -> None:
    content = f.ng_section() + f.ng_interface() + f.ng_secrets(b"CLIENT_RANDOM aa bb") + f.ng_packet(b"x", 1)
    capture = CaptureFile(io.BytesIO(content + f.ng_secrets(b"CLIENT_RANDOM cc dd\n")))
    assert len(packets(capture)) == 1
    assert capture.key_log == "CLIENT_RANDOM aa bb\nCLIENT_RANDOM cc dd\n"


@pytest.mark.parametrize(
    "content", [f.pcap(*FRAMES), f.ng_section() + f.ng_interface() + f.ng_packet(b"abcdef", 5) * 9]
)
def test_a_file_cut_off_anywhere_gives_all_before(content: bytes) -> None:
    everything, _ = read(content)
    for size in range(28, len(content)):
        found, note = read(content[:size])
        assert found == everything[: len(found)]
        assert note.startswith("The last packet is cut off at byte ") or read(content[:size] + b"")[1] == ""
    assert read(content[:-1])[1] != ""


def test_a_damaged_pcap_gives_all_before_and_says_where() -> None:
    whole = f.pcap(*FRAMES[:3])
    found, error = read_damaged(whole + struct.pack("<IIII", 0, 0, 1 << 30, 1 << 30) + bytes(100))
    assert (found, error.byte) == (FRAMES[:3], len(whole))
    assert str(error) == f"a packet of 1073741824 bytes at byte {len(whole)}"


NG_HEAD = f.ng_section() + f.ng_interface()


@pytest.mark.parametrize(
    "bad",
    [
        f.ng_packet(b"abcd", 1, captured=5),
        f.ng_packet(b"abcd", 1, captured=2**32 - 1),
        f.ng_packet(b"abcd", 1, interface=1),
        f.ng_obsolete(b"abcd", 1, interface=7),
        struct.pack("<II", 6, 13) + bytes(40),
        struct.pack("<II", 6, 28) + bytes(40),
        struct.pack("<II", 99, 0) + bytes(40),
        struct.pack("<II", 99, 1 << 30) + bytes(40),
        f.ng(4, b"names")[:-4] + b"\0\0\0\1",
        struct.pack("<II", 0x0A0D0D0A, 28) + bytes(40),
    ],
)
def test_a_damaged_pcapng_gives_all_before_and_says_where(bad: bytes) -> None:
    before = NG_HEAD + f.ng_packet(b"good", 1)
    found, error = read_damaged(before + bad + f.ng_packet(b"unseen", 1))
    assert (found, error.byte) == ([b"good"], len(before))


def test_endless_interfaces_are_damage() -> None:
    _, error = read_damaged(f.ng_section() + f.ng_interface() * 5000)
    assert "interfaces" in str(error)


@pytest.mark.parametrize(
    "content", [b"", b"\xd4\xc3\xb2\xa1", b"PK\3\4" + bytes(100), b"RIFF" + bytes(100), bytes(500)]
)
def test_a_file_that_is_no_capture_is_refused(content: bytes) -> None:
    found, _ = read_damaged(content)
    assert found == []


def test_a_file_on_disk_tells_how_far_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "calls.pcap"
    path.write_bytes(f.pcap(*FRAMES))
    with open_capture(path) as capture:
        assert (capture.bytes_read, capture.bytes_total) == (0, path.stat().st_size)
        assert len(packets(capture)) == 20
        assert capture.bytes_read == capture.bytes_total


def test_a_compressed_file_is_read_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "calls.pcap.gz"
    halves = f.pcap(*FRAMES)[:300], f.pcap(*FRAMES)[300:]
    path.write_bytes(b"".join(gzip.compress(half) for half in halves) + bytes(512))
    with open_capture(path) as capture:
        assert [data for _, data, _ in packets(capture)] == FRAMES
        assert (capture.note, capture.bytes_read) == ("", path.stat().st_size)


def test_what_grows_a_thousandfold_is_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK_BYTES", 300)
    content = gzip.compress(f.pcap(*[bytes(200)] * 500))
    assert len(content) < 3000
    blocks = list(CaptureFile(io.BytesIO(content)))
    assert sum(len(block) for block in blocks) == 500
    assert max(len(block.buffer) for block in blocks) <= 600


def test_a_compressed_file_that_is_cut_off_or_damaged_gives_all_before() -> None:
    made = [random.Random(number).randbytes(1000) for number in range(3000)]
    content = gzip.compress(f.pcap(*made), 1)
    found, note = read(content[:-1000])
    assert (found[-1][1], note) == (made[len(found) - 1], "The compressed file is cut off.")
    assert 2950 < len(found) < 3000
    middle = len(content) // 2
    given, error = read_damaged(content[:middle] + bytes(5000) + content[middle + 5000 :])
    assert given[:1000] == made[:1000]
    assert "compression" in str(error) or "bytes" in str(error)


@pytest.mark.parametrize("size", [1000, 3])
def test_a_compressed_file_whose_check_sum_is_wrong_gives_all_that_is_in_it(size: int) -> None:
    made = [random.Random(number).randbytes(size) for number in range(50)]
    content = gzip.compress(f.pcap(*made))
    given, error = read_damaged(content[:-8] + bytes(4) + content[-4:])
    assert given == made
    assert "incorrect data check" in str(error)


def test_a_small_compressed_file_gives_all_before_the_damage() -> None:
    made = [random.Random(number).randbytes(1000) for number in range(50)]
    content = gzip.compress(f.pcap(*made), 1)
    middle = len(content) // 2
    given, _ = read_damaged(content[:middle] + b"\xff" * 300 + content[middle + 300 :])
    assert given[:20] == made[:20]


def test_what_comes_through_a_pipe_is_read_as_it_comes() -> None:
    reading, writing = os.pipe()
    arrived = threading.Event()

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            content = f.pcap(*FRAMES)
            pipe.write(content[:10])
            pipe.write(content[10:200])
            arrived.wait(5)
            pipe.write(content[200:])

    writer = threading.Thread(target=write)
    writer.start()
    with CaptureFile(os.fdopen(reading, "rb", buffering=0)) as capture:
        blocks = iter(capture)
        first = next(blocks)
        arrived.set()
        assert capture.bytes_total is None
        assert len(first) + sum(len(block) for block in blocks) == len(FRAMES)
    writer.join()


def test_records_across_chunks_and_blocks_longer_than_one_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK_BYTES", 256)
    assert [data for _, data, _ in read(f.pcap(*FRAMES * 9))[0]] == FRAMES * 9
    long = f.ng(77, bytes(9000)) + f.ng_packet(b"z" * 3000, 1) + f.ng_packet(b"end", 2)
    assert [data for _, data, _ in read(NG_HEAD + f.ng_packet(b"a", 1) + long)[0]] == [b"a", b"z" * 3000, b"end"]


def test_blocks_that_were_given_are_never_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK_BYTES", 512)
    blocks = list(CaptureFile(io.BytesIO(f.pcap(*EQUAL))))
    assert len(blocks) > 4
    found = [block.buffer[at : at + 60].tobytes() for block in blocks for at in block.offset]
    assert found == EQUAL


def swallow(content: bytes) -> None:
    try:
        read(content)
    except BadCapture:
        return


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([f.pcap(), f.pcap(order=">", magic=0xA1B2CD34), NG_HEAD, f.ng_section(">"), b"", b"\x1f\x8b"]),
    st.binary(max_size=300),
)
def test_any_bytes_are_packets_or_damage(head: bytes, content: bytes) -> None:
    swallow(head + content)


SAMPLES = [
    f.pcap(*FRAMES[:6]),
    f.pcap(*EQUAL[:20], order=">", magic=0xA1B23C4D),
    NG_HEAD + f.ng_packet(b"abc", 1) * 12 + f.ng_simple(b"def", 9) + f.ng_obsolete(b"ghij", 3) + f.ng_secrets(b"keys"),
    gzip.compress(f.pcap(*FRAMES[:6])),
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SAMPLES), st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4)
)
def test_any_damage_is_survived(content: bytes, changes: list[tuple[float, int]]) -> None:
    spoilt = bytearray(content)
    for place, value in changes:
        spoilt[int(place * len(spoilt))] = value
    swallow(bytes(spoilt))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(
    st.sampled_from([0x0A0D0D0A, 1, 2, 3, 4, 6, 6, 10, 99]), st.binary(max_size=60), st.integers(0, 3)
), max_size=8), st.sampled_from("<>"))  # fmt: skip
def test_any_blocks_of_pcapng_are_survived(blocks: list[tuple[int, bytes, int]], order: str) -> None:
    content = f.ng_section(order) + f.ng_interface(order) * 2
    for kind, body, interface in blocks:
        prefix = struct.pack(f"{order}I", interface) if kind in {2, 6} else b""
        content += f.ng(kind, prefix + body, order)
    swallow(content)
