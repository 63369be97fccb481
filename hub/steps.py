"""Every moment at which the way of a recording has just become more durable: where a crash must lose nothing.

A test kills a hub process at each of them; a step that no code reaches, or that no test kills at, fails the build.
"""

import os
import signal
import sys
import threading
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

KILL_VARIABLE = "RECORDING_HUB_KILL_AT"
_REMOVALS = frozenset({"os.remove", "os.rename"})


class DurableStep(StrEnum):
    """Named `<room>.<what is now on disk>`, in the order in which a recording meets them."""

    INTAKE_FOLDER_MADE = "intake.folder_made"
    INTAKE_MEDIA_WRITTEN = "intake.media_written"
    INTAKE_DRAFT_WRITTEN = "intake.draft_written"
    INTAKE_RENAMED = "intake.renamed"
    INTAKE_DURABLE = "intake.durable"
    SOURCE_EMPTYING = "source.emptying"
    SOURCE_EMPTIED = "source.emptied"
    DESK_ATTEMPT_COUNTED = "desk.attempt_counted"
    DESK_FORMS_WRITTEN = "desk.forms_written"
    VAULT_OBJECT_PUT = "vault.object_put"
    VAULT_STORED = "vault.stored"
    CATALOG_COMMITTED = "catalog.committed"
    VAULT_ORPHAN_REMOVED = "vault.orphan_removed"
    SPOOL_ENTRY_UNLISTED = "spool.entry_unlisted"
    SPOOL_ENTRY_FREED = "spool.entry_freed"
    QUARANTINE_REASON_WRITTEN = "quarantine.reason_written"
    QUARANTINE_MOVED = "quarantine.moved"
    QUARANTINE_RETRIED = "quarantine.retried"
    COPY_PUT = "copy.put"
    COPY_REGISTERED = "copy.registered"


def _read_order() -> tuple[str, int]:
    step, _, count = os.environ.get(KILL_VARIABLE, "").partition(":")
    return step, int(count or 1)


_step, _remaining = _read_order()
_lock = threading.Lock()


def reached(step: DurableStep) -> None:
    """Die here by SIGKILL if the environment asks for it: RECORDING_HUB_KILL_AT=<step>[:<n-th time>]."""
    if step.value == _step:
        _count_down()


def watch_removals(spool: Path) -> None:
    """Make the steps source.emptying and source.emptied happen in a source's process.

    A source removes or moves its own file after the receipt, in code that knows nothing of steps. The first dies
    as the n-th removal begins, the second at the first thing of note that the process does after it.
    spool: removals in there are the spool's own.
    """
    if _step not in {DurableStep.SOURCE_EMPTYING, DurableStep.SOURCE_EMPTIED}:
        return
    ours = f"{spool.absolute()}{os.sep}"
    emptied = False

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal emptied
        if event == "os.kill":  # our own
            return
        if emptied:
            _die()
        if event in _REMOVALS and not _is_of_the_house(arguments[0], ours):
            if _step == DurableStep.SOURCE_EMPTYING:
                _count_down()
            else:
                emptied = _is_last()

    sys.addaudithook(watch)


def _is_of_the_house(path: Any, spool: str) -> bool:
    text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
    return text.startswith(spool) or ".pyc" in text


def _is_last() -> bool:
    global _remaining  # noqa: PLW0603 - one order a process, given by its environment
    with _lock:
        _remaining -= 1
        return _remaining == 0


def _count_down() -> None:
    if _is_last():
        _die()


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit  # pragma: no cover - the signal is not refused
