"""A hand-off folder on a file system that is unmounted and mounted again."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import tree
from tests.privileges import namespace

SCRIPT = """
import asyncio, subprocess, sys
from pathlib import Path
from hub.sdk import HealthState
from plugins.ipoffice.plugin import IPOffice
from plugins.ipoffice.settings import IPOfficeSettings
from tests.doubles import vrl_files
from tests.doubles.source_context import SourceContext, running, until

base = Path(sys.argv[1])
folder = base / "vrl"
folder.mkdir()
ctx = SourceContext(base)


def mount():
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)


def put(name):
    (folder / "part.tmp").write_bytes(vrl_files.wave(name.encode() * 100))
    (folder / "part.tmp").rename(folder / name)


async def main():
    mount()
    async with running(IPOffice(IPOfficeSettings(folder=str(folder), settle_age_s=0.5), ctx)):
        await until(lambda: "is watched" in ctx.lamp.summary)
        put("a.wav")
        await until(lambda: len(ctx.taken) == 1)
        await until(lambda: not list(folder.glob("*.wav")))
        # The hub keeps nothing open there: an administrator can unmount it as it is.
        subprocess.run(["umount", folder], check=True)
        await until(lambda: ctx.lamp.state is HealthState.DOWN)
        assert f"was mounted at {folder} is not mounted any more" in ctx.lamp.summary, ctx.lamp
        put("below.wav")
        await asyncio.sleep(2.5)
        assert ctx.names() == ["a.wav"], ctx.names()
        assert [path.name for path in folder.iterdir()] == ["below.wav"]
        mount()
        await until(lambda: ctx.lamp.state is HealthState.OK)
        put("b.wav")
        await until(lambda: ctx.names() == ["a.wav", "b.wav"])


asyncio.run(main())
print("all as it should be")
"""


@pytest.mark.privileged
def test_an_unmounted_folder_turns_the_lamp_red_and_what_lies_below_the_mount_is_left_alone(tmp_path: Path) -> None:
    command = [*namespace(), sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, cwd=tree.ROOT, capture_output=True, text=True, timeout=90, check=False)
    assert done.stdout.endswith("all as it should be\n"), done.stdout + done.stderr
