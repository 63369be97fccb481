"""The examination of a machine finds what is there, and what to do about the rest."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugins.pbx_sip.capture import host
from plugins.pbx_sip.capture.capacity import Capacity, TrialFailed, estimate, try_disk, try_ring, try_sockets
from plugins.pbx_sip.capture.errors import CaptureDenied
from plugins.pbx_sip.capture.host import State, examine_host
from tests.doubles.network import LAN, network_pair, without_rights


@pytest.fixture(scope="module")
def network():
    with network_pair() as pair:
        yield pair


@pytest.fixture
def fast(monkeypatch):
    """Trials that are over at once; what they measure is tested apart."""
    monkeypatch.setattr(host, "try_ring", lambda: 1.0)
    monkeypatch.setattr(host, "try_sockets", lambda: 4.0)
    monkeypatch.setattr(host, "try_disk", lambda _: 100e6)


def found_by_name(*asked):
    return {finding.name: finding for finding in examine_host(*asked).findings}


def test_a_packet_through_a_ring_costs_something(network):
    with network.at_lan():
        assert 0 < try_ring() < 1000


def test_a_packet_through_a_socket_costs_something():
    assert 0 < try_sockets() < 1000


def test_the_disk_has_a_speed_and_keeps_nothing(tmp_path):
    assert try_disk(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []


def test_capacity_is_what_half_of_the_cores_can_take():
    capacity = estimate("ring", 0.4, None, 8)
    assert capacity == Capacity(calls=20000, limited_by="cores", way="ring", packet_us=0.4, disk_bytes_s=None)
    assert estimate("ring", 0.4, None, 1).calls == 5000


def test_a_slow_disk_sets_the_limit():
    capacity = estimate("ring", 0.4, 18e6, 8)
    assert (capacity.calls, capacity.limited_by) == (700, "disk")


def test_a_machine_with_all_rights_captures_through_a_ring(network, fast, tmp_path):
    with network.at_lan():
        examined = examine_host(LAN, tmp_path)
        states = {finding.name: finding.state for finding in examined.findings}
    assert examined.is_good
    assert examined.capacity.way == "ring"
    for name in ("raw sockets", "ring", "nftables", "lan0", "lan0 MTU", "disk"):
        assert states[name] is State.GOOD, name
    assert {"time", "socket buffers", "backlog", "open files", "cores"} <= set(states)


def test_without_rights_ordinary_sockets_are_the_way_and_the_loss_is_told(fast, monkeypatch):
    def refuse():
        raise CaptureDenied

    monkeypatch.setattr(host, "try_ring", refuse)
    examined = examine_host()
    first = examined.findings[0]
    assert (first.name, first.state) == ("raw sockets", State.BAD)
    assert "mirror port" in first.text
    assert "AmbientCapabilities" in first.remedy
    assert not examined.is_good
    assert examined.capacity.way == "sockets"


def test_a_machine_where_nothing_comes_has_no_capacity(fast, monkeypatch):
    def fail():
        raise TrialFailed("of 256 packets over the loopback 0 came")

    monkeypatch.setattr(host, "try_ring", fail)
    monkeypatch.setattr(host, "try_sockets", fail)
    examined = examine_host()
    assert examined.capacity is None
    assert {finding.name for finding in examined.findings if finding.state is State.BAD} == {"ring", "sockets"}


def test_a_loopback_that_is_down_is_told_so(network):
    with network.at_lan():
        subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
        try:
            found = found_by_name()
        finally:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name in ("ring", "sockets"):
        assert (found[name].state, found[name].remedy) == (State.BAD, "The loopback is down: ip link set lo up")


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.EMFILE, "LimitNOFILE"), (errno.ENOMEM, "memory"), (errno.EINVAL, "Linux 4.20")]
)
def test_a_ring_that_cannot_be_opened_is_told_what_helps(fast, monkeypatch, number, remedy):
    def fail():
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(host, "try_ring", fail)
    assert remedy in found_by_name()["ring"].remedy


def test_what_every_bad_or_fair_finding_says_can_be_acted_on(network, fast, tmp_path):
    with network.at_lan():
        for finding in examine_host(LAN, tmp_path).findings:
            assert finding.state is State.GOOD or finding.remedy or finding.name == "cores", finding


def test_an_interface_that_is_not_there_is_bad_and_the_others_are_named(network, fast):
    with network.at_lan():
        finding = found_by_name("lan9")["lan9"]
    assert finding.state is State.BAD
    assert "lan0" in finding.remedy


def test_a_card_that_is_down_joins_packets_and_is_too_small_is_told_so(network, fast):
    with network.at_lan():
        network.set_link("down")
        for words in (["mtu", "1400"], ["promisc", "on"]):
            subprocess.run(["ip", "link", "set", LAN, *words], check=True)
        found = found_by_name(LAN)
    assert found[LAN].state is State.BAD
    assert found[LAN].remedy == "ip link set lan0 up"
    assert found["lan0 MTU"].state is State.FAIR
    assert "mirror" in found["lan0 mirror"].name


@pytest.mark.parametrize(
    ("feature", "option"),
    [("rx-udp-gro-forwarding", "rx-udp-gro-forwarding"), ("rx-gro-list", "rx-gro-list"), ("rx-lro", "lro")],
)
def test_a_card_that_joins_packets_is_told_to_stop(network, fast, monkeypatch, feature, option):
    monkeypatch.setattr(host, "find_features", lambda _: {feature: True})
    with network.at_lan():
        finding = found_by_name(LAN)[f"lan0 {feature}"]
    assert (finding.state, finding.remedy) == (State.FAIR, f"ethtool -K lan0 {option} off")


def test_a_folder_that_cannot_be_written_to_is_bad(fast, monkeypatch, tmp_path):
    monkeypatch.setattr(host, "try_disk", try_disk)
    finding = found_by_name(None, tmp_path / "nowhere")["disk"]
    assert finding.state is State.BAD
    assert "No such file" in finding.text
    assert "Make the folder" in finding.remedy
    assert "Make" not in found_by_name(None, Path("/proc"))["disk"].remedy


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.ENOSPC, "Make room"), (errno.EACCES, "Give it"), (errno.EROFS, "Choose")]
)
def test_a_folder_is_told_what_it_lacks(fast, monkeypatch, tmp_path, number, remedy):
    def fail(folder):
        raise OSError(number, os.strerror(number), str(folder))

    monkeypatch.setattr(host, "try_disk", fail)
    assert found_by_name(None, tmp_path)["disk"].remedy.startswith(remedy)


def test_settings_of_the_kernel_that_are_too_small_are_told(fast, monkeypatch, tmp_path):
    (tmp_path / "rmem_max").write_text("212992\n")
    (tmp_path / "netdev_max_backlog").write_text("1000\n")
    monkeypatch.setattr(host, "_SYSCTL", tmp_path)
    found = found_by_name()
    assert found["socket buffers"].remedy == "sysctl -w net.core.rmem_max=4194304"
    assert found["backlog"].remedy == "sysctl -w net.core.netdev_max_backlog=20000"
    (tmp_path / "rmem_max").write_text("8388608\n")
    (tmp_path / "netdev_max_backlog").write_text("20000\n")
    found = found_by_name()
    assert found["socket buffers"].state is found["backlog"].state is State.GOOD


@pytest.mark.parametrize(("free_kib", "state"), [(100_000, State.BAD), (900_000, State.FAIR), (8_000_000, State.GOOD)])
def test_a_machine_without_room_for_a_ring_is_told_so(fast, monkeypatch, tmp_path, free_kib, state):
    (tmp_path / "meminfo").write_text(f"MemTotal: 9000000 kB\nMemAvailable:   {free_kib} kB\n")
    monkeypatch.setattr(host, "_MEMORY", tmp_path / "meminfo")
    assert found_by_name()["memory"].state is state


def test_a_process_without_rights_is_examined_to_the_end():
    script = (
        "from plugins.pbx_sip.capture.host import examine_host\n"
        "found = examine_host('lo')\n"
        "print(found.capacity.way, [one.state.value for one in found.findings if one.name == 'raw sockets'])"
    )
    done = subprocess.run([*without_rights(), sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "sockets ['bad']\n"
