import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.access.errors import PasswordRefused
from hub.access.password_policy import check_password, common_words

ENDINGS = ("1", "12", "123", "1234", "12345", "2024", "2025", "2026", "!", "!!", "1!", "123!", "#1", "@123", "007")


def _code(password: str, *context: str) -> str:
    try:
        check_password(password, context)
    except PasswordRefused as refused:
        return refused.code
    return "taken"


def test_at_least_twelve_and_at_most_128_characters() -> None:
    assert _code("k7#vQ9!mZ2x") == "too_short"
    assert _code("k7#vQ9!mZ2xp") == "taken"
    long = "".join(f"{n:x}qzk" for n in range(40))
    assert _code(long[:128]) == "taken"
    assert _code(long[:129]) == "too_long"


def test_every_common_password_with_the_usual_endings_is_refused() -> None:
    tried = {form + ending for word in common_words() for form in (word, word.title()) for ending in ENDINGS}
    long_enough = [password for password in tried if len(password) >= 12]
    assert len(long_enough) > 3000
    assert [password for password in long_enough if _code(password) == "taken"] == []


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "P@ssw0rd2024!",
        "p455w0rd-2026",
        "Summer-Winter-2026",
        "Welcome2Avaya!",
        "1234administrator",
        "letmein letmein 1",
    ],
)
def test_common_words_in_disguise_are_refused(password: str) -> None:
    assert _code(password) == "common"


@pytest.mark.parametrize(
    "password",
    ["qwertyuiop123", "1234567890123", "aaaaaaaaaaaa", "abcdefghijkl", "zyxwvutsrqpo", "1q2w3e4r5t6y", "202620262026"],
)
def test_walks_over_the_keyboard_and_repeats_are_refused(password: str) -> None:
    assert _code(password) == "pattern"


@pytest.mark.parametrize(
    "password", ["maria.keller1", "MariaKeller12", "Acme-Corp-99", "recordinghub1", "kellerkeller"]
)
def test_names_of_the_person_the_site_and_the_system_do_not_make_a_password(password: str) -> None:
    assert _code(password, "maria", "Maria Keller", "acme corp") in ("context", "common", "pattern")


@pytest.mark.parametrize(
    "password",
    [
        "fjord lamp apricot 7",
        "correct horse battery staple",
        "tr0ub4dor&3xyz",
        "kjw83hfnq02mx",
        "ünïcödé straße wörter",
        "密码是一个很长的句子没有人猜到",
        "maria likes quiet mornings",
    ],
)
def test_long_passwords_need_no_digits_no_capitals_and_no_signs(password: str) -> None:
    assert _code(password, "maria", "Maria Keller") == "taken"


@given(st.text(max_size=140), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_is_either_taken_or_refused_with_a_code(password: str, context: list[str]) -> None:
    assert _code(password, *context) in {"taken", "too_short", "too_long", "pattern", "common", "context"}
