from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hub.sdk import Direction, NoticeKind, Owner, OwnerKind, Party, Role
from plugins.ipoffice.vrl.facts import Facts
from plugins.ipoffice.vrl.resolve import CallFields, Resolver, SiteMapping
from plugins.ipoffice.vrl.rules import parse_rules

ENDED = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def resolve(facts: list[tuple[str, str, str]], mapping: SiteMapping | None = None, length_s: float = 60) -> CallFields:
    found = Facts()
    for source, name, value in facts:
        found.add(source, name, value)
    return Resolver(mapping or SiteMapping(internal_digits=5)).resolve(found, ENDED, length_s)


def test_the_files_own_word_comes_before_sidecar_name_and_time() -> None:
    fields = resolve(
        [
            ("filename", "call_id", "3"),
            ("sidecar", "callid", "2"),
            ("riff", "CALL.xml.call.callid", "1"),
            ("sidecar", "agent", "Sidecar"),
            ("filename", "skill", "Name"),
        ]
    )
    assert (fields.call_id, fields.agent, fields.skill) == ("1", "Sidecar", "Name")
    assert fields.provenance["call_id"] == "riff:CALL.xml.call.callid"
    assert fields.provenance["agent"] == "sidecar:agent"
    assert fields.provenance["skill"] == "filename:skill"
    assert fields.provenance["started_at"] == "file:mtime"


def test_without_a_time_the_call_began_its_length_before_the_file_was_written() -> None:
    assert resolve([]).started_at == datetime(2026, 11, 20, 9, 59, tzinfo=UTC)


def test_a_local_time_is_in_the_zone_of_the_pbx() -> None:
    mapping = SiteMapping(zone=ZoneInfo("America/Sao_Paulo"))
    assert resolve([("riff", "INFO.ICRD", "2026-11-20 07:00:00")], mapping).started_at == datetime(
        2026, 11, 20, 10, tzinfo=UTC
    )


def test_a_rule_of_the_site_replaces_the_built_in_ones_of_its_field() -> None:
    mapping = SiteMapping(own_rules=parse_rules("agent = riff:INFO.ISBJ\nucid = riff:INFO.IKEY\nskill = text:Hotline"))
    fields = resolve([("riff", "INFO.IART", "no"), ("riff", "INFO.ISBJ", "yes"), ("riff", "INFO.IKEY", "u1")], mapping)
    assert fields.agent == "yes"
    assert fields.skill == "Hotline"
    assert fields.extra["ucid"] == "u1"
    assert fields.extra["riff:INFO.IART"] == "no"


def test_caller_and_called_stand_first_and_once() -> None:
    fields = resolve(
        [
            ("ogg", "PARTIES", "230 (Ben); 201 (Anna); +431 "),
            ("ogg", "CALLER", "+431"),
            ("ogg", "CALLER_NAME", "Harbour"),
            ("ogg", "CALLED", "201"),
        ]
    )
    assert fields.parties == (
        Party(number="+431", name="Harbour", role=Role.CALLER),
        Party(number="201", name="Anna", role=Role.CALLED),
        Party(number="230", name="Ben"),
    )
    assert fields.target == "201"


def test_owner_kinds_come_with_the_owner_or_beside_it() -> None:
    assert resolve([("ogg", "OWNER", "group 300 (Sales)")]).owner == Owner(kind=OwnerKind.GROUP, id="300", name="Sales")
    beside = resolve([("sidecar", "owner", "9"), ("sidecar", "owner_type", "line")])
    assert beside.owner == Owner(kind=OwnerKind.LINE, id="9")
    alone = resolve([("sidecar", "owner", "201")])
    assert alone.owner == Owner(kind=OwnerKind.USER, id="201")
    assert "rule" in alone.provenance["owner_kind"]


def test_the_direction_is_guessed_by_the_length_of_numbers_only_where_nothing_says_it() -> None:
    def direction(caller: str, called: str, digits: int = 5, told: str = "") -> Direction:
        facts = [("ogg", "CALLER", caller), ("ogg", "CALLED", called), ("ogg", "DIRECTION", told)]
        return resolve(facts, SiteMapping(internal_digits=digits)).direction

    assert direction("201", "202") is Direction.INTERNAL
    assert direction("+4315550142", "202") is Direction.INCOMING
    assert direction("201", "0015550142") is Direction.OUTGOING
    assert direction("0015550142", "+4315550142") is Direction.UNKNOWN
    assert direction("201", "202", digits=0) is Direction.UNKNOWN
    assert direction("201", "202", told="outgoing") is Direction.OUTGOING


def test_the_notice_of_the_file_comes_before_that_of_the_settings() -> None:
    mapping = SiteMapping(notice=NoticeKind.ANNOUNCED)
    assert resolve([("ogg", "NOTICE", "tone")], mapping).notice.kind is NoticeKind.TONE
    said = resolve([], mapping)
    assert said.notice.kind is NoticeKind.ANNOUNCED
    assert said.provenance["notice"] == "settings"


def test_a_value_that_makes_no_sense_is_passed_over_for_the_next() -> None:
    fields = resolve([("riff", "INFO.ICRD", "yesterday"), ("sidecar", "started_at", "2026-11-20T08:00:00Z")])
    assert fields.started_at == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert fields.extra["riff:INFO.ICRD"] == "yesterday"


def test_what_fills_nothing_is_kept_under_its_own_name() -> None:
    fields = resolve([("riff", "INFO.ISFT", "VMPro"), ("riff", "INFO.ISFT", "12.0"), ("file", "stem", "x")])
    assert fields.extra == {"riff:INFO.ISFT": "VMPro; 12.0"}


@given(
    st.lists(
        st.tuples(st.sampled_from(["riff", "ogg", "sidecar", "filename"]), st.text(max_size=20), st.text(max_size=40)),
        max_size=30,
    )
)
def test_no_facts_upset_the_resolver(facts: list[tuple[str, str, str]]) -> None:
    resolve([*facts, ("ogg", "PARTIES", facts[0][2] if facts else "")])
