"""What senders and receivers say of their streams."""

from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.rtp.rtcp import is_rtcp, read_rtcp

BLOCK = pack(">IIIIII", 7, 64 << 24 | 0xFFFFFE, 1000, 80, 0xAABBCCDD, 65536 * 2)
SENDER = pack(">BBHIQIII", 0x81, 200, 12, 5, 1 << 40, 1600, 10, 1600) + BLOCK
NAMES = pack(">BBHI", 0x81, 202, 3, 5) + b"\x01\x05a@b.c\0"
BYE = pack(">BBHI", 0x81, 203, 1, 5)


def test_a_compound_is_read_whole():
    sender, names, bye = read_rtcp(SENDER + NAMES + BYE)
    assert (sender.ssrc, sender.ntp_time, sender.timestamp) == (5, 1 << 40, 1600)
    [report] = sender.reports
    assert (report.ssrc, report.lost_share, report.lost, report.jitter_ticks) == (7, 0.25, -2, 80)
    assert (report.last_report, report.since_last_s) == (0xAABBCCDD, 2.0)
    assert (names.ssrc, names.cname) == (5, "a@b.c")
    assert (bye.ssrc, bye.is_bye) == (5, True)


def test_a_receiver_report_without_blocks_is_read():
    [report] = read_rtcp(pack(">BBHI", 0x80, 201, 1, 9))
    assert (report.ssrc, report.reports) == (9, ())


def test_what_is_cut_off_ends_the_compound():
    assert [each.ssrc for each in read_rtcp(SENDER + NAMES[:-4])] == [5]
    assert read_rtcp(SENDER[:40]) == []


def test_sound_is_no_rtcp():
    assert not is_rtcp(pack(">BBHII", 0x80, 0x80 | 8, 1, 2, 3))


@settings(max_examples=200)
@given(st.binary(max_size=120), st.sampled_from([200, 201, 202, 203, 207]))
def test_any_datagram_can_be_read(body, kind):
    words = len(body) // 4
    read_rtcp(pack(">BBH", 0x9F, kind, words) + body)
    read_rtcp(body)
