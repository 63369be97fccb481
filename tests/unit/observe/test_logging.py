"""Log lines: one form for all of a process, without secrets, with masked numbers."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from hub.observe.logging import bound, configure, get_logger, hide_secrets, mask_numbers


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Where the lines go; logging is as before afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def lines(logged) -> Callable[[], list[dict[str, object]]]:
    """Everything logged as JSON so far."""
    configure(SimpleNamespace(log="json", log_level="debug"), logged)
    return lambda: [json.loads(line) for line in logged.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_its_facts(lines):
    get_logger("hub.test").info("recording.received", duration_s=3.5)
    [line] = lines()
    assert (line["event"], line["duration_s"], line["level"], line["logger"]) == (
        "recording.received",
        3.5,
        "info",
        "hub.test",
    )
    assert str(line["timestamp"]).endswith("Z")


def test_bound_facts_are_on_every_line_inside_and_on_none_after(lines):
    log = get_logger("hub.test")
    with bound(request_id="r1"):
        log.info("page.served")
    log.info("page.served")
    inside, after = lines()
    assert inside["request_id"] == "r1"
    assert "request_id" not in after


def test_lines_of_libraries_have_the_same_form_and_the_same_care(lines):
    logging.getLogger("some.library").warning("went wrong", extra={"password": "hunter2"})
    [line] = lines()
    assert (line["event"], line["level"], line["password"]) == ("went wrong", "warning", "[hidden]")


def test_chatty_libraries_are_quiet_at_info(lines):
    logging.getLogger("uvicorn.access").info("GET /setup?token=hunter2")
    assert lines() == []


def test_an_exception_is_logged_without_the_values_of_variables(lines):
    password = "hunter" + "2"
    try:
        raise ValueError(f"{len(password)} letters")
    except ValueError:
        get_logger("hub.test").exception("plugin.crashed")
    [line] = lines()
    assert "ValueError" in json.dumps(line["exception"])
    assert "hunter2" not in json.dumps(line)


def test_the_form_for_people_names_event_and_facts(logged):
    configure(SimpleNamespace(log="console", log_level="info"), logged)
    get_logger("hub.test").info("recording.received", caller="+49301234567")
    text = logged.getvalue()
    assert "recording.received" in text
    assert "234567" not in text
    assert "67" in text


@pytest.mark.parametrize(
    "key", ["password", "smtp_password", "api_token", "Authorization", "cookie", "client_secret", "private_key"]
)
def test_secrets_are_hidden_at_every_depth(key):
    hidden = hide_secrets(None, "info", {"event": "x", key: "v", "settings": {"deep": {key: "v"}}})
    assert hidden == {"event": "x", key: "[hidden]", "settings": {"deep": {key: "[hidden]"}}}


def test_numbers_keep_their_last_two_digits():
    masked = mask_numbers(
        None, "info", {"caller": "+49 30 1234567", "parties": ["8001", "0151-99"], "origin_name": "8001_2026.wav"}
    )
    assert masked == {"caller": "+49 30 *****67", "parties": ["**01", "**51-99"], "origin_name": "**01_**26.wav"}


def test_numbers_are_whole_in_debug_lines():
    assert mask_numbers(None, "debug", {"caller": "8001"}) == {"caller": "8001"}


def test_counts_and_durations_are_not_taken_for_numbers():
    facts = {"recordings": 10_000, "size_bytes": 123_456, "event": "spool.drained"}
    assert mask_numbers(None, "info", facts) == facts


@given(st.text(alphabet="0123456789+- ", min_size=3))
def test_no_masked_number_shows_three_digits_in_a_row(number):
    shown = mask_numbers(None, "info", {"number": number})["number"]
    assert not any(shown[at : at + 3].isdecimal() for at in range(len(shown) - 2))
