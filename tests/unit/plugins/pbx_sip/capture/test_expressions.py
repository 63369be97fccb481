"""Expressions mean what tcpdump says they mean, and wrong ones are explained."""

import pytest

from plugins.pbx_sip.capture import expressions
from plugins.pbx_sip.capture.errors import BadExpression
from plugins.pbx_sip.capture.expressions import check_media_passes, compile_expression
from plugins.pbx_sip.mirror.settings import MirrorSettings
from tests.unit.plugins.pbx_sip.capture.judging import passed
from tests.unit.plugins.pbx_sip.packets import frames as f

_SIP, _RTP = f.udp(b"INVITE", target=5060), f.udp(b"rtp", target=15000)


def test_an_expression_chooses_packets():
    program = compile_expression("udp portrange 10000-20000 or tcp", 1)
    packets = [f.ethernet(f.ipv4(payload)) for payload in (_RTP, _SIP)] + [f.ethernet(f.ipv4(f.tcp(), 6))]
    assert passed(program, *packets) == [True, False, True]


def test_an_expression_holds_for_packets_without_a_link_layer():
    program = compile_expression("udp dst port 5060", 101)
    assert passed(program, f.ipv4(_SIP), f.ipv6(_SIP), f.ipv4(_RTP)) == [True, True, False]


def test_an_empty_expression_passes_all():
    assert passed(compile_expression("", 1), f.ethernet(f.ipv4(_SIP)), b"anything") == [True, True]


def test_a_wrong_expression_is_refused_in_the_words_of_libpcap():
    with pytest.raises(BadExpression, match="syntax error") as refused:
        compile_expression("udp and and port", 1)
    assert refused.value.field == "expression"
    assert "net 10.20.0.0/16 and (udp or tcp)" in refused.value.hint


def test_an_expression_that_can_never_hold_is_refused():
    with pytest.raises(BadExpression, match="rejects all packets"):
        compile_expression("tcp and udp", 1)


@pytest.mark.parametrize(
    "text", ["udp port 5060", "tcp port 5060", "host 192.0.2.1 and port 5060", "tcp or udp dst port 5061"]
)
@pytest.mark.parametrize("link_type", [1, 101])
def test_an_expression_that_lets_no_media_pass_is_refused(text, link_type):
    with pytest.raises(BadExpression, match="no media") as refused:
        check_media_passes(text, link_type, ["5060", "5061"])
    assert "udp portrange 10000-65535" in refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "udp",
        "net 192.0.2.0/24 and (udp or tcp)",
        "udp portrange 10000-20000 or port 5060",
        "ip proto 47",
        "not port 22",
    ],
)
def test_an_expression_under_which_media_or_a_tunnel_may_pass_is_taken(text):
    check_media_passes(text, 1, ["5060", "5061"])


@pytest.mark.parametrize(
    ("text", "said"), [("udp or vlan", "VLAN"), ("udp and and", "syntax error"), ("port 5060", "no media")]
)
def test_a_mirror_is_not_set_to_a_filter_that_cannot_work(text, said):
    with pytest.raises(ValueError, match=said):
        MirrorSettings(interface="lo", expression=text)


def test_a_filter_that_cannot_be_judged_here_is_judged_where_it_is_used(monkeypatch):
    monkeypatch.setattr(expressions, "_LIBRARIES", ())
    assert MirrorSettings(interface="lo", expression="udp port 5060").expression == "udp port 5060"


@pytest.mark.parametrize("text", ["udp\0", "udp or " * 1000 + "tcp"])
def test_what_no_person_writes_is_refused(text):
    with pytest.raises(BadExpression, match="too long"):
        compile_expression(text, 1)


def test_a_vlan_cannot_be_asked_for_as_filters_never_see_it():
    with pytest.raises(BadExpression, match="VLAN") as refused:
        compile_expression("vlan 100 and udp", 1)
    assert "interface of that VLAN" in refused.value.hint


def test_where_libpcap_is_missing_its_package_is_named(monkeypatch):
    monkeypatch.setattr(expressions, "_LIBRARIES", ("libpcap-that-nobody-has.so.9",))
    with pytest.raises(BadExpression, match="not installed") as refused:
        compile_expression("udp", 1)
    assert "libpcap0.8" in refused.value.hint
