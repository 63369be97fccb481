"""Files that people upload for a device."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.listing import AuditFilter, list_entries
from hub.runtime import uploads as uploads_module
from hub.runtime.failure import FailureKind, PluginFailure
from hub.runtime.plugins import Plugins
from hub.runtime.uploads import UploadRefused, Uploads, plain_name
from tests.doubles import plugins, switchboard
from tests.doubles.supervision import Supervised

MARIA = Actor(1, "maria", "web")


@pytest.fixture
def hub(tmp_path, tmp_data, sqlite_db):
    with plugins.on_path(tmp_path / "site") as site:
        switchboard.install(site)
        yield Supervised(tmp_data, sqlite_db)


@pytest.fixture
def uploads(hub):
    return Uploads(hub.config.uploads, hub.db, Plugins(), hub.commands)


def send(uploads, device, name, content=b"capture"):
    upload = uploads.begin(device, name)
    try:
        upload.write(content)
        uploads.hand_over(device, upload, MARIA)
    finally:
        upload.discard()


def test_a_file_is_handed_over_and_nothing_of_it_stays_behind(hub, uploads, tmp_path):
    (folder := tmp_path / "board").mkdir()
    device = hub.device(hub.add("switchboard", folder=str(folder)))
    with hub.running():
        hub.wait_for(device.id, "ok")
        send(uploads, device, "Montag früh.pcap")
        assert (folder / "taken" / "Montag früh.pcap").read_bytes() == b"capture"
        with pytest.raises(PluginFailure, match="This is no capture") as caught:
            send(uploads, device, "x.PCAPNG", b"bad")
    assert (caught.value.kind, caught.value.hint) == (FailureKind.BAD_RECORDING, "Upload a pcap file.")
    assert list(hub.config.uploads.iterdir()) == []
    with hub.db.read() as session:
        lines = list_entries(session, AuditFilter(actions=frozenset({Action.DEVICE_UPLOAD}))).items
    assert len(lines) == 2


def test_a_device_that_does_not_run_takes_no_file(hub, uploads):
    device = hub.device(hub.add("switchboard", folder="/tmp"))
    hub.instances.change(device.id, 1, MARIA, enabled=False)
    assert uploads.names_of(hub.device(device.id)) == ()
    with hub.running(), pytest.raises(PluginFailure, match="switched off"):
        send(uploads, device, "a.pcap")


@pytest.mark.parametrize("name", ["a.exe", "pcap", "", "..", "a.pcap/..", "a.pcap\x00.exe"])
def test_a_file_of_another_kind_is_refused_by_its_name(hub, uploads, name):
    device = hub.device(hub.add("switchboard", folder="/tmp"))
    with pytest.raises(UploadRefused, match=r"it takes \*\.pcap, \*\.pcapng"):
        uploads.begin(device, name)
    assert list(hub.config.uploads.iterdir()) == []


@given(st.text(max_size=400))
def test_no_name_leads_out_of_a_folder(sent):
    name = plain_name(sent)
    assert name
    assert "/" not in name
    assert name not in {".", ".."}
    assert not name.startswith(".")
    assert not {"\n", "\t", "\x00"} & set(name)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("../../etc/passwd", "passwd"),
        (r"C:\Users\x\calls.pcap", "calls.pcap"),
        ("a" * 500 + ".pcap", "a" * 195 + ".pcap"),
        (".hidden.pcap", "hidden.pcap"),
    ],
)
def test_of_a_path_the_last_part_is_the_name(sent, name):
    assert plain_name(sent) == name


def test_a_file_that_is_too_large_is_refused_before_the_disk_is_full(hub, uploads, monkeypatch):
    device = hub.device(hub.add("switchboard", folder="/tmp"))
    monkeypatch.setattr(uploads_module, "LONGEST_BYTES", 10)
    upload = uploads.begin(device, "a.pcap")
    with pytest.raises(UploadRefused, match="larger than"):
        upload.write(b"x" * 11)
    upload.discard()
    monkeypatch.setattr(uploads_module, "LONGEST_BYTES", 1 << 40)
    monkeypatch.setattr(uploads_module, "_LEAST_FREE_BYTES", 1 << 60)
    upload = uploads.begin(device, "a.pcap")
    with pytest.raises(UploadRefused, match="too full"):
        upload.write(b"x")
    upload.discard()


def test_what_a_killed_web_process_left_behind_is_forgotten(hub, uploads):
    device = hub.device(hub.add("switchboard", folder="/tmp"))
    left = uploads.begin(device, "a.pcap")
    left.close()
    os.utime(left.path.parent, (0, 0))
    fresh = uploads.begin(device, "b.pcap")
    assert not left.path.exists()
    assert fresh.path.exists()
    fresh.discard()
