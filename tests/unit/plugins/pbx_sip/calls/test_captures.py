"""Calls in captures of real and imitated telephone systems."""

import numpy as np
import pytest

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.numbers import number_of
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.packets.files import open_capture
from tests.doubles.shared_data import shared


def calls_in(name):
    observer = Observer()
    with open_capture(shared(f"pcaps/{name}")) as blocks:
        for block in blocks:
            observer.add(block)
    return sorted(observer.take(), key=lambda call: call.began_ns)


def told(call):
    """Who called whom, and of each side: codings, packets received and lost, keys."""
    lanes = {
        lane.side: (lane.codings, lane.quality.received, lane.quality.lost, "".join(key.key for key in lane.keys))
        for lane in call.lanes
    }
    return number_of(call.dialog.caller), number_of(call.dialog.called), lanes.get(Side.CALLER), lanes.get(Side.CALLED)


# The figures are those of the manifest: packets and losses of each stream, as TShark counts them.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sip_call_rtp_g711.pcap", ("", "francisco", (("PCMA",), 891, 0, ""), (("PCMA",), 548, 0, ""))),
        ("sip_dtmf2_rfc2833.cap", ("2502", "2504", (("PCMA",), 666, 0, "6789123"), (("PCMA",), 665, 2, ""))),
        ("sip_over_tcp_g711_cn.pcap", ("101", "201", (("PCMA",), 24, 0, ""), (("PCMA",), 42, 0, ""))),
        ("sip_prack_g711_cn.pcap", ("MP114.FXS1", "101", (("PCMA",), 201, 0, ""), (("PCMA",), 47, 0, ""))),
        ("b2bua_asterisk_early.pcapng", ("telephone1", "2302", (("PCMU",), 1, 0, ""), (("PCMU",), 355, 0, ""))),
        (
            "reinvite_pcmu_to_opus_ssrc_change.pcap",
            ("alice", "bob", (("PCMU", "OPUS"), 109, 0, ""), (("PCMU", "OPUS"), 109, 0, "")),
        ),
        (
            "codec_negotiation_pcmu_to_g722.pcap",
            ("alice", "bob", (("PCMU", "G722"), 302, 0, ""), (("PCMU", "G722"), 302, 0, "")),
        ),
        ("invite_opus_bye.pcap", ("alice", "bob", (("OPUS",), 152, 0, ""), (("OPUS",), 152, 0, ""))),
        ("sip_rtp_g722.pcap", ("sipp", "test", None, (("G722",), 425, 0, ""))),
        ("sip_rtp_g729a.pcap", ("sipp", "test", None, (("G729",), 425, 0, ""))),
        ("sip_rtp_opus.pcap", ("sipp", "test", None, (("OPUS",), 425, 0, ""))),
        ("sip_rtp_gsm.pcap", ("sipp", "test", None, (("GSM",), 425, 0, ""))),
        ("fax_t38_reinvite_multi_hop.pcap", ("", "061963177", (("PCMA",), 1171, 0, ""), (("PCMA",), 159, 0, ""))),
        (
            "call_tcp_g711_dtmf_two_way.pcap",
            ("+46725098830", "79108", (("PCMA",), 1144, 0, "98765#"), (("PCMA",), 975, 0, "")),
        ),
    ],
)
def test_a_capture_gives_the_call_that_is_in_it(name, expected):
    [call] = calls_in(name)
    assert told(call) == expected


@pytest.mark.parametrize(
    "name", ["sip_rtp_g711_u_then_a.pcap", "enc_vlan.pcap", "enc_erspan2.pcap", "enc_vxlan.pcap", "enc_gre_ip.pcap"]
)
def test_two_calls_on_the_same_ports_stay_two_calls_in_whatever_they_are_wrapped(name):
    first, second = calls_in(name)
    assert told(first) == ("sipp", "test", None, (("PCMU",), 425, 0, ""))
    assert told(second) == ("sipp", "test", None, (("PCMA",), 414, 0, ""))
    assert (first.law, first.length_s) == ("PCMU", 8.5)


def test_what_was_lost_and_doubled_on_the_way_is_counted_and_the_rest_is_heard():
    clean, _ = calls_in("sip_rtp_g711_u_then_a.pcap")
    marred, _ = calls_in("imp_loss3_dup5_reorder.pcap")
    [there], [here] = clean.lanes, marred.lanes
    assert (here.quality.lost, here.quality.duplicates) == (15, 25)
    assert here.quality.mos < there.quality.mos
    frames = (here.sound.reshape(-1, 160) == there.sound.reshape(-1, 160)).all(axis=1)
    assert frames.sum() == 410


def test_hops_of_one_call_behind_a_proxy_are_one_recording():
    [call] = calls_in("call_two_parties_srtp_sdes.pcap")
    assert len(call.hops) == 2
    assert {lane.side: lane.quality.received for lane in call.lanes} == {Side.CALLER: 1135, Side.CALLED: 1135}


def test_encrypted_media_is_heard_where_the_signalling_tells_its_keys():
    [call] = calls_in("call_two_parties_srtp_sdes.pcap")
    for lane in call.lanes:
        level = call.samples(lane).astype(float).std()
        assert 300 < level < 3000  # that of speech; what is not decrypted is noise of 8,000 and more


def test_each_stream_of_a_recording_session_is_a_lane():
    [call] = calls_in("siprec_two_oracle.pcapng")
    assert [(lane.section, lane.quality.received) for lane in call.lanes] == [(0, 400), (1, 400)]
    assert [int(np.abs(call.samples(lane)).max()) > 1000 for lane in call.lanes] == [
        True,
        False,
    ]  # the second one listens


def test_a_call_without_any_media_is_told_all_the_same():
    [call] = calls_in("sip_ipv6_fragmented.pcap")
    assert (number_of(call.dialog.caller), number_of(call.dialog.called), call.lanes) == ("sipp", "mcr", ())


@pytest.mark.parametrize(
    ("name", "packets", "length_s"), [("rtp_40ms_alaw.pcap", 826, 33.04), ("rtp_choppy_jitter.pcap", 4196, 83.92)]
)
def test_speech_without_signalling_is_a_call_between_two_addresses(name, packets, length_s):
    [call] = calls_in(name)
    [lane] = call.lanes
    assert (lane.codings, lane.quality.received) == (("PCMA",), packets)
    assert call.length_s == pytest.approx(length_s, abs=0.1)
    assert call.dialog.caller.display.count(":") == 1


def test_what_only_looks_like_rtp_or_cannot_be_decoded_is_no_call():
    assert calls_in("rtp_opus_dtmf.pcap") == []  # nothing says what its payload type means


@pytest.mark.parametrize("name", ["sip_compact_headers.pcap", "sip_tcp_large_body_null_link.pcap"])
def test_an_attempt_that_nobody_answered_is_no_call(name):
    assert calls_in(name) == []
