"""What is said of a call of which there is no recording."""

from plugins.pbx_sip.drafts.absence import describe_left_out


def test_a_call_that_no_rule_is_about_is_not_said_to_be_left_out_by_one():
    assert describe_left_out("") == "No recording rule asks for it."
    assert describe_left_out("Works council") == "A recording rule leaves it out."
