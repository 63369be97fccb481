"""Tests that mount file systems need root, or the user namespaces that most kernels give everybody.

Mark such a test `@pytest.mark.privileged` and run what mounts behind `namespace()`. Where neither is allowed the test
fails by name, unless ALLOW_UNPRIVILEGED=1 says that this is known; then it is skipped by name.

A test that needs a disk of its own, with a file system that can be frozen, begins with `need_disks()`: it is skipped
where there are no loop devices, as in most containers.
"""

import os
import subprocess
import tempfile
from functools import cache

import pytest

_WAY_OUT = "run the tests as root, allow user namespaces (sysctl kernel.unprivileged_userns_clone=1), or set ALLOW_UNPRIVILEGED=1"


def namespace() -> list[str]:
    """Begin of a command line that runs the rest with mounts of its own, which end with it."""
    if os.geteuid() == 0:
        return ["unshare", "--mount", "--propagation", "private", "--"]
    return ["unshare", "--user", "--map-root-user", "--net", "--mount", "--propagation", "private", "--"]


@cache
def is_allowed() -> bool:
    """Whether a small file system can be mounted here."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*namespace(), "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
        try:
            return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False


@cache
def _has_disks() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        script = (
            f"truncate -s 16M {folder}/image && mkfs.ext4 -q {folder}/image && mkdir {folder}/disk"
            f" && mount -o loop {folder}/image {folder}/disk && fsfreeze -f {folder}/disk && fsfreeze -u {folder}/disk"
        )
        command = [*namespace(), "sh", "-c", script]
        try:
            return subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False


def need_disks() -> None:
    """Skip the test where a file cannot be mounted as a disk."""
    if not _has_disks():
        pytest.skip("this machine has no loop devices on which a file system could be frozen")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a privileged test where it cannot run."""
    if item.get_closest_marker("privileged") is None or is_allowed():
        return
    if os.environ.get("ALLOW_UNPRIVILEGED") == "1":
        pytest.skip("mounting is not allowed here, and ALLOW_UNPRIVILEGED=1")
    pytest.fail(f"this test mounts a file system, which is not allowed here: {_WAY_OUT}", pytrace=False)
