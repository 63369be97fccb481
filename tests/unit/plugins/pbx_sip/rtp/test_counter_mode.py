"""SRTP under keys that count, also of 256 bits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from plugins.pbx_sip.rtp.counter_mode import CounterMode
from plugins.pbx_sip.rtp.srtp import SrtpKey, decrypt
from tests.doubles.rtp_stream import received

MATERIAL = bytes(range(30))
KEY_256 = bytes.fromhex(
    "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6"  # key
    "3b04803de51ee7c96423ab5b78d2"  # salt
)
HEAD = bytes.fromhex("800f1234decafbadcafebabe")
LOCKED = HEAD + bytes.fromhex("f1d9de17ff251ff1aa007774b0b4b40da08d9d9a5b3a55d8873b")


def protecting(material=MATERIAL):
    return Session(Policy(key=material, ssrc_type=Policy.SSRC_ANY_OUTBOUND))


def packet(number, said=b"hello", extension=b""):
    first = 0x90 if extension else 0x80
    return bytes([first, 0]) + (number & 0xFFFF).to_bytes(2, "big") + bytes(4) + b"here" + extension + said


def test_a_packet_that_another_program_encrypted_with_256_bits_is_opened_and_not_twice():
    mode = CounterMode(KEY_256, 10)
    assert mode.open(LOCKED) == HEAD + b"\xab" * 16
    assert mode.open(LOCKED) is None
    assert CounterMode(KEY_256[::-1], 10).open(LOCKED) is None


def test_what_libsrtp_encrypts_is_opened_over_the_end_of_the_numbers_out_of_order_and_with_extensions():
    session, mode = protecting(), CounterMode(MATERIAL, 10)
    extension = b"\xbe\xde\0\1\x10\xff\0\0"
    sent = [packet(number, b"%d" % number, extension if number % 3 else b"") for number in range(65_500, 65_600)]
    locked = [session.protect(each) for each in sent]
    mixed = [row ^ 3 for row in range(len(sent))]
    assert [mode.open(locked[row]) for row in mixed] == [sent[row] for row in mixed]
    assert all(mode.open(each) is None for each in locked)


@pytest.mark.parametrize("rollovers", [1, 2, 30])
def test_a_call_that_is_hours_old_when_it_is_first_seen_is_opened(rollovers):
    session = protecting()
    for number in range(0, rollovers * 0x10000, 0x4000):
        session.protect(packet(number))
    assert CounterMode(MATERIAL, 10).open(session.protect(packet(5))) == packet(5)


@pytest.mark.parametrize("suite", ["AES_256_CM_HMAC_SHA1_80", "AES_CM_256_HMAC_SHA1_80"])
def test_both_names_of_the_suite_open_it(suite):
    plain, rows = decrypt(received([(0, packet(1)), (1, LOCKED)]), [SrtpKey(suite, KEY_256)])
    assert [plain.payload(row) for row in range(len(plain))] == [b"\xab" * 16]
    assert rows.tolist() == [1]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_no_packet(content):
    assert CounterMode(KEY_256, 10).open(content) is None
