"""RTP headers, whatever they carry."""

from struct import pack

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.rtp.packets import extend_sequence, extend_timestamp, read_rtp


def read(*datagrams):
    buffer = np.frombuffer(b"".join(datagrams), np.uint8)
    length = np.array([len(each) for each in datagrams], np.int32)
    offset = np.cumsum(length, dtype=np.int64) - length
    return read_rtp(buffer, np.arange(len(datagrams), dtype=np.int64), offset, length)


def rtp(payload=b"sound", first=0x80, second=0, more=b""):
    return pack(">BBHII", first, second, 7, 1000, 0xABCD) + more + payload


def test_a_plain_packet_is_read():
    packets, is_rtp = read(rtp(second=0x80 | 8))
    assert is_rtp.tolist() == [True]
    assert (packets.payload_type[0], packets.marker[0], packets.sequence[0]) == (8, True, 7)
    assert (packets.timestamp[0], packets.ssrc[0], packets.payload(0)) == (1000, 0xABCD, b"sound")


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(rtp(first=0x82, more=bytes(8)), id="two contributing sources"),
        pytest.param(rtp(first=0x90, more=b"\xbe\xde\0\1" + bytes(4)), id="an extension"),
        pytest.param(rtp(first=0x91, more=bytes(4) + b"\x10\0\0\0"), id="a source and an empty extension"),
        pytest.param(rtp(first=0xA0) + b"\0\0\3", id="padding"),
    ],
)
def test_what_stands_around_the_payload_is_taken_off(datagram):
    packets, _ = read(rtp(), datagram, rtp())
    assert [packets.payload(row) for row in range(3)] == [b"sound"] * 3


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(rtp()[:11], id="half a header"),
        pytest.param(b"OPTIONS sip:hub SIP/2.0\r\n", id="SIP"),
        pytest.param(b"\x80\xc8" + bytes(26), id="an RTCP sender report"),
        pytest.param(b"\x81\xcb" + bytes(10), id="an RTCP goodbye"),
        pytest.param(rtp(first=0x8F), id="more sources than fit"),
        pytest.param(rtp(first=0x90, more=b"\xbe\xde\xff\xff"), id="an extension that does not fit"),
        pytest.param(rtp(first=0x90, payload=b"ab"), id="half the head of an extension"),
        pytest.param(rtp(first=0xA0, payload=b"\xff"), id="more padding than there is"),
        pytest.param(b"\x00\x01" + bytes(18), id="STUN"),
    ],
)
def test_what_is_no_rtp_is_left_out(datagram):
    packets, is_rtp = read(rtp(), datagram, rtp())
    assert is_rtp.tolist() == [True, False, True]
    assert len(packets) == 2


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=40), max_size=6))
def test_any_datagrams_can_be_read(datagrams):
    packets, is_rtp = read(*datagrams)
    assert len(packets) == is_rtp.sum()
    for row in range(len(packets)):
        assert packets.payload(row) in datagrams[np.flatnonzero(is_rtp)[row]] + bytes(1)


def test_numbers_go_on_where_they_run_over():
    numbers = np.array([65534, 65535, 1, 0, 2], np.uint16)
    assert (extend_sequence(numbers) - 65534).tolist() == [0, 1, 3, 2, 4]
    stamps = np.array([4294967200, 64, 4294967290], np.uint32)
    assert (extend_timestamp(stamps) - 4294967200).tolist() == [0, 160, 90]
