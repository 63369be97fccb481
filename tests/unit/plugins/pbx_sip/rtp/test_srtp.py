"""Encrypted media with keys from the signalling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from plugins.pbx_sip.rtp.srtp import SrtpKey, decrypt
from tests.doubles.rtp_stream import Sender, received

SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
}
PAYLOADS = [bytes([number]) * 160 for number in range(100)]


def key_of(suite, seed=1):
    return SrtpKey(suite, bytes((seed * 7 + place) % 256 for place in range(SUITES[suite][1])))


def encrypted(sent, key):
    profile, _ = SUITES[key.suite]
    session = Session(Policy(key=key.material, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
    return [(at_ns, session.protect(datagram)) for at_ns, datagram in sent]


def opened(packets, keys):
    plain, rows = decrypt(packets, keys)
    assert len(rows) == len(plain)
    return plain


def payloads(packets):
    return [packets.payload(row) for row in range(len(packets))]


@pytest.mark.parametrize("suite", SUITES)
def test_what_was_encrypted_is_what_was_said_also_past_the_end_of_the_numbers(suite):
    key = key_of(suite)
    sent = Sender().send(PAYLOADS).sent
    plain = opened(received(encrypted(sent, key)), [key_of(suite, 9), key])
    assert payloads(plain) == PAYLOADS
    assert plain.sequence.tolist() == received(sent).sequence.tolist()


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("rounds", [1, 2, 30])
def test_a_call_that_is_hours_old_when_it_is_first_seen_is_opened(suite, rounds):
    key = key_of(suite)
    profile, _ = SUITES[suite]
    session = Session(Policy(key=key.material, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
    sent = Sender().send(PAYLOADS).sent
    head, source = sent[0][1][:2], sent[0][1][8:12]
    first = int.from_bytes(sent[0][1][2:4], "big")
    for number in range(0, rounds * 0x10000, 0x4000):
        session.protect(head + ((first + number) & 0xFFFF).to_bytes(2, "big") + bytes(4) + source + b"gone")
    locked = [(at_ns, session.protect(datagram)) for at_ns, datagram in sent]
    assert payloads(opened(received(locked), [key_of(suite, 9), key])) == PAYLOADS


def test_without_the_right_key_nothing_is_given():
    locked = received(encrypted(Sender().send(PAYLOADS).sent, key_of("AEAD_AES_128_GCM")))
    assert len(opened(locked, [key_of("AEAD_AES_128_GCM", 5)])) == 0
    assert len(opened(locked, [])) == 0
    assert len(opened(locked, [SrtpKey("AES_256_CM_HMAC_SHA1_80", bytes(46))])) == 0


def test_a_sender_may_take_another_key_at_any_time():
    first, second = key_of("AES_CM_128_HMAC_SHA1_80"), key_of("AES_CM_128_HMAC_SHA1_80", 3)
    sent = Sender().send(PAYLOADS).sent
    mixed = encrypted(sent[:50], first) + encrypted(sent[50:], second)
    assert payloads(opened(received(mixed), [second, first])) == PAYLOADS


def test_packets_out_of_order_are_opened_and_doubled_and_forged_ones_are_not():
    key = key_of("AES_CM_128_HMAC_SHA1_32")
    locked = encrypted(Sender().send(PAYLOADS).sent, key)
    random = np.random.default_rng(2)
    late = [(at_ns + int(random.integers(0, 60_000_000)), each) for at_ns, each in locked]
    forged = [(at_ns + 1, each[:-1] + bytes([each[-1] ^ 1])) for at_ns, each in locked]
    plain = opened(received(late + late[20:40] + forged), [key])
    assert sorted(payloads(plain)) == PAYLOADS


def test_the_name_of_a_key_in_each_packet_is_taken_out():
    key = key_of("AES_CM_128_HMAC_SHA1_80")
    named = [
        (at_ns, each[:-10] + b"\0\0\0\1" + each[-10:]) for at_ns, each in encrypted(Sender().send(PAYLOADS).sent, key)
    ]
    assert payloads(opened(received(named), [SrtpKey(key.suite, key.material, mki_bytes=4)])) == PAYLOADS


def test_a_key_of_the_wrong_length_is_no_key():
    locked = received(encrypted(Sender().send(PAYLOADS).sent, key_of("AEAD_AES_128_GCM")))
    assert len(opened(locked, [SrtpKey("AEAD_AES_128_GCM", b"short")])) == 0


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8))
def test_any_packets_can_be_tried(contents):
    assert len(opened(received(Sender().send(contents).sent), [key_of("AES_CM_128_HMAC_SHA1_80")])) == 0
