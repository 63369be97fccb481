"""A real ring on a cable between two network namespaces: each packet once, whole, in time."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter

import pytest

from plugins.pbx_sip.capture.errors import NoInterface
from plugins.pbx_sip.capture.expressions import compile_expression
from plugins.pbx_sip.capture.programs import udp_ports
from tests.doubles.network import LAN, LAN_ADDRESS, LAN_ADDRESS6, PBX, network_pair, send_frames, tunnel, without_rights
from tests.unit.plugins.pbx_sip.capture.receiving import DEADLINE_S, decode_all, drain, read_all, ring_on
from tests.unit.plugins.pbx_sip.packets import frames as f

RTP = udp_ports(10000, 20000)


@pytest.fixture(scope="module")
def network():
    with network_pair() as pair:
        yield pair


def frame_of(number: int, size: int = 172, port: int = 10000) -> bytes:
    return f.ethernet(f.ipv4(f.udp(number.to_bytes(4, "big").ljust(size, b"."), target=port)))


def send(network, frames):
    with network.at_pbx():
        send_frames(frames)


def test_every_packet_comes_once_with_its_bytes_and_its_time(network):
    frames = [frame_of(number) for number in range(5000)]
    with network.at_lan(), ring_on(LAN, program=RTP) as ring:
        before_ns = time.time_ns()
        send(network, frames)
        found = read_all(ring, len(frames))
        after_ns = time.time_ns()
        assert [frame for _, frame in found] == frames
        assert before_ns <= found[0][0] <= found[-1][0] <= after_ns
        assert drain(ring) == []
        assert ring.statistics().packets == len(frames)
        assert ring.statistics().packets == 0


def test_packets_of_mixed_sizes_come_whole(network):
    frames = [frame_of(number, size=20 + number * 37 % 1400) for number in range(3000)]
    with network.at_lan(), ring_on(LAN, program=RTP, blocks=128) as ring:
        send(network, frames)
        assert [frame for _, frame in read_all(ring, len(frames))] == frames


def test_a_tagged_frame_comes_without_its_outer_tag(network):
    inside = f.ipv4(f.udp(b"rtp", target=10000))
    frames = [
        f.ethernet(f.vlan(inside), 0x8100),
        f.ethernet(f.vlan(f.vlan(inside), 0x8100), 0x88A8),
    ]
    with network.at_lan(), ring_on(LAN, program=RTP) as ring:
        send(network, frames)
        assert [frame for _, frame in read_all(ring, 2)] == [f.ethernet(inside), f.ethernet(f.vlan(inside), 0x8100)]
        send(network, frames)
        assert [payload for _, _, payload in decode_all(ring, 2).elements()] == [b"rtp", b"rtp"]


def test_only_what_an_expression_asks_for_comes(network):
    program = compile_expression("udp dst port 5060", 1)
    wanted, other = frame_of(1, port=5060), frame_of(2, port=10000)
    with network.at_lan(), ring_on(LAN, program=program) as ring:
        send(network, [other, wanted, other])
        assert [frame for _, frame in read_all(ring, 1)] == [wanted]
        assert drain(ring) == []


def test_what_this_machine_sends_itself_does_not_come(network):
    with network.at_lan(), ring_on(LAN, program=RTP) as ring:
        send_frames([frame_of(1)], LAN)
        send(network, [frame_of(2)])
        assert [frame for _, frame in read_all(ring, 1)] == [frame_of(2)]
        assert drain(ring) == []


def test_out_of_a_tunnel_packets_come_without_a_link_layer(network):
    sent = [f.ipv4(f.udp(b"rtp", target=10000)), f.ipv6(f.udp(b"rtp", target=10000))]
    program = udp_ports(10000, 20000, link_type=101)
    with network.at_lan(), tunnel("tun9") as end, ring_on("tun9", program=program) as ring:
        for packet in [*sent, f.ipv4(f.udp(b"rtp", target=9999))]:
            end.write(packet)
        assert [packet for _, packet in read_all(ring, 2)] == sent
        for packet in sent:
            end.write(packet)
        assert [payload for _, _, payload in decode_all(ring, 2).elements()] == [b"rtp", b"rtp"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_over_the_loopback_each_packet_comes_once(network, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with network.at_lan(), ring_on("lo", program=RTP) as ring, socket.socket(family, socket.SOCK_DGRAM) as sender:
        sent = [number.to_bytes(4, "big") for number in range(1000)]
        for payload in sent:
            sender.sendto(payload, (address, 10000))
        assert Counter(payload for _, _, payload in decode_all(ring, len(sent)).elements()) == Counter(sent)
        assert drain(ring) == []


def test_fragments_become_whole_datagrams(network):
    payloads = [os.urandom(4000), os.urandom(3000)]
    with network.at_lan(), ring_on(LAN, program=RTP) as ring:
        with network.at_pbx():
            for payload, address in zip(payloads, (LAN_ADDRESS, LAN_ADDRESS6), strict=True):
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                with socket.socket(family, socket.SOCK_DGRAM) as sender:
                    sender.sendto(payload, (address, 10000))
        assert [payload for _, _, payload in decode_all(ring, 2).elements()] == payloads


def test_what_finds_no_room_is_counted(network):
    frames = [frame_of(number, size=1000) for number in range(2000)]
    with network.at_lan(), ring_on(LAN, program=RTP, block_bytes=4096, blocks=4) as ring:
        send(network, frames)
        statistics = ring.statistics()
        assert statistics.packets == len(frames)
        assert len(frames) - 16 <= statistics.drops < len(frames)
        assert statistics.freezes > 0
        came = [frame for _, frame in read_all(ring, len(frames) - statistics.drops)]
        assert came == frames[: len(came)]
        send(network, [frame_of(7)])
        assert frame_of(7) in [frame for _, frame in read_all(ring, 1)]


def test_a_reader_that_stands_still_for_a_second_loses_nothing(network):
    script = (
        "import sys; from plugins.pbx_sip.capture.programs import udp_ports; "
        "from plugins.pbx_sip.capture.ring import PacketRing\n"
        f"ring = PacketRing({LAN!r}, program=udp_ports(10000, 20000)); print('open', flush=True); count = 0\n"
        "while (block := ring.read(3)) is not None: count += len(block)\n"
        "print(count, ring.statistics().drops)"
    )
    command = network.lan_command(sys.executable, "-c", script)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout.readline() == "open\n"
        sent = 0
        end_s = time.monotonic() + 2
        stop_s, go_on_s = end_s - 1.5, end_s - 0.5
        states = [(stop_s, signal.SIGSTOP), (go_on_s, signal.SIGCONT)]
        with network.at_pbx(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
            sender.bind((PBX, 0))
            while (now_s := time.monotonic()) < end_s:
                while states and now_s >= states[0][0]:
                    reader.send_signal(states.pop(0)[1])
                for _ in range(20):
                    sender.send(frame_of(sent))
                    sent += 1
        for _, state in states:
            reader.send_signal(state)
        assert reader.communicate(timeout=DEADLINE_S)[0].split() == [str(sent), "0"]


def test_rings_of_a_group_share_the_flows(network):
    frames = [frame_of(number, port=10000 + number % 200) for number in range(4000)]
    group = os.getpid() & 0xFFFF
    with (
        network.at_lan(),
        ring_on(LAN, program=RTP, fanout=group) as one,
        ring_on(LAN, program=RTP, fanout=group) as other,
    ):
        send(network, frames)
        shares = [drain(one), drain(other)]
    assert Counter(shares[0]) + Counter(shares[1]) == Counter(frames)
    ports = [{frame[36:38] for frame in share} for share in shares]
    assert ports[0]
    assert ports[1]
    assert not ports[0] & ports[1]


def test_the_buffer_is_the_readers_own(network):
    with network.at_lan(), ring_on(LAN, program=RTP, block_bytes=4096, blocks=2) as ring:
        send(network, [frame_of(1)])
        first = ring.read(DEADLINE_S)
        for number in range(2, 100):
            send(network, [frame_of(number)])
            assert ring.read(DEADLINE_S) is not None
        start = int(first.offset[0])
        assert first.buffer[start : start + int(first.length[0])].tobytes() == frame_of(1)


def test_a_closed_ring_gives_its_memory_back(network):
    with network.at_lan():
        for _ in range(40):
            with ring_on(LAN, blocks=512) as ring:
                send(network, [frame_of(1)])
                kept = ring.read(DEADLINE_S)
                assert kept is not None


def test_an_interface_that_goes_down_and_up_again_is_no_end(network):
    with network.at_lan(), ring_on(LAN, program=RTP) as ring:
        send(network, [frame_of(1)])
        assert len(read_all(ring, 1)) == 1
        network.set_link("down")
        wait_for(ring, lambda: ring.trouble == f"{LAN} is down")
        network.set_link("up")
        wait_for(ring, lambda: not ring.trouble)
        assert comes_again(network, ring)


def test_a_ring_may_be_opened_before_its_interface_is_up(network):
    with network.at_lan():
        network.set_link("down")
        with ring_on(LAN, program=RTP) as ring:
            assert ring.trouble == f"{LAN} is down"
            network.set_link("up")
            wait_for(ring, lambda: not ring.trouble)
            assert comes_again(network, ring)


def test_an_interface_that_goes_away_and_comes_back_is_no_end():
    with network_pair() as network, network.at_lan(), ring_on(LAN, program=RTP, fanout=7) as ring:
        send(network, [frame_of(1), frame_of(2)])
        assert len(read_all(ring, 2)) == 2
        network.remove_cable()
        wait_for(ring, lambda: ring.trouble == f"{LAN} is away")
        index = ring.interface.index
        network.connect()
        wait_for(ring, lambda: not ring.trouble)
        assert ring.interface.index != index
        assert comes_again(network, ring)
        assert ring.statistics().packets >= 3


def comes_again(network, ring) -> bool:
    """Whether a packet that is sent now gets through; a cable needs a moment to carry again."""
    end_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < end_s:
        send(network, [frame_of(9)])
        if any(frame == frame_of(9) for frame in drain(ring)):
            return True
    return False


def wait_for(ring, condition):
    """Read, as a recorder does, until the ring has noticed."""
    end_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end_s, ring.trouble
        ring.read(0.02)


def test_a_ring_waits_no_longer_than_it_is_told(network):
    with network.at_lan(), ring_on("lo", program=RTP) as ring:
        assert ring.read(0) is None
        assert ring.read(0.01) is None


def test_an_unknown_interface_is_refused_with_those_there_are(network):
    with network.at_lan(), pytest.raises(NoInterface, match="lan7") as refused:
        ring_on("lan7").__enter__()
    assert "lan0" in refused.value.hint
    assert refused.value.field == "interface"


@pytest.mark.parametrize("name", ["", "a" * 16, "lan\0"])
def test_a_name_that_no_interface_can_have_is_refused(network, name):
    with network.at_lan(), pytest.raises(NoInterface):
        ring_on(name).__enter__()


def test_without_the_right_to_capture_the_way_out_is_told():
    script = (
        "from plugins.pbx_sip.capture.ring import PacketRing\n"
        "from plugins.pbx_sip.capture.errors import CaptureDenied\n"
        "try: PacketRing('lo')\n"
        "except CaptureDenied as denied: print(denied.hint)"
    )
    done = subprocess.run([*without_rights(), sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "AmbientCapabilities" in done.stdout
    assert "setcap" in done.stdout


def test_a_ring_for_which_there_is_no_memory_is_refused_in_words(network):
    script = (
        "import resource\n"
        "from plugins.pbx_sip.capture.ring import PacketRing\n"
        "pages = int(open('/proc/self/statm').read().split()[0])\n"
        "resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (16 << 20),) * 2)\n"
        "try: PacketRing('lo', blocks=128)\n"
        "except OSError as error: print(error.strerror)"
    )
    command = network.lan_command(sys.executable, "-c", script)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "no memory for a ring of 64 MiB\n"
