import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.decoder import Counters, Decoder
from plugins.pbx_sip.packets.files import open_capture
from plugins.pbx_sip.packets.unread import Unread
from tests.doubles.shared_data import shared
from tests.unit.plugins.pbx_sip.packets import frames as f
from tests.unit.plugins.pbx_sip.packets import reference

HELLO = f.ipv4(f.udp())
HELLO6 = f.ipv6(f.udp())
FRAME = f.ethernet(HELLO)

WAYS = {
    "Ethernet": (1, FRAME),
    "Ethernet with padding and a checksum behind": (1, FRAME + b"\0" * 20),
    "802.3 with SNAP": (1, f.ethernet(f.snap(HELLO), len(HELLO) + 8)),
    "802.1Q": (1, f.ethernet(f.vlan(HELLO), 0x8100)),
    "QinQ": (1, f.ethernet(f.vlan(f.vlan(HELLO), 0x8100), 0x88A8)),
    "five tags": (1, f.ethernet(f.vlan(f.vlan(f.vlan(f.vlan(f.vlan(HELLO), 0x8100), 0x8100), 0x9200), 0x9100), 0x8100)),
    "a tag before SNAP": (1, f.ethernet(f.vlan(f.snap(HELLO), len(HELLO) + 8), 0x8100)),
    "MPLS": (1, f.ethernet(f.mpls(f.mpls(HELLO), last=False), 0x8847)),
    "MPLS with frames": (1, f.ethernet(f.mpls(f.mpls(FRAME), last=False), 0x8847)),
    "MPLS with frames behind a control word": (1, f.ethernet(f.mpls(b"\0\0\0\7" + FRAME), 0x8847)),
    "MPLS with frames to an address that begins as IP does": (1, f.ethernet(f.mpls(b"\x45" + FRAME[1:]), 0x8847)),
    "MPLS with frames to an address that begins as IPv6 does": (1, f.ethernet(f.mpls(b"\x60" + FRAME[1:]), 0x8847)),
    "MPLS with tagged frames": (
        1,
        f.ethernet(f.mpls(b"\0\0\0\0" + f.ethernet(f.vlan(f.vlan(HELLO), 0x8100), 0x88A8)), 0x8847),
    ),
    "PPPoE": (1, f.ethernet(f.pppoe(HELLO) + b"\0\0", 0x8864)),
    "Linux cooked": (113, f.cooked(HELLO)),
    "Linux cooked with a tag": (113, f.cooked(f.vlan(HELLO), 0x8100)),
    "Linux cooked v2": (276, f.cooked_v2(HELLO)),
    "NULL of a little machine": (0, b"\2\0\0\0" + HELLO),
    "NULL of a big machine": (0, b"\0\0\0\2" + HELLO),
    "LOOP": (108, b"\0\0\0\2" + HELLO),
    "raw IP": (101, HELLO),
    "raw IP of BSD": (12, HELLO),
    "raw IP of OpenBSD": (14, HELLO),
    "raw IPv4": (228, HELLO),
    "options of IPv4": (1, f.ethernet(f.ipv4(f.udp(), options=b"\x94\4\0\0" * 10))),
    "IP in IP": (1, f.ethernet(f.ipv4(HELLO, 4))),
    "IPv4 in IPv6": (1, f.ethernet(f.ipv6(HELLO, 4), 0x86DD)),
    "GRE": (1, f.ethernet(f.ipv4(f.gre(HELLO), 47))),
    "GRE with checksum, key and sequence": (1, f.ethernet(f.ipv4(f.gre(HELLO, flags=0xB000), 47))),
    "GRE with an Ethernet frame": (1, f.ethernet(f.ipv4(f.gre(FRAME, 0x6558), 47))),
    "GRE over IPv6": (1, f.ethernet(f.ipv6(f.gre(HELLO), 47), 0x86DD)),
    "ERSPAN I": (1, f.ethernet(f.ipv4(f.gre(FRAME, 0x88BE), 47))),
    "ERSPAN II": (1, f.ethernet(f.ipv4(f.erspan2(FRAME), 47))),
    "ERSPAN III": (1, f.ethernet(f.ipv4(f.erspan3(FRAME), 47))),
    "ERSPAN III with more": (1, f.ethernet(f.ipv4(f.erspan3(FRAME, more=True), 47))),
    "ERSPAN III with IP": (1, f.ethernet(f.ipv4(f.erspan3(HELLO, frame_type=2), 47))),
    "VXLAN": (1, f.ethernet(f.ipv4(f.vxlan(FRAME)))),
    "VXLAN within VXLAN": (1, f.ethernet(f.ipv4(f.vxlan(f.ethernet(f.ipv4(f.vxlan(FRAME))))))),
    "GENEVE": (1, f.ethernet(f.ipv4(f.geneve(FRAME)))),
    "GENEVE with options and IP": (1, f.ethernet(f.ipv4(f.geneve(HELLO, 0x0800, b"\1\2\3\1abcd")))),
    "a card that cuts packets leaves lengths at 0": (101, f.ipv4(f.udp(length=0), total=0)),
}
# Those that the other decoder does not know.
OTHER_WAYS = {
    "PPP": (9, b"\xff\3\0\x21" + HELLO),
    "PPP that leaves out its address": (9, b"\0\x21" + HELLO),
    "PPP over HDLC": (50, b"\xff\3\0\x21" + HELLO),
    "Cisco HDLC": (104, b"\x0f\0\x08\0" + HELLO),
    "a wireless frame": (105, b"\x08\1" + b"\0" * 22 + f.snap(HELLO)),
    "a wireless frame with its reception": (127, b"\0\0\x0a\0" + b"\0" * 6 + b"\x88\2" + b"\0" * 24 + f.snap(HELLO)),
    "a firewall's log": (
        239,
        b"\2\0\0\0" + b"\6\0\1\0ab\0\0" + (len(HELLO) + 4).to_bytes(2, "little") + b"\x09\0" + HELLO,
    ),
    "VN-Tag": (1, f.ethernet(b"\0\0\0\7\x08\0" + HELLO, 0x8926)),
    "VN-Tag before a VLAN": (1, f.ethernet(b"\0\0\0\7\x81\0" + f.vlan(HELLO), 0x8926)),
    "E-TAG": (1, f.ethernet(b"\0\0\0\7\0\0\x08\0" + HELLO, 0x893F)),
    "a security group behind a VLAN": (1, f.ethernet(f.vlan(b"\1\1\0\1\0\5\x08\0" + HELLO, 0x8909), 0x8100)),
    "FabricPath": (1, f.ethernet(b"\0\x20" + FRAME, 0x8903)),
    "802.1ah": (1, f.ethernet(f.vlan(b"\0\0\0\7" + FRAME, 0x88E7), 0x88A8)),
    "VXLAN-GPE": (1, f.ethernet(f.ipv4(f.udp(b"\x0c\0\0\1\0\0\7\0" + HELLO, target=4790)))),
    "VXLAN-GPE with a frame": (1, f.ethernet(f.ipv4(f.udp(b"\x0c\0\0\3\0\0\7\0" + FRAME, target=4790)))),
    "GTP-U": (1, f.ethernet(f.ipv4(f.udp(b"\x30\xff\0\0\0\0\0\1" + HELLO, target=2152)))),
    "GTP-U of 5G": (1, f.ethernet(f.ipv4(f.udp(b"\x34\xff\0\0\0\0\0\1\0\0\0\x85\1ab\0" + HELLO, target=2152)))),
    "L2TP": (1, f.ethernet(f.ipv4(f.udp(b"\0\2\0\1\0\1\xff\3\0\x21" + HELLO, target=1701)))),
    "L2TP from its port": (1, f.ethernet(f.ipv4(f.udp(b"\0\2\0\1\0\1\0\x21" + HELLO, 1701, 40000)))),
    "L2TP with all fields": (
        1,
        f.ethernet(f.ipv4(f.udp(b"\x4a\2\0\0\0\1\0\1\0\1\0\1\0\2ab\xff\3\0\x21" + HELLO, target=1701))),
    ),
    "L2TPv3": (1, f.ethernet(f.ipv4(b"\0\0\0\7" + FRAME, 115))),
    "L2TPv3 with cookie and sublayer": (1, f.ethernet(f.ipv4(b"\0\0\0\7" + b"cookiesm" + b"\0" * 4 + FRAME, 115))),
    "L2TPv3 with a cookie and IP": (1, f.ethernet(f.ipv4(b"\0\0\0\7" + b"cook" + HELLO, 115))),
    "L2TPv3 over UDP": (1, f.ethernet(f.ipv4(f.udp(b"\0\3\0\0\0\0\0\7cook" + FRAME, target=1701)))),
    "TZSP": (1, f.ethernet(f.ipv4(f.udp(b"\1\0\0\1\1" + FRAME, target=37008)))),
    "TZSP with tags": (1, f.ethernet(f.ipv4(f.udp(b"\1\1\0\1\0\x0a\2ab\1" + FRAME, target=37008)))),
}
WAYS6 = {
    "IPv6": (1, f.ethernet(HELLO6, 0x86DD)),
    "raw IPv6": (229, HELLO6),
    "raw IP": (101, HELLO6),
    "NULL of macOS": (0, b"\x1e\0\0\0" + HELLO6),
    "6in4": (1, f.ethernet(f.ipv4(HELLO6, 41))),
    "extensions": (229, f.ipv6(b"\x2b\0" + b"\0" * 6 + b"\x3c\1" + b"\0" * 14 + b"\x11\0" + b"\0" * 6 + f.udp(), 0)),
    "an authentication header": (229, f.ipv6(b"\x11\4" + b"\0" * 22 + f.udp(), 51)),
    "a fragment that is whole": (229, f.ipv6(f.fragment6(f.udp(), 0, more=False), 44)),
    "PPPoE": (1, f.ethernet(f.pppoe(HELLO6, 0x57), 0x8864)),
    "VXLAN over IPv6": (1, f.ethernet(f.ipv6(f.vxlan(f.ethernet(HELLO6, 0x86DD))), 0x86DD)),
    "a jumbogram": (229, f.ipv6(f.udp(length=0), length=0)),
}


def decode(*blocks: PacketBlock) -> reference.Found:
    endpoints = Endpoints()
    decoder = Decoder(endpoints)
    return reference.show([decoder.decode(block) for block in blocks], endpoints)


@pytest.mark.parametrize(("link_type", "frame"), (WAYS | OTHER_WAYS).values(), ids=WAYS | OTHER_WAYS)
def test_a_datagram_of_ipv4_is_found_behind_whatever_stands_before_it(link_type: int, frame: bytes) -> None:
    found = decode(f.block(frame, frame, link_type=link_type, gap=b"gap"))
    assert [row[1:] for row in found.datagrams] == [("192.0.2.1:5060", "198.51.100.2:5070", b"hello")] * 2
    assert not found.not_understood


@pytest.mark.parametrize(("link_type", "frame"), WAYS6.values(), ids=WAYS6)
def test_a_datagram_of_ipv6_is_found_behind_whatever_stands_before_it(link_type: int, frame: bytes) -> None:
    found = decode(f.block(frame, link_type=link_type))
    assert [row[1:] for row in found.datagrams] == [("[2001:db8::1]:5060", "[2001:db8::2]:5070", b"hello")]
    assert not found.not_understood


def test_packets_of_many_kinds_in_one_block_come_out_in_the_order_captured() -> None:
    made = [f.ethernet(f.ipv4(f.udp(bytes([n])))) for n in range(60)]
    made[7::9] = [f.ethernet(f.vlan(frame[14:]), 0x8100) for frame in made[7::9]]
    made[3::8] = [f.ethernet(f.ipv4(f.vxlan(frame))) for frame in made[3::8]]
    found = decode(f.block(*made))
    assert [row[3] for row in found.datagrams] == [bytes([n]) for n in range(60)]
    assert [row[0] for row in found.datagrams] == [f.START_NS + n * 1_000_000 for n in range(60)]


def test_a_block_may_have_packets_of_several_links() -> None:
    one = f.block(FRAME, HELLO)
    mixed = PacketBlock(
        buffer=one.buffer,
        offset=one.offset,
        length=one.length,
        wire_length=one.wire_length,
        time_ns=one.time_ns,
        link_type=np.array([1, 228], np.int32),
    )
    assert len(decode(mixed).datagrams) == 2


def test_bytes_that_were_not_captured_are_not_there() -> None:
    decoder = Decoder(Endpoints())
    decoded = decoder.decode(f.block(f.ethernet(f.ipv4(f.udp(b"x" * 100)))[:-60], wire=142))
    assert decoded.datagrams[0].payload(0) == b"x" * 40
    assert decoded.counters == Counters(packets=1, truncated=1)


def test_a_length_of_udp_that_lies_takes_no_more_than_the_packet_has() -> None:
    longer, shorter, wrong = (f.ipv4(f.udp(b"hello", length=length)) for length in (60000, 10, 3))
    found = decode(f.block(longer + b"behind", shorter, wrong, link_type=228))
    assert [row[3] for row in found.datagrams] == [b"hello", b"he"]
    assert found.not_understood == {"wrong UDP header": 1}


@pytest.mark.parametrize(
    "payload", [b"INVITE sip:bob@example.com SIP/2.0\r\n", b"", b"\x80\0" * 20, b"\x08" + b"\0" * 20]
)
@pytest.mark.parametrize("port", [4789, 6081, 1701])
def test_what_goes_to_the_port_of_a_tunnel_and_is_none_stays_a_datagram(payload: bytes, port: int) -> None:
    found = decode(f.block(f.ipv4(f.udp(payload, 5060, port)), link_type=228))
    assert [row[2:] for row in found.datagrams] == [(f"198.51.100.2:{port}", payload)]


@pytest.mark.parametrize("head", [b"\xc8\2\0\x14", b"\0\2\0\1\0\1\xff\3\xc0\x21", b"\0\3\0\0\0\0\0\7", b"\0\2" * 8])
def test_control_of_l2tp_and_what_hides_no_ip_stays_a_datagram(head: bytes) -> None:
    found = decode(f.block(f.ipv4(f.udp(head + b"\1" * 60, 1701, 1701)), link_type=228))
    assert [row[2:] for row in found.datagrams] == [("198.51.100.2:1701", head + b"\1" * 60)]


def test_l2tp_of_which_nothing_is_understood_is_told() -> None:
    control, unknown = (f.ipv4(session + b"\1" * 60, 115) for session in (bytes(4), b"\0\0\0\1"))
    found = decode(f.block(control, unknown, link_type=228))
    assert found.not_understood == {"tunnel of L2TPv3": 2}


def test_tunnels_may_have_other_ports() -> None:
    decoder = Decoder(Endpoints(), vxlan_ports=(5070,), geneve_ports=())
    inside = f.udp(struct.pack("!II", 0x08000000, 77 << 8) + f.ethernet(f.ipv4(f.udp(b"within", 1, 2))))
    (datagrams,) = decoder.decode(f.block(f.ipv4(inside), link_type=228)).datagrams
    assert datagrams.payload(0) == b"within"


def test_what_is_not_understood_is_counted_by_reason() -> None:
    arp, stp = f.ethernet(b"\0" * 28, 0x0806), f.ethernet(b"\x42\x42\x03" + b"\0" * 35, 38)
    ping, short = f.ethernet(f.ipv4(b"ping", 1)), FRAME[:20]
    deep = HELLO
    for _ in range(40):
        deep = f.ipv4(deep, 4)
    bad = f.ethernet(b"\x35" + HELLO[1:])
    found = decode(
        f.block(arp, arp, stp, ping, short, f.ethernet(deep), bad),
        f.block(b"\0", link_type=147),
        f.block(b"\0", link_type=6),
    )
    assert found.not_understood == {
        "EtherType 0x0806": 2,
        "802.3 without SNAP": 1,
        "IP protocol 1": 1,
        "shorter than its headers": 1,
        "too many headers": 1,
        "wrong IPv4 header": 1,
        "link type 147": 1,
        "link type 6 (Token Ring)": 1,
    }
    assert found.datagrams == []


def test_endless_new_addresses_of_ipv6_are_counted_not_kept() -> None:
    decoder = Decoder(Endpoints(addresses_max=3))
    made = [f.ipv6(f.udp(), ends=(f.ALICE6, f"2001:db8:1::{n:x}")) for n in range(10)]
    decoded = decoder.decode(f.block(*made, link_type=229))
    assert len(decoded.datagrams[0]) == 2
    assert decoded.counters.not_understood == {"too many IPv6 addresses": 8}


def test_a_block_without_packets_has_nothing() -> None:
    decoded = Decoder(Endpoints()).decode(f.block())
    assert (decoded.datagrams, decoded.segments, decoded.counters) == ((), (), Counters())


def test_counters_of_blocks_add_up() -> None:
    total = Counters()
    decoder = Decoder(Endpoints())
    for _ in range(3):
        total.add(decoder.decode(f.block(FRAME, f.ethernet(b"", 0x0806), wire=2000)).counters)
    assert (total.packets, total.truncated, total.not_understood) == (6, 6, {"EtherType 0x0806": 3})


def test_both_decoders_agree_on_every_capture() -> None:
    for path in sorted(shared("pcaps").glob("*.*cap*")):
        with open_capture(path) as capture:
            blocks = list(capture)
        assert decode(*blocks) == reference.decode(blocks), path.name


small = st.binary(max_size=40)
payloads = st.one_of(
    st.builds(f.udp, small, length=st.none() | st.integers(0, 60)),
    st.builds(f.udp, small, target=st.sampled_from([4789, 8472, 6081])),
    st.builds(f.tcp, small, sequence=st.integers(0, 2**32 - 1), flags=st.integers(0, 255)),
)


def wrap(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A packet of IPv4 around frames, packets and payloads."""
    tags = st.sampled_from([0x0800, 0x8100, 0x88A8, 0x8847, 0x8864, 0x86DD, 0x22EB, 0x88BE, 0x6558, 0x0806, 46])
    return st.one_of(
        st.builds(
            f.ipv4, inner, st.sampled_from([17, 6, 4, 41, 47, 44, 0, 51, 1]), total=st.none() | st.integers(0, 80)
        ),
        st.builds(
            f.ipv4, st.builds(f.ipv6, inner, st.sampled_from([17, 6, 4, 41, 47, 44, 0, 51, 60, 59])), st.just(41)
        ),
        st.builds(f.ipv4, inner, st.just(17), fragment=st.sampled_from([0x2000, 0x2001, 1, 2, 0x4000, 0x2003])),
        st.builds(f.ipv4, st.builds(f.gre, inner, tags, st.sampled_from([0, 0xB000, 0x1000, 0x4000])), st.just(47)),
        *(
            st.builds(f.ipv4, st.builds(outer, st.builds(f.ethernet, inner, tags)), st.just(protocol))
            for outer, protocol in ((f.erspan2, 47), (f.erspan3, 47), (f.vxlan, 17), (f.geneve, 17))
        ),
        st.builds(
            f.ipv4, st.builds(f.erspan2, st.builds(f.ethernet, st.builds(f.vlan, inner, tags), tags)), st.just(47)
        ),
        st.builds(f.ipv4, st.builds(f.geneve, st.builds(f.mpls, st.builds(f.pppoe, inner)), tags), st.just(17)),
    )


packets = st.recursive(payloads, wrap, max_leaves=4)
links = st.sampled_from([1, 0, 12, 101, 108, 113, 228, 229, 276, 147])
heads = st.sampled_from(
    [b"", b"\0\0\0\2", f.ethernet(b""), f.ethernet(f.vlan(b""), 0x8100), f.cooked(b""), f.cooked_v2(b"")]
)
pieces = st.builds(
    lambda head, body, cut: (head + body)[: len(head + body) - cut],
    head=heads,
    body=packets,
    cut=st.just(0) | st.integers(0, 30),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(pieces, max_size=12), links, st.binary(max_size=3))
def test_both_decoders_agree_on_made_packets(made: list[bytes], link_type: int, gap: bytes) -> None:
    block = f.block(*made, link_type=link_type, gap=gap)
    assert decode(block) == reference.decode([block])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=120), max_size=8), links, st.data())
def test_both_decoders_agree_on_random_bytes(made: list[bytes], link_type: int, data: st.DataObject) -> None:
    spoilt = bytearray(data.draw(st.sampled_from([frame for _, frame in (*WAYS.values(), *WAYS6.values())])))
    for _ in range(data.draw(st.integers(0, 4))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    block = f.block(*made, bytes(spoilt), link_type=link_type)
    assert decode(block) == reference.decode([block])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*OTHER_WAYS.values()]), st.lists(st.binary(max_size=60), max_size=4), st.data())
def test_damaged_packets_of_other_links_and_tunnels_do_no_harm(
    way: tuple[int, bytes], made: list[bytes], data: st.DataObject
) -> None:
    link_type, frame = way
    spoilt = bytearray(frame[: data.draw(st.integers(0, len(frame)))])
    for _ in range(data.draw(st.integers(0, 4)) if spoilt else 0):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    found = decode(f.block(*made, bytes(spoilt), link_type=link_type))
    assert len(found.datagrams) <= 1 + len(made)


NSH, ARP, STP = (
    f.ethernet(b"\0" * 40, 0x894F),
    f.ethernet(b"\0" * 28, 0x0806),
    f.ethernet(b"\x42\x42\3" + b"\0" * 35, 38),
)
PING = f.ethernet(f.ipv4(b"ping", 1))


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([NSH] * 200, "none of 200 packets is understood: EtherType 0x894f (NSH)"),
        ([NSH] * 200 + [FRAME], "hardly any of 201 packets is understood: EtherType 0x894f (NSH)"),
        ([NSH] * 101 + [ARP] * 99, "none of 200 packets is understood: EtherType 0x894f (NSH)"),
        ([NSH] * 200 + [FRAME] * 10, ""),
        ([ARP] * 100 + [STP] * 100, ""),
        ([PING] * 100 + [ARP], ""),
        ([], ""),
    ],
)
def test_traffic_that_is_not_understood_is_told_from_traffic_without_calls(frames: list[bytes], said: str) -> None:
    counters = Decoder(Endpoints()).decode(f.block(*frames)).counters
    assert counters.find_unread() == said


def test_what_is_understood_again_after_a_while_is_no_trouble() -> None:
    decoder, unread = Decoder(Endpoints()), Unread()
    seen = []
    for frame in (NSH, FRAME):
        for _ in range(50):
            unread.add(decoder.decode(f.block(*[frame] * 20)).counters)
        seen.append(unread.reason)
    assert seen == ["none of 500 packets is understood: EtherType 0x894f (NSH)", ""]
