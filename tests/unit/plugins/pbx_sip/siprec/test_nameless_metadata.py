"""Metadata that names nobody: header fields tell who takes part."""

import pytest

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
