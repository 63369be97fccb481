"""Captures get into the folder whole, under a name of their own, and replace nothing."""

import asyncio
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.sdk import BadRecording, RetryLater
from hub.testing import FakeContext
from plugins.pbx_sip.folder import Arrival, find_captures
from plugins.pbx_sip.plugin import SipCapture
from plugins.pbx_sip.settings import SipCaptureSettings
from tests.doubles.capture_file import WireCall, pcap_of

CAPTURE = pcap_of(WireCall(call_id="a"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "captures").mkdir()
    return tmp_path / "captures"


def put(folder, name, content=CAPTURE):
    with Arrival(folder, name) as arrival:
        arrival.file.write(content)
        return arrival.finish()


def take(folder, tmp_path, name, content=CAPTURE):
    upload = tmp_path / "upload"
    upload.write_bytes(content)
    made = SipCapture(SipCaptureSettings(folder=folder), FakeContext(tmp_path / "hub"))
    asyncio.run(made.take_file(upload, name))
    return upload


def test_a_capture_is_seen_only_when_it_is_whole(folder):
    with Arrival(folder, "one.pcap") as arrival:
        arrival.file.write(CAPTURE)
        assert list(find_captures(folder)) == []
        place = arrival.finish()
    assert (place, place.read_bytes()) == (folder / "one.pcap", CAPTURE)


def test_one_that_is_given_up_leaves_nothing(folder):
    with Arrival(folder, "one.pcap") as arrival:
        arrival.file.write(CAPTURE)
    assert list(folder.iterdir()) == []


def test_the_same_name_again_is_another_file(folder):
    places = [put(folder, "one.pcap.gz", bytes([number])) for number in range(3)]
    assert [place.name for place in places] == ["one.pcap.gz", "one-2.pcap.gz", "one-3.pcap.gz"]
    assert [place.read_bytes() for place in places] == [b"\0", b"\1", b"\2"]


@settings(deadline=None, max_examples=40)
@given(name=st.text(max_size=300))
def test_no_name_leads_out_of_the_folder(name, tmp_path_factory):
    folder = tmp_path_factory.mktemp("captures")
    place = put(folder, name)
    assert place.parent == folder
    assert list(find_captures(folder)) == [place]


def test_what_is_put_there_belongs_to_the_owner_of_the_folder(folder):
    owner = 12345 if os.geteuid() == 0 else os.geteuid()  # only root can give files away
    os.chown(folder, owner, -1)
    assert put(folder, "one.pcap").stat().st_uid == owner


def test_an_uploaded_capture_is_moved_into_the_folder(folder, tmp_path):
    upload = take(folder, tmp_path, "C:\\captures\\Büro 1.pcapng")
    assert not upload.exists()
    assert [path.name for path in folder.iterdir()] == ["Büro 1.pcapng"]
    assert (folder / "Büro 1.pcapng").read_bytes() == CAPTURE


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVEfmt ", b"\x1f\x8b", b"\x1f\x8b" + bytes(40), CAPTURE[:10]])
def test_an_upload_that_is_no_capture_is_refused(content, folder, tmp_path):
    with pytest.raises(BadRecording, match=r"sound\.pcap"):
        take(folder, tmp_path, "sound.pcap", content)
    assert list(folder.iterdir()) == []


def test_an_upload_into_a_folder_that_is_away_may_come_again(folder, tmp_path):
    folder.rmdir()
    with pytest.raises(RetryLater, match="cannot be put"):
        take(folder, tmp_path, "one.pcap")
    assert (tmp_path / "upload").exists()
