import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.sip.address import Address, parse_address, parse_addresses
from plugins.pbx_sip.sip.errors import BadValue
from plugins.pbx_sip.sip.headers import Headers


def test_a_name_a_uri_and_parameters_are_parted() -> None:
    address = parse_address('"J. \\"R\\" <x>" <sip:jr@example.com;transport=tcp> ; tag = 98asjd8;q="a;b"')
    assert address.display == 'J. "R" <x>'
    assert address.uri.param("transport") == "tcp"
    assert address.tag == "98asjd8"
    assert address.param("q") == "a;b"
    assert str(address) == '"J. \\"R\\" <x>" <sip:jr@example.com;transport=tcp>;tag=98asjd8;q="a;b"'


def test_without_brackets_the_parameters_are_those_of_the_field() -> None:
    address = parse_address("sip:+16505552222@ss1.example.net;user=phone")
    assert address.param("user") == "phone"
    assert address.uri.params == ()
    assert str(address) == "<sip:+16505552222@ss1.example.net>;user=phone"


@pytest.mark.parametrize(
    ("text", "display", "spec"),
    [
        ("caller<sip:caller@example.com>;tag=323", "caller", "sip:caller@example.com"),
        ("Bell, Alexander <sip:a.g.bell@example.com>", "Bell, Alexander", "sip:a.g.bell@example.com"),
        ('"Watson" < sip:t.watson@example.org >', "Watson", "sip:t.watson@example.org"),
        ('""<tel:+1>', "", "tel:+1"),
        ("<sip:a@b>;;;;", "", "sip:a@b"),
        ("<sip:7602922410@192.0.2.1:5060;+sip.src", "", "sip:7602922410@192.0.2.1:5060;+sip.src"),
        ('"VVX 600"<sip:+1@m.com;user=phone>;screen=yes;party=calling', "VVX 600", "sip:+1@m.com;user=phone"),
    ],
)
def test_shapes_that_vendors_write_are_understood(text: str, display: str, spec: str) -> None:
    address = parse_address(text)
    assert (address.display, address.spec) == (display, spec)


def test_an_address_is_read_even_if_its_uri_cannot_be() -> None:
    address = parse_address("Anonymous <anonymous>;tag=1")
    assert (address.display, address.tag) == ("Anonymous", "1")
    with pytest.raises(BadValue):
        _ = address.uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        '"Mr. J. User <sip:j.user@example.com>',
        '"name" sip:a@b',
        '"name" x <sip:a@b>',
        "<sip:a@b> x",
        "<>",
        "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        "sip:a@b, sip:c@d",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        parse_address(text)


def test_a_list_may_hold_commas_in_quotes_and_brackets_and_stand_on_several_lines() -> None:
    headers = Headers(
        [("Contact", '"A, B" <sip:a,b@x>;q=1, <sip:c@d>,,'), ("m", "sip:e@f"), ("Contact", '"\\", <" <sip:g@h>')]
    )
    names = [address.spec for address in parse_addresses(headers.items("contact"))]
    assert names == ["sip:a,b@x", "sip:c@d", "sip:e@f", "sip:g@h"]


def test_the_star_of_a_deregistration_is_no_address() -> None:
    assert parse_addresses(["*"]) == ()


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs"], include_characters=" "), max_size=20)


@settings(max_examples=200)
@given(_TEXT.map(str.strip), _TEXT.map(str.strip))
def test_a_written_address_reads_as_what_it_was(display: str, value: str) -> None:
    address = Address("sip:a@b", display, (("tag", value),))
    assert parse_address(str(address)) == address


@settings(max_examples=200)
@given(st.text(alphabet=st.sampled_from('a:@"\\<>;=, \udce9'), max_size=40))
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    for item in Headers([("Contact", text)]).items("Contact"):
        try:
            str(parse_address(item))
        except BadValue:
            continue
