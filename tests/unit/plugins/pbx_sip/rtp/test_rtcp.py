"""What senders and receivers say of their streams."""

from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.rtp.far_end import FarEnd, find_far_end
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


def metrics(ssrc=7, lost=51, round_trip_ms=120, mos=39, words=8):
    sound = pack(
        ">BBBBHHHHBBBBBBBBBBHHH", lost, 3, 0, 0, 0, 0, round_trip_ms, 0, 0, 0, 0, 0, 80, 0, mos, 38, 0, 0, 0, 0, 0
    )
    others = pack(">BBHI", 4, 0, 2, 1) + bytes(4)
    blocks = others + pack(">BBHI", 7, 0, words, ssrc) + sound
    return pack(">BBHI", 0x80, 207, 1 + len(blocks) // 4, 9) + blocks


def test_what_a_sender_says_of_how_much_it_sent_is_read():
    assert read_rtcp(SENDER)[0].packets == 10


def test_how_a_stream_sounds_to_its_listener_is_read_among_other_blocks():
    [report] = read_rtcp(metrics())
    [sound] = report.metrics
    assert (report.ssrc, sound.ssrc, round(sound.lost_share, 3), sound.round_trip_ms) == (9, 7, 0.199, 120)
    assert sound.mos == 3.9
    assert read_rtcp(metrics(mos=127))[0].metrics[0].mos is None


def test_a_block_that_says_another_length_than_it_has_is_passed_over():
    assert [read_rtcp(metrics(words=words))[0].metrics for words in (0, 7, 9, 0xFFFF)] == [()] * 4


def test_what_the_far_end_says_of_a_stream_is_put_together():
    said = [
        *read_rtcp(SENDER),
        *read_rtcp(SENDER.replace(pack(">I", 64 << 24 | 0xFFFFFE), bytes(4))),
        *read_rtcp(metrics()),
    ]
    found = find_far_end(said, {7}, 8000)
    assert found == FarEnd(reports=2, lost_share=0.125, jitter_ms=10.0, round_trip_ms=120, mos=3.9)
    assert find_far_end(said, {8}, 8000) is None
    assert find_far_end(said, {7, 5, 9}, 8000) is None


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
