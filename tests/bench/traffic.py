"""The RTP load of `traffic.c`: compiled where it is needed, run for a bounded time."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

SOURCE = Path(__file__).with_name("traffic.c")
FIRST_SSRC = 0x10000000
LONGEST_S = 150


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a run put on the wire. lost: left out on purpose. refused: how often the kernel had no room at once."""

    sent: int
    lost: int
    seconds: float
    pps: float
    refused: int


class Traffic:
    """The compiled program; end it with `close()` or as a context."""

    def __init__(self) -> None:
        """Raises: AssertionError (it cannot be compiled)."""
        self._folder = TemporaryDirectory(prefix="traffic-")
        self.program = compile_program(SOURCE, Path(self._folder.name) / "traffic")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the program away."""
        self._folder.cleanup()

    def start(self, *, before: Sequence[str] = (), **options: Any) -> subprocess.Popen[str]:
        """Begin to send; `before` is a command line that runs it elsewhere, options are those of the program."""
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        return subprocess.Popen([*before, str(self.program), *words], stdout=subprocess.PIPE, text=True)

    def run(self, *, before: Sequence[str] = (), **options: Any) -> Sent:
        """Send, and wait for the end."""
        return finish(self.start(before=before, **options))


def compile_program(source: Path, program: Path) -> Path:
    """The program of a C file. Raises: AssertionError (it cannot be compiled)."""
    command = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


def finish(running: subprocess.Popen[str]) -> Sent:
    """What a run that was started has sent."""
    output, _ = running.communicate(timeout=LONGEST_S)
    assert running.returncode == 0, f"traffic ended with {running.returncode}"
    return Sent(**json.loads(output))


def payload_of(stream: int, timestamp: int, size: int = 160) -> bytes:
    """What a packet of a stream carries."""
    return bytes((timestamp + 101 * stream + at) & 0xFF for at in range(size))
