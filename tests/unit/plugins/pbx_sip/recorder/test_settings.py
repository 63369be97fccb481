"""The form of a recorder says where it listens, who may come, which ports media gets."""

import subprocess

import pytest

from hub.runtime.forms import FormErrors, parse
from hub.sdk import SettingsError
from plugins.pbx_sip.recorder.ports import NoPorts
from plugins.pbx_sip.recorder.recorder import make_terms
from plugins.pbx_sip.recorder.settings import RecorderSettings

KNOWN = {"allowed_peers": ("192.0.2.7",)}


def refused(**settings: object) -> dict[str, tuple[str, ...]]:
    """What a form with these values says, by its fields."""
    with pytest.raises(FormErrors) as error:
        parse(RecorderSettings, settings)
    return error.value.by_field


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


TLS = {"tls_port": 5061, "tls_certificate": "/a.pem", "tls_key": "/a.key", "tls_clients": "/b.pem"}


@pytest.mark.parametrize(
    ("settings", "field", "text"),
    [
        ({}, "allowed_peers", "Nobody could send sessions"),
        ({"allowed_peers": ("sbc.example.com",)}, "allowed_peers", "'sbc.example.com' is neither"),
        ({**KNOWN, "ports": ("none",)}, "ports", "'none' is no port"),
        ({**KNOWN, "address": "here"}, "address", "'here' is no IP address"),
        ({**KNOWN, "ports": ("5060-5070",)}, "ports", "write each by its number from 1 to 65535, such as 5060"),
        ({**KNOWN, "address": "224.0.0.1"}, "address", "many machines"),
        ({**KNOWN, "address": "255.255.255.255"}, "address", "many machines"),
        ({**KNOWN, "ping_host": "255.255.255.255"}, "ping_host", "give that of one, such as 192.168.42.1"),
        ({**KNOWN, "ping_host": "ff02::1"}, "ping_host", "many machines"),
        ({**KNOWN, "ping_host": "0.0.0.0"}, "ping_host", "'0.0.0.0' is the address of no machine"),
        ({**KNOWN, "ping_host": "::"}, "ping_host", "'::' is the address of no machine"),
        ({**KNOWN, "ping_host": "pbx"}, "ping_host", "is no IP address; give one such as"),
        ({**KNOWN, "advertised": "0.0.0.0"}, "advertised", "address of no machine"),
        ({**KNOWN, "tls_port": 5061}, "tls_certificate", "needs a certificate"),
        ({**KNOWN, **TLS, "ports": ("5060", "5061")}, "tls_port", "5061 is among the SIP ports"),
        ({"tls_names": ("sbc.example.com",)}, "tls_names", "over TLS only"),
        ({**TLS, "tls_clients": "", "tls_names": ("sbc.example.com",)}, "tls_names", "Clients' authority"),
        ({**KNOWN, "rtp_first": 30_000, "rtp_last": 30_001}, "rtp_last", "four at least"),
        ({**KNOWN, "rtp_first": 40_000, "rtp_last": 30_000}, "rtp_last", "below the first one, 40000"),
        ({**KNOWN, "pause_keys": "7"}, "pause_keys", "no row of keys"),
        ({**KNOWN, "pause_keys": "*7", "resume_keys": "*72"}, "resume_keys", "*72 and *7"),
        ({**KNOWN, "pause_keys": "*71", "keep_keys": "*71"}, "keep_keys", "*71 and *71"),
        ({**KNOWN, "control_header": "X Y"}, "control_header", "'X Y' is no name"),
        ({**KNOWN, "headers": ("User Agent",)}, "headers", "'User Agent' is no name"),
        ({**KNOWN, "outside_prefix": "abc"}, "outside_prefix", "cannot be dialled"),
        ({**KNOWN, "internal_prefixes": ("+43 1 5xx",)}, "internal_prefixes", "no beginning of a number"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_without_its_name_for_programs(settings, field, text):
    [(wrong, [said])] = refused(**settings).items()
    assert (wrong, text in said) == (field, True)
    assert field not in said or "_" not in field


def test_names_and_numbers_may_be_written_as_people_write_them():
    settings = parse(RecorderSettings, {**KNOWN, "headers": ["X-Foo:"], "internal_prefixes": ["+43 (1) 5"]})
    assert (settings.headers, settings.internal_prefixes) == (("X-Foo",), ("+4315",))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Certificates and keys: two that belong to nobody else, and some that cannot be used."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("one", "two"):
        make = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        names = ("-subj", "/CN=sbc", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        subprocess.run(["openssl", *make, *names], cwd=folder, check=True, capture_output=True)
    for command in (
        ("x509", "-in", "one.pem", "-outform", "der", "-out", "one.der"),
        ("pkey", "-in", "one.key", "-aes128", "-passout", "pass:secret", "-out", "locked.key"),
    ):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    (folder / "damaged.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    return folder


@pytest.mark.parametrize(
    ("certificate", "key", "clients", "field", "text"),
    [
        ("none.pem", "one.key", "", "tls_certificate", "none.pem cannot be read: No such file or directory."),
        ("one.der", "one.key", "", "tls_certificate", "one.der holds no certificate"),
        ("one.key", "one.pem", "", "tls_certificate", "one.key holds no certificate"),
        ("one.pem", "one.pem", "", "tls_key", "one.pem holds no private key"),
        ("one.pem", "locked.key", "", "tls_key", "locked.key is encrypted"),
        ("one.pem", "two.key", "", "tls_key", "two.key is not that of the certificate"),
        ("damaged.pem", "one.key", "", "tls_certificate", "damaged: "),
        ("one.pem", "one.key", "one.der", "tls_clients", "one.der holds no certificate"),
        ("one.pem", "one.key", "damaged.pem", "tls_clients", "damaged.pem is damaged: "),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said_of_its_file(files, certificate, key, clients, field, text):
    given = {"tls_port": 5061, "tls_certificate": str(files / certificate), "tls_key": str(files / key)}
    settings = RecorderSettings(**KNOWN, **given, tls_clients=clients and str(files / clients))
    with pytest.raises(SettingsError) as error:
        make_terms(settings)
    assert (error.value.field, text in str(error.value), bool(error.value.hint)) == (field, True, True)
    assert "_ssl" not in str(error.value)


def test_a_certificate_with_its_key_is_taken(files):
    given = {"tls_port": 5061, "tls_certificate": str(files / "one.pem"), "tls_key": str(files / "one.key")}
    assert make_terms(RecorderSettings(**KNOWN, **given, tls_clients=str(files / "two.pem"))).tls_server is not None
