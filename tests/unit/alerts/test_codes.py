import ast
import string
from collections import defaultdict
from pathlib import Path

import pytest

from hub.alerts.codes import CODES, is_lasting, title_of
from hub.alerts.codes.files import DISK_SPACE_LOW, FILE_PARSE_ERROR
from hub.alerts.codes.storage import STORAGE_DOWN
from hub.sdk import Severity

_ROOT = Path(__file__).resolve().parents[3]


def test_every_code_of_the_older_system_is_here() -> None:
    ours = defaultdict(list)
    for code in CODES:
        ours[code.code].append(code)
    counts = {
        "DISK_SPACE_ERROR": 3,
        "FILE_PARSE_ERROR": 1,
        "FILE_ENCODE_ERROR": 1,
        "CONFIGURATION_ERROR": 1,
        "SYSTEM_RESTART": 3,
        "FILE_ERROR": 2,
        "INTERNAL_SERVICE_ERROR": 2,
        "CONFIGURATION_CHANGED": 1,
    }
    assert {code: len(ours[code]) for code in counts} == counts


@pytest.mark.parametrize("code", CODES, ids=lambda code: f"{code.code}: {code.title}")
def test_a_text_is_one_tidy_sentence(code) -> None:
    alarm = code.alarm("key", **dict.fromkeys(code.facts, "something"))
    assert alarm.code == code.code
    assert alarm.text.endswith(".")
    assert ".." not in alarm.text
    assert "{" not in alarm.text
    assert code.title[0].isupper()
    assert not code.title.endswith(".")
    assert set(code.code) <= set(string.ascii_uppercase + "_")


@pytest.mark.parametrize("code", CODES, ids=lambda code: f"{code.code}: {code.title}")
def test_whatever_is_bad_says_what_to_do(code) -> None:
    if code.severity is not Severity.INFORMATION:
        assert code.hint.endswith(".")


def test_a_reason_that_is_a_sentence_of_its_own_does_not_double_the_full_stop() -> None:
    assert STORAGE_DOWN.alarm("k", store="NAS", reason="No route to host.").text == (
        "Storage NAS does not answer: No route to host."
    )


def test_a_fact_with_braces_stays_as_it_is() -> None:
    assert FILE_PARSE_ERROR.alarm("k", file="{0}.wav", reason="{oops}").text == "File {0}.wav cannot be read: {oops}."


@pytest.mark.parametrize("code", [code for code in CODES if code.one], ids=lambda code: f"{code.code}: {code.title}")
def test_one_of_a_kind_is_told_in_the_singular(code) -> None:
    counted, *others = code.facts
    several = code.alarm("key", **{counted: 2}, **dict.fromkeys(others, "something")).text
    one = code.alarm("key", **{counted: 1}, **dict.fromkeys(others, "something")).text
    assert several.startswith("2 ")
    assert one.startswith(("A ", "An "))
    assert one == code.one.format(**dict.fromkeys(others, "something"))


@pytest.mark.parametrize("code", CODES, ids=lambda code: f"{code.code}: {code.title}")
def test_no_text_leaves_singular_and_plural_to_its_reader(code) -> None:
    assert "(s)" not in code.text


def test_a_forgotten_fact_is_named() -> None:
    with pytest.raises(KeyError, match="needed_gb"):
        DISK_SPACE_LOW.alarm("k", folder="/")


def test_texts_of_one_code_agree_on_how_they_end() -> None:
    for code in CODES:
        assert is_lasting(code.code) == code.lasting, code


def test_an_unknown_code_is_a_condition_with_its_own_name() -> None:
    assert is_lasting("ACME_FROZEN")
    assert title_of("ACME_FROZEN") == "ACME_FROZEN"
    assert title_of("FILE_PARSE_ERROR") == "File not understood"


def test_every_code_that_the_hub_or_its_plugins_raise_is_listed() -> None:
    listed = {code.code for code in CODES}
    raised = {
        (path.relative_to(_ROOT).as_posix(), code)
        for folder in ("hub", "plugins")
        for path in sorted((_ROOT / folder).rglob("*.py"))
        if "testing" not in path.parts
        for code in _codes_in(path)
    }
    assert {(path, code) for path, code in raised if code not in listed} == set()


def _codes_in(path: Path) -> set[str]:
    """Codes that stand in calls of Alarm(...)."""
    return {
        keyword.value.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Alarm"
        for keyword in node.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
    }
