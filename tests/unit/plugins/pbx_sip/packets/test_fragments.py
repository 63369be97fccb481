from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.packets import fragments
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.decoder import Decoder
from plugins.pbx_sip.packets.fragments import Fragment, Reassembly
from tests.unit.plugins.pbx_sip.packets import frames as f

TEXT = bytes(range(200))
WHOLE = f.udp(TEXT)


def cut4(payload: bytes = WHOLE, size: int = 64, ident: int = 7) -> list[bytes]:
    starts = range(0, len(payload), size)
    return [
        f.ipv4(
            payload[start : start + size],
            ident=ident,
            fragment=start // 8 | (0x2000 if start + size < len(payload) else 0),
        )
        for start in starts
    ]


def cut6(payload: bytes = WHOLE, size: int = 64) -> list[bytes]:
    starts = range(0, len(payload), size)
    return [
        f.ipv6(f.fragment6(payload[start : start + size], start, more=start + size < len(payload)), 44)
        for start in starts
    ]


def texts(decoder: Decoder, *packets: bytes) -> list[bytes]:
    decoded = decoder.decode(f.block(*packets, link_type=101))
    return [one.payload(row) for one in decoded.datagrams for row in range(len(one))]


@pytest.mark.parametrize("cut", [cut4, cut6])
def test_fragments_in_any_order_are_one_datagram(cut) -> None:
    for order in permutations(cut()):
        assert texts(Decoder(Endpoints()), *order) == [TEXT]


def test_a_reassembled_datagram_has_the_time_of_its_last_fragment_and_a_buffer_of_its_own() -> None:
    endpoints = Endpoints()
    block = f.block(*cut4(), f.ipv4(f.udp(b"plain")), link_type=101)
    plain, whole = Decoder(endpoints).decode(block).datagrams
    assert plain.buffer is block.buffer
    assert (plain.payload(0), whole.payload(0)) == (b"plain", TEXT)
    assert int(whole.time_ns[0]) == f.START_NS + 3_000_000
    assert endpoints.text(int(whole.source[0])) == "192.0.2.1:5060"
    assert endpoints.text(int(whole.target[0])) == "198.51.100.2:5070"


def test_fragments_of_several_blocks_belong_together() -> None:
    decoder = Decoder(Endpoints())
    found = [texts(decoder, packet) for packet in cut4()]
    assert found == [[], [], [], [TEXT]]


def test_a_packet_seen_twice_is_a_datagram_seen_twice() -> None:
    decoder = Decoder(Endpoints())
    assert texts(decoder, *cut4(), *cut4()) == [TEXT, TEXT]
    twice = [packet for packet in cut4() for _ in range(2)]
    assert texts(decoder, *twice) == [TEXT]


@pytest.mark.parametrize("cut", [cut4, cut6])
def test_fragments_that_overlap_are_refused_with_all_that_follow(cut) -> None:
    decoder = Decoder(Endpoints())
    first, *rest = cut()
    evil = cut(bytes(72) + WHOLE[72:], 72)[0]
    assert texts(decoder, first, evil, *rest) == []
    assert decoder.decode(f.block(rest[0], link_type=101)).counters.fragments_given_up == 1


def test_another_fragment_at_the_same_place_is_an_overlap() -> None:
    first, *rest = cut4()
    assert texts(Decoder(Endpoints()), first, cut4(bytes(208))[0], *rest) == []


def test_a_fragment_behind_the_end_is_refused() -> None:
    behind = f.ipv4(b"12345678", fragment=100)
    assert texts(Decoder(Endpoints()), cut4()[-1], behind, *cut4()[:-1]) == []


def test_a_packet_longer_than_any_is_refused() -> None:
    assert texts(Decoder(Endpoints()), f.ipv4(b"x" * 64, fragment=0x1FFF)) == []


def test_fragments_of_a_tunnel_give_the_packet_within() -> None:
    outer = f.vxlan(f.ethernet(f.ipv4(WHOLE)))
    assert texts(Decoder(Endpoints()), *cut4(outer)) == [TEXT]
    inner = [f.ipv4(f.vxlan(f.ethernet(packet)), ident=n) for n, packet in enumerate(cut4())]
    twice = [part for n, packet in enumerate(inner) for part in cut4(packet[20:], ident=100 + n)]
    assert texts(Decoder(Endpoints()), *twice) == [TEXT]


@pytest.mark.parametrize(("levels", "found", "lost"), [(1, 1, 0), (4, 1, 0), (5, 0, 1)])
def test_tunnels_within_fragments_are_followed_so_deep_and_no_deeper(levels: int, found: int, lost: int) -> None:
    packet, firsts = f.ipv4(f.udp(bytes(1000))), []
    for ident in range(levels):
        firsts.append(f.ipv4(packet[:64], 4, ident=ident, fragment=0x2000))
        packet = f.ipv4(packet[64:], 4, ident=ident, fragment=8)
    decoded = Decoder(Endpoints()).decode(f.block(*firsts, packet, link_type=101))
    assert sum(len(one) for one in decoded.datagrams) == found
    assert decoded.counters.not_understood["too many headers"] == lost


def part(ident: int, time_s: float = 0, start: int = 0, data: bytes = b"12345678", *, more: bool = True) -> Fragment:
    return Fragment(
        packet=(1, 2, ident),
        source=1,
        target=2,
        protocol=17,
        start=start,
        has_more=more,
        data=data,
        time_ns=int(time_s * 1e9),
    )


def test_what_waits_too_long_is_given_up() -> None:
    reassembly = Reassembly()
    assert reassembly.add(part(1)) is None
    assert reassembly.add(part(1, 31, 8, more=False)) is None
    assert reassembly.given_up == 1


def test_memory_for_fragments_is_bounded() -> None:
    reassembly = Reassembly()
    for ident in range(3 * fragments.PACKETS_MAX):
        reassembly.add(part(ident))
    assert len(reassembly._packets) <= fragments.PACKETS_MAX + 1
    assert reassembly.given_up >= 2 * fragments.PACKETS_MAX - 1
    for ident in range(1000):
        reassembly.add(part(ident, 1, data=bytes(65_528)))
    assert reassembly._held_bytes <= fragments.HELD_BYTES_MAX + 66_000
    assert reassembly._held_bytes == sum(packet.held_bytes for packet in reassembly._packets.values())


def test_a_packet_of_very_many_fragments_is_refused() -> None:
    reassembly = Reassembly()
    for number in range(fragments.FRAGMENTS_MAX + 2):
        assert reassembly.add(part(1, start=number * 8)) is None
    assert reassembly.given_up == fragments.FRAGMENTS_MAX + 2


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_cuts_in_any_order_give_the_packet_back(data: st.DataObject) -> None:
    text = data.draw(st.binary(min_size=1, max_size=400))
    cuts = sorted(
        {0, *(8 * cut for cut in data.draw(st.lists(st.integers(1, max(1, (len(text) - 1) // 8)), max_size=6)))}
    )
    cuts = [cut for cut in cuts if cut < len(text)]
    ends = [*cuts[1:], len(text)]
    parts = [part(1, 0, start, text[start:end], more=end < len(text)) for start, end in zip(cuts, ends, strict=True)]
    shuffled = data.draw(st.permutations(parts))
    reassembly = Reassembly()
    whole = [payload for payload in map(reassembly.add, shuffled) if payload]
    assert [payload.data for payload in whole] == [text]
    assert (reassembly.given_up, reassembly._held_bytes, reassembly._packets) == (0, 0, {})


@settings(max_examples=200, deadline=None)
@given(st.lists(st.builds(
    part,
    st.integers(0, 2),
    st.integers(-40, 40),
    st.integers(0, 8191).map(lambda n: n * 8) | st.integers(0, 5).map(lambda n: n * 8),
    st.binary(max_size=24),
    more=st.booleans(),
), max_size=30))  # fmt: skip
def test_no_fragments_do_harm(parts: list[Fragment]) -> None:
    reassembly = Reassembly()
    for one in parts:
        reassembly.add(one)
        assert reassembly._held_bytes == sum(packet.held_bytes for packet in reassembly._packets.values())
