import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.sip.errors import BadValue
from plugins.pbx_sip.sip.uri import Uri, parse_uri


def test_every_part_of_a_sip_uri_is_read_and_written_again() -> None:
    text = "sips:alice:secret@Example.COM:5061;transport=tcp;lr?Subject=hello%20there&Priority=urgent"
    uri = parse_uri(text)
    assert (uri.scheme, uri.user, uri.password, uri.host, uri.port) == ("sips", "alice", "secret", "example.com", 5061)
    assert uri.params == (("transport", "tcp"), ("lr", ""))
    assert uri.headers == (("Subject", "hello there"), ("Priority", "urgent"))
    assert str(uri) == text.replace("Example.COM", "example.com")


def test_escapes_are_undone_and_done_again() -> None:
    uri = parse_uri("sip:sips%3Auser%40example.com@example.net")
    assert uri.user == "sips:user@example.com"
    assert str(uri) == "sip:sips%3Auser%40example.com@example.net"
    assert parse_uri("sip:null-%00-null@example.com").user == "null-\0-null"
    assert parse_uri("sip:%zz%E9@a").user == "%zz\udce9"


def test_the_user_may_hold_what_parts_other_things() -> None:
    assert parse_uri("sip:user;par=u%40example.net@example.com").user == "user;par=u@example.net"
    assert parse_uri("sip:why?not@example.com").user == "why?not"
    twice = parse_uri("sip:100@customer.example@10.0.0.1:5060;user=phone")
    assert (twice.user, twice.host, twice.port) == ("100@customer.example", "10.0.0.1", 5060)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("sip:user@[2001:db8::10]", "2001:db8::10", None),
        ("sip:user@[2001:db8::10]:5070", "2001:db8::10", 5070),
        ("sip:user@[2001:db8::10:5070]", "2001:db8::10:5070", None),
        ("sip:user@[::ffff:192.0.2.10]:19823", "::ffff:192.0.2.10", 19823),
        ("sip:192.0.2.1:", "192.0.2.1", None),
    ],
)
def test_addresses_of_both_families_are_hosts(text: str, host: str, port: int | None) -> None:
    uri = parse_uri(text)
    assert (uri.host, uri.port) == (host, port)
    assert parse_uri(str(uri)) == uri


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("tel:+1-201-555-0123", "+12015550123"),
        ("tel:7042;phone-context=example.com", "7042"),
        ("tel:77777;phone-context=+43-664", "+4366477777"),
        ("sip:77777;phone-context=+43664@gw.example.com;user=phone", "+4366477777"),
        ("tel:911;phone-context=+1", "911"),
        ("tel:863-1234;phone-context=+1-914-555", "8631234"),
        ("tel:9145551234;phone-context=+1", "+19145551234"),
        ("tel:11880;phone-context=+43", "11880"),
        ("tel:066477777;phone-context=+43", "066477777"),
        ("tel:436647777788;phone-context=+43", "436647777788"),
        ("tel:+4366477777;phone-context=+43", "+4366477777"),
        ("tel:*72;phone-context=+43664", "*72"),
        ("sip:+44.20.7946.0123@gw.example.com;user=phone", "+442079460123"),
        ("sip:+12125551212;phone-context=x@gw", "+12125551212"),
        ("sip:9000@pbx", "9000"),
        ("sip:*72#@pbx", "*72#"),
        ("sip:alice@pbx", ""),
        ("sip:dad@pbx", ""),
        ("sip:pbx", ""),
        ("urn:service:sos", ""),
    ],
)
def test_a_telephone_number_is_told_from_a_name(text: str, number: str) -> None:
    assert parse_uri(text).number == number


def test_a_tel_uri_keeps_its_parameters() -> None:
    uri = parse_uri("tel:7042;phone-context=example.com")
    assert uri.param("phone-context") == "example.com"
    assert uri.param("ext") is None
    assert str(uri) == "tel:7042;phone-context=example.com"


def test_a_uri_of_an_unknown_scheme_is_kept_as_it_is() -> None:
    assert str(parse_uri("soap.beep://192.0.2.103:3002")) == "soap.beep://192.0.2.103:3002"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "nothing",
        "<sip:a@b>",
        "sip:user@example.com; lr",
        "sip:a@b:port",
        "sip:a@b:99999",
        "sip:a@",
        "sip:a@[::1",
        "sip:a@[host]",
        "sip:user@2001:db8::10",
        "1sip:a@b",
        "sip:a@b:٣",
    ],
)
def test_what_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_uri(text)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=200)
@given(_TEXT.filter(bool), _TEXT, st.integers(0, 65535), _TEXT)
def test_what_is_written_reads_as_what_it_was(user: str, password: str, port: int, value: str) -> None:
    uri = Uri("sip", user, "2001:db8::1", port, (("p", value),), password, (("h", value),))
    assert parse_uri(str(uri)) == uri


@settings(max_examples=200)
@given(st.text(alphabet=st.sampled_from('sip:tel@[];?=&%41.-" <>é\udce9'), max_size=40))
def test_any_text_is_a_uri_or_is_refused(text: str) -> None:
    for candidate in (text, "sip:" + text):
        try:
            str(parse_uri(candidate))
        except BadValue:
            continue
