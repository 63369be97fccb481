"""What is told of the media of a captured call beside its sound: reports of the far end, fax, video."""

from struct import pack

import numpy as np
import pytest

from hub.sdk import EventKind
from hub.testing import FakeContext
from plugins.pbx_sip.media import g711
from tests.doubles.capture_file import WireCall, agreed_in, frames_of, request_in, udp, write_capture, write_frames
from tests.unit.plugins.pbx_sip.capturing import HEARD, SAID, channels, drafts, run_until, settings


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "captures").mkdir()
    return tmp_path / "captures"


@pytest.fixture
def ctx(tmp_path):
    return FakeContext(tmp_path / "hub")


def report_of(call, at_s, ssrc, share, port=1, sender=0):
    """What the called one says of a stream, as a frame at its time; share: lost of 256."""
    block = pack(">IIIIII", ssrc, share << 24 | 5, 1000, 80, 0, 0)
    rtcp = pack(">BBHI", 0x81, 201, 7, 99 + sender) + block
    return call.began_ns + round(at_s * 1e9), udp(
        call.called_host, call.port + port, call.caller_host, call.port + port, rtcp
    )


@pytest.mark.parametrize("port", [1, 0], ids=["beside the media", "with it"])
def test_what_the_far_end_says_of_a_stream_stands_beside_what_was_heard_of_it(folder, ctx, port):
    call = WireCall(call_id="a@pbx", said=SAID, heard=HEARD)
    other = WireCall(call_id="b@pbx", caller="202", said=SAID, heard=HEARD, port=30000, caller_host="192.0.2.21")
    said_ssrc = 1 + 10 * call.port
    reports = [report_of(call, at_s, said_ssrc, share, port) for at_s, share in ((1.0, 64), (1.5, 0), (60.0, 255))]
    stranger = report_of(other, 1.0, said_ssrc, 255, port)
    frames = sorted([*frames_of(call), *frames_of(other), *reports, *reports[:1], stranger])
    write_frames(folder / "one.pcap", frames)
    run_until(lambda: len(ctx.received) == 2, settings(folder), ctx)
    by_call = {draft.call_id: draft for draft in drafts(ctx)}
    fields = by_call["a@pbx"].fields
    assert (fields["caller_far_end_loss_percent"], fields["caller_far_end_jitter_ms"]) == ("12.50", "10.0")
    assert fields["caller_loss_percent"] == "0.00"
    assert not any("far_end" in name for name in by_call["b@pbx"].fields)
    assert "called_far_end_loss_percent" not in fields


def test_a_call_with_video_keeps_its_sound_and_says_that_there_was_video(folder, ctx):
    write_capture(folder / "one.pcap", WireCall(call_id="v@pbx", said=SAID, heard=HEARD, has_video=True))
    run_until(lambda: ctx.received, settings(folder), ctx)
    [draft] = drafts(ctx)
    assert (draft.fields["other_media"], draft.duration_s) == ("video", pytest.approx(2.0))
    assert (draft.fields["caller_codec"], draft.fields["caller_loss_percent"]) == ("PCMU", "0.00")
    [note] = [event for event in draft.events if event.kind is EventKind.NOTE]
    assert "video" in note.text
    assert (channels(ctx)[0] == g711.MU_LAW[np.frombuffer(SAID, np.uint8)]).all()


FAX = "v=0\r\no=- 1 2 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=image {port} udptl t38\r\na=T38FaxVersion:0\r\n"


def test_a_call_that_turns_into_a_fax_keeps_its_voice(folder, ctx):
    call = WireCall(call_id="f@pbx", said=SAID, heard=HEARD, hangs_up=False)
    hosts = (call.caller_host, call.called_host)
    offers = agreed_in(call, 2.3, body=FAX.format(host=call.called_host, port=call.port), by_called=True)
    ifp = [
        (call.began_ns + round((2.5 + number / 50) * 1e9), udp(hosts[0], call.port, hosts[1], call.port, packet))
        for number in range(100)
        for packet in [(0x8000 + number).to_bytes(2) + bytes(30)]
    ]
    write_frames(folder / "one.pcap", sorted([*frames_of(call), *offers, *ifp, request_in(call, 5.0, "BYE", number=9)]))
    run_until(lambda: ctx.received, settings(folder), ctx)
    [draft] = drafts(ctx)
    assert (draft.fields["other_media"], draft.fields["caller_codec"]) == ("fax (T.38)", "PCMU")
    assert draft.duration_s == pytest.approx(2.0)
    [note] = [event for event in draft.events if event.kind is EventKind.NOTE]
    assert ("T.38" in note.text, note.at_s) == (True, pytest.approx(2.0, abs=0.01))
    assert (channels(ctx)[0] == g711.MU_LAW[np.frombuffer(SAID, np.uint8)]).all()


def test_a_call_that_is_nothing_but_a_fax_is_listed_as_such(folder, ctx):
    frames = []
    for at_ns, frame in frames_of(WireCall(call_id="f@pbx")):
        if b"SIP/2.0" in frame:
            frames.append((at_ns, frame.replace(b"m=audio 20000 RTP/AVP 0\r\n", b"m=image 20000 udptl t38\r\n")))
    write_frames(folder / "one.pcap", frames)
    run_until(lambda: ctx.absences, settings(folder), ctx)
    [absence] = ctx.absences.values()
    assert absence.text == "There was no sound in it, only fax (T.38), which is not recorded."


@pytest.mark.parametrize("of_both", [True, False], ids=["of both", "of one"])
def test_what_was_lost_of_both_parties_at_once_is_a_gap_and_no_loss_of_either(folder, ctx, of_both):
    call = WireCall(call_id="lost@pbx", said=SAID, heard=HEARD)
    caller = bytes(map(int, call.caller_host.split(".")))
    kept = [
        (at_ns, frame)
        for at_ns, frame in frames_of(call)
        if not 0.6e9 < at_ns - call.began_ns < 1.4e9 or not (of_both or frame[26:30] == caller)
    ]
    write_frames(folder / "one.pcap", kept)
    run_until(lambda: ctx.received, settings(folder), ctx)
    [draft] = drafts(ctx)
    gaps = [event for event in draft.events if event.kind is EventKind.GAP]
    assert gaps
    assert draft.fields["called_loss_percent"] == "0.00"
    assert (draft.fields["caller_loss_percent"] == "0.00") == of_both
    assert (float(draft.fields["caller_mos"]) > 4.3) == of_both
