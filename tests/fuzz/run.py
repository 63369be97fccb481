"""`make fuzz`: looks for inputs on which a reader of what strangers send fails, guided by which code they reach.

`python -m tests.fuzz.run [TARGET] --seconds 60`; whatever fails is kept as a file, and the reader's error printed.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.seeds import make_seeds, write_words
from tests.fuzz.targets import CPU_SECONDS_MAX, TARGETS

_ROOT = Path(__file__).resolve().parents[2]
_INPUT_BYTES_MAX = 8192
_MEMORY_MB_MAX = 1024  # more than was taken before: a process inherits the most that its parent ever had
_RUNS_MAX = 10_000_000
_GRACE_S = 120  # until a process that does not end is ended
_TEXT_CHARS_MAX = 6000
_TIMED_OUT = "timeout-"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one run came to. input: on which the target fails, None if none was found. text: what the process said."""

    input: Path | None
    text: str
    code: int

    @property
    def failed(self) -> bool:
        """Whether something was found, or the fuzzer itself did not run."""
        return self.input is not None or self.code != 0


def fuzz(name: str, folder: Path, seconds: float, *, seed: int = 0) -> Outcome:
    """Fuzz one target; all that is written is written into `folder`. seed: the same one tries the same, 0 is any."""
    corpus, kept = folder / "corpus", folder / "failing"
    for each in (corpus, kept):
        each.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(make_seeds(name)):
        (corpus / f"seed-{number}").write_bytes(content[:_INPUT_BYTES_MAX])
    options = [
        f"-max_total_time={seconds:.0f}",
        f"-runs={_RUNS_MAX}",
        f"-timeout={CPU_SECONDS_MAX}",
        f"-rss_limit_mb={_MEMORY_MB_MAX + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}",
        f"-max_len={_INPUT_BYTES_MAX}",
        f"-seed={seed}",
        f"-artifact_prefix={kept}/",
        "-print_final_stats=1",
    ]
    if words := write_words(name, folder / "words"):
        options.append(f"-dict={words}")
    code, text = _start("child", name, str(corpus), *options, folder=folder, limit_s=seconds + _GRACE_S)
    for path in sorted(kept.iterdir()):
        if path.name.startswith("slow-unit-"):
            continue
        again, said = _start("targets", name, str(path), folder=folder, limit_s=_GRACE_S)
        if path.name.startswith(_TIMED_OUT) and not again:
            code = 0  # it was this machine that was slow: processor time tells
            continue
        code, text = (again, said) if again else (code, text)
        return Outcome(input=path, text=text, code=code)
    return Outcome(input=None, text=text, code=code)


def _start(module: str, *arguments: str, folder: Path, limit_s: float) -> tuple[int, str]:
    """Run a module of this folder in a process of its own; its code, and the end of what it said."""
    environ = os.environ | {"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", f"tests.fuzz.{module}", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, f"{module} did not end within {limit_s:.0f} s."
    return done.returncode, done.stdout[-_TEXT_CHARS_MAX:]


def describe(name: str, outcome: Outcome) -> str:
    """What was found, and how to see it again."""
    if outcome.input is None:
        return f"The fuzzer of {name} did not run to its end:\n{outcome.text}"
    content = outcome.input.read_bytes()
    again = f"{sys.executable} -m tests.fuzz.targets {name} {outcome.input}"
    return f"{name} fails on {outcome.input}:\n{content[:2000]!r}\nSee it again: {again}\n{outcome.text}"


def main() -> int:
    """Fuzz one target or all; 1 if an input failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", choices=[*TARGETS], help="all of them unless one is named")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each is fuzzed")
    asked = parser.parse_args()
    is_well = True
    for name in [asked.target] if asked.target else TARGETS:
        outcome = fuzz(name, Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-")), asked.seconds)
        is_well &= not outcome.failed
        runs = next((line for line in outcome.text.splitlines() if "number_of_executed_units" in line), "")
        print(
            describe(name, outcome)
            if outcome.failed
            else f"{name}: nothing found ({runs.split()[-1] if runs else '?'} inputs)"
        )
    return int(not is_well)


if __name__ == "__main__":
    sys.exit(main())
