import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.ipoffice.vrl.facts import FACTS_MAX, Facts
from plugins.ipoffice.vrl.markup import Unreadable, add_json, add_xml

VERINT = b"""<?xml version="1.0"?>
<x:recording x:version="11.2" x:ref="240004044498673" xmlns:x="http://www.verint.com/xmlns/recording20080320">
 <x:segment><x:starttime>2015-03-01T08:00:00+01:00</x:starttime></x:segment>
 <x:contacts><x:contact x:id="1"><x:sessions><x:session x:id="9">
  <x:ani>+4315550142</x:ani><x:dnis>201</x:dnis><x:direction>Inbound</x:direction>
  <x:employeename>Anna Berger</x:employeename><x:switch_call_id>00001</x:switch_call_id>
  <x:tags><x:tag><x:attribute x:key="skill">Sales</x:attribute></x:tag></x:tags>
 </x:session></x:sessions></x:contact></x:contacts>
</x:recording>"""


def xml(data: bytes) -> dict[str, str]:
    facts = Facts()
    add_xml(facts, "sidecar", "", data)
    return {fact.name: fact.value for fact in facts.found}


def json_facts(data: bytes) -> list[tuple[str, str]]:
    facts = Facts()
    add_json(facts, "sidecar", "", data)
    return [(fact.name, fact.value) for fact in facts.found]


def test_a_sidecar_of_the_same_family_is_read_by_local_names() -> None:
    found = xml(VERINT)
    assert found["recording.contacts.contact.sessions.session.ani"] == "+4315550142"
    assert found["recording.contacts.contact.sessions.session.tags.tag.attribute.skill"] == "Sales"
    assert found["recording.ref"] == "240004044498673"


def test_a_party_is_one_fact_with_number_name_and_role() -> None:
    found = xml(b'<c><party number="201" role="called"><name>Anna</name><seat>4</seat></party></c>')
    assert found == {"c.party": "201 (Anna) [called]", "c.party.seat": "4"}
    assert json_facts(b'{"parties": [{"number": "1", "name": "A"}, {"number": 2}]}') == [
        ("parties", "1 (A)"),
        ("parties", "2"),
    ]


def test_an_attribute_called_name_belongs_to_its_element() -> None:
    assert xml(b'<c><owner name="Sales">300</owner></c>') == {"c.owner": "300", "c.owner.name": "Sales"}


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a><b></a>",
        b"<a",
        b"\xff\xfe<",
        b"<?xml version='1.0' encoding='no-such'?><a/>",
    ],
)
def test_xml_that_is_broken_or_dangerous_is_not_read(data: bytes) -> None:
    with pytest.raises(Unreadable):
        xml(data)


@pytest.mark.parametrize("data", [b"{", b'{"a": }', b"[" * 100_000, b"\xff\xff"])
def test_json_that_is_broken_or_dangerous_is_not_read(data: bytes) -> None:
    with pytest.raises(Unreadable):
        json_facts(data)


def test_a_flood_of_facts_is_cut_off() -> None:
    facts = Facts()
    add_xml(facts, "sidecar", "", b"<a>" + b"<b>1</b>" * 20_000 + b"</a>")
    assert len(facts.found) == FACTS_MAX
    assert facts.notes
    with pytest.raises(Unreadable):
        xml(b"<a>" + b"x" * 1_000_000 + b"</a>")


def test_deep_nesting_ends_somewhere() -> None:
    xml(b"<a>" * 5000 + b"x" + b"</a>" * 5000)


@given(st.text(max_size=100))
def test_no_text_upsets_the_readers(text: str) -> None:
    for read in (xml, json_facts):
        try:
            read(b"<a>" + text.encode() if read is xml else text.encode())
        except Unreadable:
            continue
