from hypothesis import given
from hypothesis import strategies as st

from plugins.ipoffice.vrl.facts import Facts
from plugins.ipoffice.vrl.id3 import add_id3
from tests.doubles import vrl_files


def texts(data: bytes) -> dict[str, str]:
    facts = Facts()
    add_id3(facts, "riff", data)
    return {fact.name: fact.value for fact in facts.found}


def test_text_frames_of_both_versions_are_facts() -> None:
    for version in (3, 4):
        assert texts(vrl_files.id3(version, TPE1="Anna", TDRC="2026-11-20")) == {
            "id3.TPE1": "Anna",
            "id3.TDRC": "2026-11-20",
        }


def test_own_texts_go_by_their_description() -> None:
    assert texts(vrl_files.id3(TXXX="CALLID\x0077")) == {"id3.TXXX.CALLID": "77"}


def test_what_is_no_tag_is_kept_raw() -> None:
    facts = Facts()
    add_id3(facts, "riff", b"nothing of the kind")
    assert facts.raw == {"riff:id3": b"nothing of the kind"}


@given(st.binary(max_size=300))
def test_no_bytes_upset_the_reader(data: bytes) -> None:
    texts(b"ID3\x04\x00\x00" + data)
    texts(b"ID3\x03\x00\x40" + data)
