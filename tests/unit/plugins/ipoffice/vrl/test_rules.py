import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.ipoffice.vrl.rules import parse_rules


def test_rules_are_lines_and_comments_are_left_out() -> None:
    rules = parse_rules("# mine\n\nagent = riff:INFO.IART | any:agent\nucid = sidecar:ucid\n")
    assert [str(rule) for rule in rules] == ["agent = riff:INFO.IART | any:agent", "ucid = sidecar:ucid"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agent", "line 1"),
        ("agent = x", "line 1: 'x' is not of the form source:name"),
        ("\nagent = wav:x", "line 2: 'wav' is no source"),
        ("Agent = any:x", "line 1"),
        ("agent = any:", "line 1"),
    ],
)
def test_a_wrong_rule_is_refused_by_its_line(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_rules(text)


@given(st.text(max_size=200))
def test_any_text_gives_rules_or_a_clear_refusal(text: str) -> None:
    try:
        parse_rules(text)
    except ValueError as error:
        assert "line" in str(error)
