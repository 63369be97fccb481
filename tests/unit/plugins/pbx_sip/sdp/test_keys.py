import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.rtp.srtp import SrtpKey
from plugins.pbx_sip.sdp.errors import BadDescription
from plugins.pbx_sip.sdp.keys import SUITES, choose_crypto, format_crypto, make_crypto, parse_crypto
from plugins.pbx_sip.sdp.reader import parse_description
from tests.doubles.shared_data import shared

MATERIAL = bytes(range(46))
KEY = base64.b64encode(MATERIAL[:30]).decode()
LONG_KEY = base64.b64encode(MATERIAL).decode()


def test_key_lifetime_and_identifier_are_read():
    crypto = parse_crypto(f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^20|1:4 WSH=64")
    assert crypto
    assert (crypto.tag, crypto.suite.name, crypto.parameters) == (1, "AES_CM_128_HMAC_SHA1_80", ("WSH=64",))
    (key,) = crypto.keys
    assert (key.material, key.lifetime_packets, key.mki, key.mki_bytes) == (MATERIAL[:30], 2**20, 1, 4)


def test_an_identifier_may_come_without_a_lifetime_and_padding_may_be_missing():
    suite_key = base64.b64encode(MATERIAL[:28]).decode().rstrip("=")
    crypto = parse_crypto(f"2 aead_aes_128_gcm inline:{suite_key}|3:1")
    assert crypto
    assert (crypto.keys[0].mki, crypto.keys[0].lifetime_packets, crypto.keys[0].material) == (3, None, MATERIAL[:28])


def test_one_line_may_hold_several_keys():
    crypto = parse_crypto(f"1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}|2^31|1:1;inline:{KEY}|1000|2:1")
    assert crypto
    assert [(key.mki, key.lifetime_packets) for key in crypto.keys] == [(1, 2**31), (2, 1000)]


def test_an_unknown_suite_is_passed_over():
    assert parse_crypto(f"1 F8_128_HMAC_SHA1_80 inline:{KEY}") is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1 AES_CM_128_HMAC_SHA1_80",
        f"x AES_CM_128_HMAC_SHA1_80 inline:{KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 {KEY}",
        "1 AES_CM_128_HMAC_SHA1_80 inline:!!!!",
        "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        f"1 AES_256_CM_HMAC_SHA1_80 inline:{KEY}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^99",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|x:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|300:1",
        "1 AES_CM_128_HMAC_SHA1_80 " + ";".join([f"inline:{KEY}"] * 9),
    ],
)
def test_a_line_without_a_fitting_key_is_refused(value):
    with pytest.raises(BadDescription):
        parse_crypto(value)


def test_the_strongest_usable_suite_is_chosen():
    offered = [
        parse_crypto(f"1 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"),
        parse_crypto(f"2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
        parse_crypto(f"3 AES_256_CM_HMAC_SHA1_80 inline:{LONG_KEY} UNENCRYPTED_SRTP"),
        parse_crypto(f"4 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
    ]
    chosen = choose_crypto([crypto for crypto in offered if crypto])
    assert chosen
    assert chosen.tag == 2
    assert choose_crypto([]) is None


def test_rtcp_that_is_not_encrypted_hinders_nothing_and_is_said_again():
    crypto = parse_crypto(f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY} KDR=0 UNENCRYPTED_SRTCP WSH=64")
    assert crypto
    assert choose_crypto([crypto]) == crypto
    ours = make_crypto(1, crypto.suite, MATERIAL, crypto.shared)
    assert format_crypto(ours).endswith(" UNENCRYPTED_SRTCP")


def test_every_suite_that_may_be_chosen_can_be_opened():
    assert all(SrtpKey(suite.name, MATERIAL[: suite.material_bytes]).is_usable for suite in SUITES)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_our_own_key_fits_its_suite(suite):
    crypto = make_crypto(7, suite, MATERIAL)
    assert parse_crypto(format_crypto(crypto)) == crypto
    with pytest.raises(BadDescription, match=suite.name):
        make_crypto(1, suite, MATERIAL[: suite.material_bytes - 1])


def test_a_key_never_shows_in_a_text_for_people():
    crypto = make_crypto(1, SUITES[0], b"secret" * 8)
    assert "secret" not in repr(crypto)


def test_the_keys_of_a_real_call_are_read():
    data = shared("pcaps/call_two_parties_srtp_sdes.pcap").read_bytes()
    starts = [at for at in range(len(data)) if data.startswith(b"v=0\r\n", at)]
    found = [parse_description(data[at : data.index(b"a=sendrecv\r\n", at) + 12]) for at in starts]
    suites = {crypto.suite.name for description in found for media in description.media for crypto in media.crypto}
    assert suites == {"AES_CM_128_HMAC_SHA1_80"}
    assert all(not description.problems for description in found)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80) | st.text(alphabet="inline:|;AZaz09+/=2^ ", max_size=120))
def test_any_value_is_a_line_of_keys_or_is_refused(text):
    for value in (text, f"1 AES_CM_128_HMAC_SHA1_80 {text}", f"1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}|{text}"):
        try:
            crypto = parse_crypto(value)
        except BadDescription:
            continue
        if crypto is not None:
            assert parse_crypto(format_crypto(crypto)) is not None
