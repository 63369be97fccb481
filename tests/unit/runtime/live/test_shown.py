"""What a source says of its calls, on the wire and before it."""

import contextlib
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.runtime.live import shown as shown_module
from hub.runtime.live.shown import ShownCalls
from hub.runtime.live.wire import REF_LENGTH, call_from_json, call_to_json
from hub.runtime.wire import WireError, decode, encode
from hub.sdk import Direction, LiveCall, LiveState, Party, Role
from tests.doubles.supervision import wait_until

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
texts = st.text(max_size=60)
calls = st.builds(
    LiveCall,
    id=st.text(min_size=1, max_size=REF_LENGTH),
    started_at=st.datetimes(timezones=st.just(UTC)),
    state=st.sampled_from(LiveState),
    direction=st.sampled_from(Direction),
    parties=st.lists(
        st.builds(Party, number=texts, name=texts, role=st.sampled_from(Role), channel=st.none() | st.integers(0, 9)),
        max_size=5,
    ).map(tuple),
    call_id=texts,
    resumes_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    rule=texts,
    can_listen=st.booleans(),
    fields=st.dictionaries(texts, texts, max_size=5),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(calls)
def test_a_call_comes_out_of_the_wire_as_it_went_in(call):
    message = decode(encode({"says": "live", "changes": [[call.id, call_to_json(call)]]}))
    assert call_from_json(message["changes"][0][1]) == call


@given(calls, st.sampled_from(list(call_to_json(LiveCall(id="x", started_at=NOW)))), json_values)
def test_what_is_no_call_is_a_wire_error(call, key, value):
    with contextlib.suppress(WireError):
        call_from_json(call_to_json(call) | {key: value})


def test_the_largest_call_fits_a_line():
    text = "\U0001f600" * 5000
    largest = LiveCall(
        id="x" * REF_LENGTH,
        started_at=NOW,
        parties=(Party(number=text, name=text),) * 1000,
        fields={f"{n}{text}": text for n in range(1000)},
        call_id=text,
        rule=text,
    )
    assert len(encode({"says": "live", "changes": [["x", call_to_json(largest)]]})) < 500_000


@pytest.mark.parametrize("ref", ["", "x" * (REF_LENGTH + 1)])
def test_an_id_that_is_empty_or_endless_breaks_the_contract(ref):
    with pytest.raises(ValueError, match="needs an id"):
        call_to_json(LiveCall(id=ref, started_at=NOW))


class Line:
    """A channel that keeps what it is told; `gate` holds it up."""

    def __init__(self):
        self.said = []
        self.gate = threading.Event()
        self.gate.set()

    def say(self, says, **values):
        self.gate.wait(20)
        encode({"says": says, **values})
        self.said.append((says, values))

    def changes(self):
        return [change for says, values in self.said if says == "live" for change in values["changes"]]


def test_what_changes_while_the_line_is_busy_is_told_once_as_it_is_then():
    line = Line()
    line.gate.clear()
    calls = ShownCalls(line)
    calls.show(LiveCall(id="first", started_at=NOW))
    for second in range(500):
        calls.show(LiveCall(id="busy", started_at=NOW, call_id=str(second)))
    line.gate.set()
    wait_until(lambda: any(ref == "busy" for ref, _ in line.changes()))
    assert [value["call_id"] for ref, value in line.changes() if ref == "busy"][-1] == "499"
    assert len(line.changes()) <= 3


def test_a_call_that_was_never_shown_is_not_dropped():
    line = Line()
    calls = ShownCalls(line)
    calls.drop("nobody")
    calls.show(LiveCall(id="one", started_at=NOW))
    calls.drop("one")
    wait_until(line.changes)
    assert line.changes() == [("one", None)]


def test_thousands_of_large_calls_are_told_in_lines_of_bounded_length():
    line = Line()
    calls = ShownCalls(line)
    for number in range(1200):
        calls.show(LiveCall(id=str(number), started_at=NOW, parties=(Party(number="é" * 255, name="ü" * 255),) * 3))
    wait_until(lambda: len(line.changes()) == 1200)


def test_the_list_of_one_source_is_bounded(monkeypatch):
    monkeypatch.setattr(shown_module, "MOST_CALLS", 10)
    line = Line()
    calls = ShownCalls(line)
    for number in range(50):
        calls.show(LiveCall(id=str(number), started_at=NOW))
    wait_until(lambda: len(line.changes()) == 10)
    assert [says for says, _ in line.said].count("log") == 1
    calls.drop("3")
    calls.show(LiveCall(id="again", started_at=NOW))
    wait_until(lambda: "again" in dict(line.changes()))
