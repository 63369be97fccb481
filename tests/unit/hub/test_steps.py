import subprocess
import sys

import pytest

from hub.steps import KILL_VARIABLE, DurableStep

REACHED = "from hub.steps import DurableStep, reached\nfor number in range(3): reached(DurableStep.INTAKE_RENAMED); print(number)"
REMOVING = """
import sys
from pathlib import Path
from hub.steps import watch_removals
folder = Path(sys.argv[1])
watch_removals(folder / "spool")
(folder / "spool" / "own").rename(folder / "spool" / "away")
for name in ("a", "b", "c"):
    (folder / name).unlink()
    print(name, flush=True)
"""


def run(code, order, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env={KILL_VARIABLE: order}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("order", "code", "printed"),
    [
        ("", 0, "0\n1\n2\n"),
        ("intake.renamed", -9, ""),
        ("intake.renamed:3", -9, "0\n1\n"),
        ("intake.durable", 0, "0\n1\n2\n"),
    ],
)
def test_a_process_dies_where_it_is_told_to(order, code, printed):
    ended = run(REACHED.replace("print(number)", "print(number, flush=True)"), order)
    assert (ended.returncode, ended.stdout) == (code, printed)


@pytest.mark.parametrize(
    ("order", "left"),
    [("", []), ("source.emptying:2", ["b", "c"]), ("source.emptied:2", ["c"]), ("source.emptied", ["b", "c"])],
)
def test_a_source_dies_before_or_after_it_removes_its_own_file(tmp_path, order, left):
    (tmp_path / "spool" / "own").mkdir(parents=True)
    for name in ("a", "b", "c"):
        (tmp_path / name).touch()
    ended = run(REMOVING, order, tmp_path)
    assert ended.returncode == (-9 if order else 0), ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == left


def test_steps_are_named_by_their_room():
    rooms = {step.value.partition(".")[0] for step in DurableStep}
    assert rooms == {"intake", "source", "desk", "vault", "catalog", "spool", "quarantine", "copy"}
