"""A worker's successor: a process that has all it needs in memory and waits for the worker to die.

It costs some memory and no time, and makes the death of a worker a matter of a moment, whether anybody else is alive to
see it or not.
"""

import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_GOOD_NIGHT = b"."


class Spare:
    """The worker's end: while it is held, the successor waits; `dismiss` it, or die."""

    def __init__(self, order: Path) -> None:
        """Start it. Raises: OSError."""
        reading, self._writing = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "plugins.pbx_sip.engine.worker", str(order), str(reading)],
                pass_fds=(reading,),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(reading)

    @property
    def is_there(self) -> bool:
        """Whether it still waits."""
        return self._process.poll() is None

    def dismiss(self) -> None:
        """The worker ends in peace: nobody has to follow."""
        with suppress(OSError):
            os.write(self._writing, _GOOD_NIGHT)
        os.close(self._writing)
        self._process.wait()


def wait_for_death(reading: int) -> bool:
    """Wait for the end of the worker at the other end of a pipe; whether it died and has to be followed."""
    select.select([reading], [], [])
    is_dead = not os.read(reading, 1)
    os.close(reading)
    return is_dead
