"""Rules in a device's process: read from a file, taken up when they change, and never in the way of a recording."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.rules.book import Book
from hub.rules.decider import Decider
from hub.rules.rule import Rule
from hub.rules.shares import STATE_KEY
from hub.rules.snapshot import Snapshot, read_snapshot
from hub.runtime.roster_file import keep_json
from hub.sdk import CallOutline, Recorded, Verdict
from hub.testing import FakeState, ListLog

CALL = CallOutline(started_at=datetime(2026, 11, 20, 12, 0, tzinfo=UTC))


class Rig:
    """A decider with a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "rules.json"
        self.now_s = 0.0
        self.state, self.opened = FakeState(), 0
        self.log = ListLog()
        self.decider = self.start()

    def start(self) -> Decider:
        return Decider(7, self.path, self.open_state, self.log, lambda: self.now_s)

    def open_state(self) -> FakeState:
        self.opened += 1
        return self.state

    def write(self, *rules: Rule) -> None:
        keep_json(self.path, Snapshot(book=Book(rules=rules), zones={7: "Europe/Vienna"}).to_json())
        self.now_s += 2

    def decide(self) -> Verdict:
        return self.decider.decide(CALL)


@pytest.fixture
def rig(tmp_path):
    return Rig(tmp_path)


def test_without_a_snapshot_everything_is_recorded(rig):
    assert rig.decide() == Verdict()


def test_changed_rules_are_taken_up_within_a_second(rig):
    rig.write(Rule(id=1, name="None", treatment="leave_out"))
    assert rig.decide().recorded is Recorded.NO
    rig.write(Rule(id=1, name="All"))
    assert rig.decide() == Verdict(rule="All")
    assert rig.opened == 0, "only shares need a memory"


def test_rules_that_were_kept_before_they_could_stop_at_voicemail_still_hold(rig):
    snapshot = Snapshot(book=Book(rules=[Rule(id=1, name="All", masks_keys=True)]), zones={}).to_json()
    del snapshot["book"]["rules"][0]["stops_at_voicemail"]
    keep_json(rig.path, snapshot)
    assert rig.decide() == Verdict(rule="All", masks_keys=True)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"book": {"rules": [{}]}, "zones": {}, "zone": ""}', "\xff"])
def test_a_damaged_file_leaves_the_last_rules_in_force(rig, content):
    rig.write(Rule(id=1, name="All"))
    rig.decide()
    rig.path.write_text(content, encoding="latin-1")
    rig.now_s += 2
    assert rig.decide().rule == "All"
    assert "rules.unreadable" in rig.log.events


def test_a_file_that_vanishes_leaves_the_last_rules_in_force(rig):
    rig.write(Rule(id=1, name="All"))
    rig.decide()
    rig.path.unlink()
    rig.now_s += 2
    assert rig.decide().rule == "All"


def test_shares_are_counted_on_over_a_restart_in_order(rig):
    rig.write(Rule(id=1, name="Third", treatment="share", share_percent=33))
    taken = [rig.decide().recorded for _ in range(4)]
    rig.decider.close()
    assert rig.state.get(STATE_KEY)
    rig.decider = rig.start()
    taken += [rig.decide().recorded for _ in range(4)]
    assert [place for place, recorded in enumerate(taken) if recorded is Recorded.YES] == [0, 3, 6]


def test_a_fault_of_the_rules_costs_no_recording(rig):
    rig.write(Rule(id=1, name="None", treatment="leave_out"))
    rig.decide()
    strange = CallOutline(started_at=datetime(2026, 1, 1, tzinfo=UTC), users=(7,))  # type: ignore[arg-type]
    assert rig.decider.decide(strange) == Verdict()
    assert "rules.failed" in rig.log.events


def test_a_snapshot_comes_back_as_it_was_written(tmp_path):
    snapshot = Snapshot(book=Book(revision=3, rules=[Rule(id=1, name="A")]), zone="Asia/Tokyo", zones={7: "UTC"})
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(snapshot.to_json()))
    assert read_snapshot(path) == snapshot
