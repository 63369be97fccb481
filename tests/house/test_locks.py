"""The locks pin everything with hashes, fit pyproject.toml and say nothing about where they were made."""

import re
import tomllib
from itertools import pairwise

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house import tree

_PROJECT = tomllib.loads((tree.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_LOCKS = ("run", "dev", "build")


def _pins(lock: str) -> dict[str, str]:
    text = (tree.ROOT / "locks" / f"{lock}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", _LOCKS)
def test_every_pin_has_hashes_and_nothing_else_stands_there(lock):
    lines = (tree.ROOT / "locks" / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    pin = re.compile(r"[a-z0-9.-]+==\S+( ; [^/]+)? \\")
    hashed = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert lines[0].startswith("# ")
    assert [line for line in lines[1:] if not pin.fullmatch(line) and not hashed.fullmatch(line)] == []
    assert all(hashed.fullmatch(after) for line, after in pairwise(lines) if pin.fullmatch(line))


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("run", _PROJECT["project"]["dependencies"]),
        ("dev", _PROJECT["project"]["dependencies"] + _PROJECT["project"]["optional-dependencies"]["dev"]),
        ("build", _PROJECT["build-system"]["requires"]),
    ],
)
def test_every_dependency_is_pinned_at_a_version_that_fits(lock, wanted):
    pins = _pins(lock)
    unfit = []
    for text in wanted:
        requirement = Requirement(text)
        version = pins.get(canonicalize_name(requirement.name))
        if version is None or version not in requirement.specifier:
            unfit.append(f"{text}: locked {version}; run `make lock`")
    assert unfit == []


def test_the_hub_is_tested_with_what_it_runs_on():
    dev = _pins("dev")
    assert {name: version for name, version in _pins("run").items() if dev.get(name) != version} == {}
