"""What the exit code of `recording-hub` says to a script."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4


MEANINGS = {
    Exit.OK: "done",
    Exit.FAILED: "the command ran and what it looked at is not well; the text says what to do",
    Exit.USAGE: "the command was called wrongly, or the machine is not set up for it",
    Exit.NOT_FOUND: "no such file, recording, plug-in or device",
    Exit.REFUSED: "a setting or the content of a file was refused; the text names it",
}
