"""The form of a recorder says where it listens, who may come, which ports media gets."""

import pytest
from pydantic import ValidationError

from plugins.pbx_sip.recorder.ports import NoPorts
from plugins.pbx_sip.recorder.recorder import make_terms
from plugins.pbx_sip.recorder.settings import RecorderSettings

KNOWN = {"allowed_peers": ("192.0.2.7",)}


def refused(**settings: object) -> str:
    """What a form with these values says."""
    with pytest.raises(ValidationError) as error:
        RecorderSettings(**settings)
    return str(error.value)


def test_it_listens_on_the_address_and_ports_of_the_form_over_udp_and_tcp():
    terms = make_terms(RecorderSettings(address="192.168.0.98", ports=("5060", "5566"), **KNOWN))
    assert [(place.transport, place.address, place.port) for place in terms.listen] == [
        ("udp", "192.168.0.98", 5060),
        ("udp", "192.168.0.98", 5566),
        ("tcp", "192.168.0.98", 5060),
        ("tcp", "192.168.0.98", 5566),
    ]


def test_two_colons_are_all_addresses_of_both_families():
    terms = make_terms(RecorderSettings(address="::", **KNOWN))
    assert {place.address for place in terms.listen} == {"0.0.0.0", "::"}


def test_only_the_serial_number_of_the_form_may_register_and_only_with_the_secret():
    terms = make_terms(RecorderSettings(serial_number="F1816D8AE90366A15", secret="long enough", **KNOWN))
    assert (terms.serial_number, dict(terms.secrets)) == ("F1816D8AE90366A15", {"F1816D8AE90366A15": "long enough"})


def test_media_gets_the_ports_of_the_form_and_no_others():
    pool = make_terms(RecorderSettings(rtp_first=30_000, rtp_last=30_005, **KNOWN)).ports
    assert [pool.take() for _ in range(3)] == [30_000, 30_002, 30_004]
    with pytest.raises(NoPorts):
        pool.take()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "allowed_peers"),
        ({"allowed_peers": ("sbc.example.com",)}, "sbc.example.com"),
        ({**KNOWN, "ports": ("none",)}, "ports"),
        ({**KNOWN, "address": "here"}, "address"),
        ({**KNOWN, "tls_port": 5061}, "tls_certificate"),
        ({**KNOWN, "rtp_first": 30_000, "rtp_last": 30_001}, "rtp_last"),
        ({**KNOWN, "pause_keys": "7"}, "pause_keys"),
        ({**KNOWN, "control_header": "X Y"}, "control_header"),
    ],
)
def test_what_cannot_be_is_said_with_its_field(settings, field):
    assert field in refused(**settings)
