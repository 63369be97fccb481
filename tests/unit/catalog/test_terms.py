"""What people type is compared without case, accents and spelling of numbers."""

from hypothesis import given
from hypothesis import strategies as st

from hub.catalog.content import content_of
from hub.catalog.needles import split_values
from hub.catalog.terms import Field, digits_of, fold, plan_of, terms_of
from hub.sdk import Owner, OwnerKind, Party, Role
from tests.doubles.recordings import draft


def test_case_accents_and_width_do_not_matter():
    assert fold("  Émile   MÜLLER ") == fold("emile muller")
    assert fold("\uff21\uff22\uff23") == "abc"
    assert fold("Straße") == "strasse"
    assert fold("Żółć") == "zołc"
    assert fold("Ёлка") == fold("елка")


def test_other_scripts_keep_their_marks():
    assert fold("が") == "が"
    assert fold("한국") == "한국"
    assert fold("王伟") == "王伟"


def test_numbers_are_compared_by_their_digits():
    assert digits_of("+49 (30) 123-45.67/8") == "4930123456" + "78"
    assert digits_of(" 201 ") == "201"
    assert digits_of("*21#") == "*21#"
    assert digits_of("\uff11\uff12\uff13") == "123"


def test_what_is_no_number_is_a_word():
    for text in ("", " ", "+", "-", "Anna", "201a", "sip:201@pbx", "1" * 65, "12+3"):
        assert digits_of(text) == ""


def test_short_numbers_belong_to_their_device():
    assert plan_of("201", 7) == 7
    assert plan_of("112233", 7) == 7
    assert plan_of("4930123", 7) == 0


def test_each_number_and_word_stands_once_with_all_its_fields():
    made = draft(
        parties=(Party(number="201", name="Anna", role=Role.CALLED), Party(number="4930123456", role=Role.CALLER)),
        owner=Owner(kind=OwnerKind.USER, id="201", name="ANNA"),
        agent="anna",
        target="201",
        skill="",
    )
    terms = terms_of(content_of(made), 7)
    assert terms.numbers == {
        ("201", 7): Field.CALLED | Field.OWNER | Field.TARGET,
        ("4930123456", 0): Field.CALLER.value,
    }
    assert terms.words == {"anna": Field.CALLED | Field.OWNER | Field.AGENT}


@given(st.text())
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)
    assert len(fold(text)) <= 255


@given(st.text())
def test_digits_are_digits(text):
    assert set(digits_of(text)) <= set("0123456789*#")
    assert digits_of(digits_of(text)) == digits_of(text)


def test_values_are_separated_by_commas_and_kept_together_by_quotes():
    assert split_values("201, anna ,,201") == ("201", "anna")
    assert split_values('"Miller, Anna", 202') == ("Miller, Anna", "202")
    assert split_values('"unfinished, quote') == ("unfinished, quote",)
    assert split_values("") == ()


@given(st.text())
def test_no_text_breaks_the_splitting(text):
    values = split_values(text)
    assert all(value == value.strip() != "" for value in values)
    assert len(set(values)) == len(values)


_VALUES = st.text(alphabet=st.characters(exclude_characters=',"', exclude_categories=("Cc", "Cs")), min_size=1)


@given(st.lists(_VALUES.map(str.strip).filter(bool)))
def test_values_joined_by_commas_come_apart_again(values):
    assert split_values(",".join(values)) == tuple(dict.fromkeys(values))
