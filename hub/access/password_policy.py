"""Which passwords are taken: long, not common, not about the person; no rules on kinds of characters.

Source: OWASP ASVS 5.0, 6.2.1 to 6.2.12; NIST SP 800-63B section 3.1.1.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

from hub.access.errors import PasswordRefused
from hub.access.passwords import normalise

SHORTEST = 12
LONGEST = 128
OWN_WORDS = ("recording", "recordinghub", "recorder", "callrecording")

_LEAST_DISTINCT = 5
_LEAST_REST = 8
_LEAST_CONTEXT = 4
_LEET = str.maketrans("013457@$!|", "oieastasil")
_LEET_L = str.maketrans("013457@$!|", "oleastasll")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm")
_COLUMNS = ("1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6", "!@#$%^&*()", "aqswdefrgthy")
_STEP = 3


@cache
def common_words() -> frozenset[str]:
    """Words that common passwords are made of, small letters only."""
    text = resources.files("hub.access").joinpath("data/common_words.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def check_password(password: str, context: Iterable[str] = ()) -> None:
    """Take the password or say why not.

    context: words about the person and the site (login, name, company) that must not make up the password.
    Raises: PasswordRefused.
    """
    text = normalise(password)
    if len(text) < SHORTEST:
        raise PasswordRefused(f"Use at least {SHORTEST} characters.", code="too_short")
    if len(text) > LONGEST:
        raise PasswordRefused(f"Use at most {LONGEST} characters.", code="too_long")
    if len(set(text.casefold())) < _LEAST_DISTINCT or _is_walk(text.casefold()):
        raise PasswordRefused("Repeated and neighbouring keys are guessed first.", code="pattern")
    if _is_common(text):
        raise PasswordRefused(
            "This is one of the passwords that are tried first.", code="common", hint="Three or more words are good."
        )
    if _is_about(text, (*OWN_WORDS, *context)):
        raise PasswordRefused("Leave out your name, your login and the name of the system.", code="context")


def _is_common(text: str) -> bool:
    """Whether one or two common words are all there is, in whatever disguise."""
    folded = text.casefold()
    return any(_is_made_of_common_words(folded.translate(table)) for table in ({}, _LEET, _LEET_L)) or (
        # "password1234": the digits at the end are no disguise of letters
        any(_is_made_of_common_words(_without_ends(folded).translate(table)) for table in (_LEET, _LEET_L))
    )


def _without_ends(text: str) -> str:
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)


def _is_made_of_common_words(text: str) -> bool:
    letters = re.sub(r"[\W\d_]+", "", text)
    words = common_words()
    if letters in words or _repeated_unit(letters) in words:
        return True
    return any(letters[:cut] in words and letters[cut:] in words for cut in range(3, len(letters) - 2))


def _repeated_unit(text: str) -> str:
    """What `text` repeats two or more times, or ""."""
    at = (text + text).find(text, 1) if text else 0
    return text[:at] if 0 < at < len(text) else ""


def _is_walk(text: str) -> bool:
    """Whether seven tenths of the steps follow the alphabet, the digits or a row of keys, or repeat."""
    text = _repeated_unit(text) or text
    lanes = [lane for row in (*_ROWS, *_COLUMNS) for lane in (row, row[::-1])]
    steps = len(text) - _STEP + 1
    on_lane = sum(
        any(text[at : at + _STEP] in lane for lane in lanes) or len(set(text[at : at + _STEP])) == 1
        for at in range(max(steps, 0))
    )
    return steps < 1 or on_lane >= 0.7 * steps


def _is_about(text: str, context: Iterable[str]) -> bool:
    """Whether little is left once the context's words are taken out."""
    folded = text.casefold()
    words = {word for entry in context for word in re.split(r"[\W_]+", normalise(entry).casefold())}
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _LEAST_CONTEXT and word in folded:
            if len(folded.replace(word, "")) < _LEAST_REST:
                return True
            folded = folded.replace(word, "")
    return False
