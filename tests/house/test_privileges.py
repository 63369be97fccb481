"""Tests that need privileges are never left out in silence."""

import subprocess

import pytest

from tests import privileges

_TEST = "import pytest\n\n@pytest.mark.privileged\ndef test_that_mounts_something(): pass\n"


@pytest.fixture
def outcome(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Outcomes of one privileged test where mounting is refused."""
    monkeypatch.setattr(privileges, "is_allowed", lambda: False)
    monkeypatch.delenv("ALLOW_UNPRIVILEGED", raising=False)
    pytester.makepyfile(_TEST)
    pytester.makeini("[pytest]\nmarkers =\n    privileged: mounts")
    return lambda: pytester.runpytest_inprocess("-p", "tests.privileges", "-p", "no:xdist", "-ra")


def test_where_mounting_is_refused_the_test_fails_by_name_and_says_the_way_out(outcome):
    result = outcome()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ALLOW_UNPRIVILEGED=1*", "ERROR *test_that_mounts_something*"])


def test_where_that_is_known_it_is_skipped_by_name(outcome, monkeypatch):
    monkeypatch.setenv("ALLOW_UNPRIVILEGED", "1")
    result = outcome()
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*ALLOW_UNPRIVILEGED=1*"])


@pytest.mark.privileged
def test_a_mount_ends_with_the_command_that_made_it(tmp_path):
    script = f"mount -t tmpfs -o size=1m tmpfs {tmp_path} && touch {tmp_path}/inside && ls {tmp_path}"
    done = subprocess.run([*privileges.namespace(), "sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("inside\n", "")
    assert list(tmp_path.iterdir()) == []
