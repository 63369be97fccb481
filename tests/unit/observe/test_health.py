"""Readiness: each part is tried within its own time, and one that hangs holds up no other."""

import shutil
import threading
import time

import pytest

from hub.errors import HubError
from hub.observe.health import Finding, Probe, Readiness, enough_space


def _fail() -> None:
    raise HubError("The catalog is locked.", hint="Wait a moment.")


def _crash() -> None:
    raise RuntimeError("password=hunter2")


def test_parts_that_work_are_said_to_work():
    assert Readiness([Probe("catalog", lambda: 1)]).examine() == (Finding("catalog", ok=True),)


def test_a_part_that_fails_says_why_and_what_to_do():
    [finding] = Readiness([Probe("catalog", _fail)]).examine()
    assert finding == Finding("catalog", ok=False, text="The catalog is locked. Wait a moment.")


def test_an_unforeseen_error_is_named_without_its_content():
    [finding] = Readiness([Probe("catalog", _crash)]).examine()
    assert not finding.ok
    assert "RuntimeError" in finding.text
    assert "hunter2" not in finding.text


def test_a_part_that_hangs_is_reported_in_time_and_tried_only_once():
    release = threading.Event()
    calls: list[int] = []

    def hang() -> None:
        calls.append(1)
        release.wait(30)

    readiness = Readiness([Probe("storage", hang, deadline_s=0.05), Probe("catalog", lambda: None)])
    begun_s = time.monotonic()
    first, second = readiness.examine(), readiness.examine()
    assert time.monotonic() - begun_s < 5
    assert [finding.ok for finding in (*first, *second)] == [False, True, False, True]
    assert "No answer" in first[0].text
    assert calls == [1]
    release.set()


def test_a_part_that_hung_once_is_tried_again_after_it_came_back():
    release = threading.Event()
    readiness = Readiness([Probe("storage", lambda: release.wait(30), deadline_s=0.05)])
    assert not readiness.examine()[0].ok
    release.set()
    deadline_s = time.monotonic() + 5
    while not readiness.examine()[0].ok:
        assert time.monotonic() < deadline_s


def test_too_little_free_space_is_not_ready(tmp_path):
    enough_space(tmp_path, 1)()
    with pytest.raises(HubError, match="MB free"):
        enough_space(tmp_path, shutil.disk_usage(tmp_path).total * 2)()
