"""Messages between the supervisor and its processes."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.runtime.failure import Failure, FailureKind
from hub.runtime.wire import (
    MAX_LINE_BYTES,
    WireError,
    alarm_from_json,
    alarm_to_json,
    decode,
    encode,
    health_from_json,
    health_to_json,
)
from hub.sdk import Alarm, AuthError, Health, HealthState, RetryLater, SettingsError, Severity


@given(st.binary(max_size=200))
def test_no_bytes_are_anything_but_a_message_or_a_wire_error(line):
    with contextlib.suppress(WireError):
        assert isinstance(decode(line)["says"], str)


@given(st.dictionaries(st.text(max_size=9), st.none() | st.integers() | st.text(max_size=9), max_size=4))
def test_a_message_round_trips(values):
    message = {**values, "says": "health"}
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_a_message_that_is_too_long_is_not_sent():
    with pytest.raises(WireError):
        encode({"says": "log", "text": "x" * MAX_LINE_BYTES})


def test_health_round_trips_without_numbers_that_are_none():
    health = Health(HealthState.DEGRADED, "Slow", "Wait", {"lag_s": 2.0}, ("one", "two"))
    assert health_from_json(decode(encode({"says": "x", "health": health_to_json(health)}))["health"]) == health
    odd = Health(HealthState.OK, numbers={"lag_s": math.nan, "queue_items": math.inf, "ok": 1})
    assert health_from_json(health_to_json(odd)).numbers == {"ok": 1}


def test_an_alarm_round_trips():
    alarm = Alarm(key="k", code="DEVICE_DOWN", severity=Severity.MAJOR, text="It is down.", hint="Look.")
    assert alarm_from_json(decode(encode({"says": "x", "alarm": alarm_to_json(alarm)}))["alarm"]) == alarm


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
)


@given(
    st.dictionaries(
        st.sampled_from(["state", "summary", "numbers", "warnings", "key", "severity", "text"]), json_values
    )
)
def test_what_is_no_health_and_no_alarm_is_a_wire_error(values):
    for read in (health_from_json, alarm_from_json):
        with contextlib.suppress(WireError):
            read(values)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SettingsError("wrong", field="folder", hint="Mend it."), FailureKind.SETTINGS),
        (AuthError("refused"), FailureKind.AUTH),
        (RetryLater("away"), FailureKind.RETRY_LATER),
        (MemoryError(), FailureKind.OUT_OF_MEMORY),
        (ValueError("boom"), FailureKind.CRASHED),
        (ExceptionGroup("two", [ValueError("x"), ExceptionGroup("in", [AuthError("refused")])]), FailureKind.AUTH),
        (ExceptionGroup("one", [ValueError("x")]), FailureKind.CRASHED),
    ],
)
def test_an_error_says_what_to_do_on_the_other_side_too(error, kind):
    failure = Failure.of(error)
    assert failure.kind is kind
    assert Failure.from_json(failure.to_json()) == failure
