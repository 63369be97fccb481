"""`recording-hub capture check` tells people and scripts what a machine can take."""

import json

import pytest
from click.testing import CliRunner

from plugins.pbx_sip.capture import host
from plugins.pbx_sip.capture.capacity import estimate
from plugins.pbx_sip.capture.host import Examination, Finding, State
from plugins.pbx_sip.commands import capture

GOOD = Finding("raw sockets", State.GOOD, "packets may be captured", "nothing")
FAIR = Finding("time", State.FAIR, "nothing says that the clock is synchronised", "Run chrony.")
BAD = Finding("lan0", State.BAD, "is down", "ip link set lan0 up")


@pytest.fixture
def run(monkeypatch):
    """The command on a machine of which this was found; asked: what the examination was asked for."""
    asked = []

    def on(*findings, capacity=None, arguments=()):
        monkeypatch.setattr(host, "examine_host", lambda *each: asked.append(each) or Examination(findings, capacity))
        return CliRunner().invoke(capture, ["check", *arguments])

    on.asked = asked
    return on


def test_what_is_not_good_comes_with_its_remedy(run):
    result = run(GOOD, FAIR)
    assert result.exit_code == 0
    assert result.output.splitlines()[:3] == [
        "good   raw sockets: packets may be captured",
        "fair   time: nothing says that the clock is synchronised",
        "         Run chrony.",
    ]


def test_what_must_be_mended_first_is_a_failure(run):
    result = run(GOOD, BAD)
    assert result.exit_code == 1
    assert "BAD    lan0: is down\n         ip link set lan0 up" in result.output


def test_the_capacity_is_told_with_its_limit(run):
    assert "Expect 5000 G.711 calls at once through a ring; half of the cores set the limit." in run(
        GOOD, capacity=estimate("ring", 0.4, None, 2)
    ).output.replace("\n", " ")
    assert "the disk sets the limit" in run(GOOD, capacity=estimate("sockets", 4.0, 1e6, 2)).output
    assert "No call can be captured here." in run(BAD).output


def test_interface_and_folder_are_looked_at(run, tmp_path):
    run(GOOD, arguments=["--interface", "lan0", "--folder", str(tmp_path)])
    assert run.asked == [("lan0", tmp_path)]


def test_a_script_gets_json(run):
    result = run(GOOD, BAD, capacity=estimate("ring", 0.4, 18e6, 2), arguments=["--json"])
    found = json.loads(result.output)
    assert result.exit_code == 1
    assert (found["ok"], found["capacity"]["calls"], found["capacity"]["limited_by"]) == (False, 700, "disk")
    assert found["findings"][1] == {"name": "lan0", "state": "bad", "text": "is down", "remedy": "ip link set lan0 up"}


def test_the_machine_of_the_tests_is_examined_to_the_end(tmp_path):
    result = CliRunner().invoke(capture, ["check", "--folder", str(tmp_path), "--json"])
    found = json.loads(result.output)
    assert result.exit_code == (0 if found["ok"] else 1)
    assert found["capacity"]["calls"] > 0
