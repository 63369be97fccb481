import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.ipoffice.vrl.facts import Facts
from plugins.ipoffice.vrl.markup import Unreadable
from plugins.ipoffice.vrl.sidecar import add_sidecar, sidecar_names


def texts(name: str, data: bytes) -> dict[str, str]:
    facts = Facts()
    add_sidecar(facts, name, data)
    return {fact.name: fact.value for fact in facts.found}


def test_the_content_decides_what_a_sidecar_is() -> None:
    assert texts("a.json", b"<c><callid>1</callid></c>") == {"c.callid": "1"}
    assert texts("a.xml", b'{"callid": 1}') == {"callid": "1"}


def test_a_table_with_a_heading_is_read_by_column() -> None:
    assert texts("a.csv", b"callid;agent\n77;Anna\n") == {"callid": "77", "agent": "Anna"}


def test_a_table_of_names_and_values_is_read_by_row() -> None:
    assert texts("a.csv", b"callid,77\nagent,Anna\nskill,Sales\n") == {
        "callid": "77",
        "agent": "Anna",
        "skill": "Sales",
    }


def test_rows_of_parties_are_parties() -> None:
    facts = Facts()
    add_sidecar(facts, "a.csv", b"number,name,role\n201,Anna,called\n+431,Ext,caller\n")
    assert [f.value for f in facts.found if f.name == "party"] == ["201 (Anna) [called]", "+431 (Ext) [caller]"]


@pytest.mark.parametrize("data", [b"", b"\x01\x02\x03", b"x" * 600_000])
def test_what_is_no_sidecar_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        texts("a.bin", data)


def test_patterns_make_names_in_the_same_folder_only() -> None:
    assert sidecar_names("call 1", ("{stem}.xml", "../{stem}.json", "meta_{stem}.txt")) == [
        "call 1.xml",
        "meta_call 1.txt",
    ]


@given(st.binary(max_size=300))
def test_no_bytes_upset_the_reader(data: bytes) -> None:
    try:
        texts("a.csv", data)
    except Unreadable:
        return
