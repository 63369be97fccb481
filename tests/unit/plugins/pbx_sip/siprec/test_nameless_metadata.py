"""Metadata that names nobody: header fields tell who takes part."""

import pytest

from hub.sdk import Role
from tests.unit.plugins.pbx_sip.siprec.test_variants import Invite, facts_of, heard

NOBODY = "<recording><datamode>complete</datamode></recording>"
SRC = "<sip:sbc@192.0.2.20>;+sip.src"


def test_who_called_and_who_was_called_is_told_by_from_and_to_and_labels_tell_their_lines() -> None:
    invite = Invite(
        sender='"Kunde" <sip:+4366412345@twilio>',
        target="<sip:+4319990000@rec>",
        lines=("outbound", "inbound"),
        metadata=NOBODY,
    )
    facts = facts_of(invite)
    assert heard(facts) == [("+4366412345", "inbound"), ("+4319990000", "outbound")]
    assert [party.name for party in facts.parties] == ["Kunde", ""]


@pytest.mark.parametrize("field", ["P-Asserted-Identity: {}", "Remote-Party-ID: {};party=calling"])
def test_a_client_that_has_a_name_of_its_own_says_elsewhere_who_calls(field: str) -> None:
    headers = field.format('"Anna" <sip:201@x>') + "\r\n"
    facts = facts_of(Invite(sender="<sip:sbc@192.0.2.20>", headers=headers, contact=SRC, metadata=NOBODY))
    assert heard(facts) == [("201", "1"), ("", "2")]
    assert facts.parties[0].name == "Anna"


@pytest.mark.parametrize("target", ["<sip:srs@192.0.2.90>", "<sip:recorder@x>", "<sip:+4366412345@x>"])
def test_a_recorder_a_name_and_the_caller_are_not_who_was_called(target: str) -> None:
    invite = Invite(sender="<sip:+4366412345@x>", target=target, contact=SRC, metadata=NOBODY)
    assert heard(facts_of(invite)) == [("+4366412345", "1"), ("", "2")]


@pytest.mark.parametrize("lines", [("inbound", "outbound"), ("outbound", "inbound"), ("b_leg", "a_leg")])
def test_whom_from_names_alone_is_on_the_line_that_is_labelled_the_callers(lines: tuple[str, str]) -> None:
    invite = Invite(sender="<sip:+4366412345@twilio>", target="<sip:srs@x>", lines=lines, contact=SRC, metadata=NOBODY)
    facts = facts_of(invite)
    roles = {party.number: (party.labels, party.role) for party in facts.parties}
    caller, called = sorted(lines, key=lambda label: label in {"outbound", "b_leg"})
    assert roles == {"+4366412345": ((caller,), Role.CALLER), "": ((called,), Role.CALLED)}
    assert not [problem for problem in facts.problems if "order" in problem]


def test_whom_from_names_alone_is_no_caller_for_sure_where_labels_do_not_tell() -> None:
    facts = facts_of(Invite(sender="<sip:+4366412345@x>", target="<sip:srs@x>", contact=SRC, metadata=NOBODY))
    assert facts.parties[0].role is Role.PARTICIPANT
    assert [problem for problem in facts.problems if "order" in problem]
