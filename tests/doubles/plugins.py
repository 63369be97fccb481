"""Plug-ins for tests, installed as a stranger's package would be: files and metadata in a folder on the path."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest


def install(
    site: Path,
    distribution: str,
    modules: Mapping[str, str],
    entry_points: Mapping[str, Mapping[str, str]],
    version: str = "1.0",
) -> None:
    """Write modules (name -> source) and the distribution's metadata; entry_points: kind -> name -> "module:Class"."""
    for name, source in modules.items():
        (site / f"{name}.py").write_text(source)
    info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    groups = []
    for kind, points in entry_points.items():
        lines = [f"{name} = {value}" for name, value in points.items()]
        groups.append("\n".join([f"[recording_hub.{kind}]", *lines]))
    (info / "entry_points.txt").write_text("\n\n".join(groups) + "\n")
    importlib.invalidate_caches()


@contextmanager
def on_path(site: Path) -> Iterator[Path]:
    """`site` is seen by this process and by those it starts; its modules are forgotten afterwards."""
    site.mkdir(parents=True, exist_ok=True)
    known = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        patch.setenv("PYTHONPATH", str(site))
        yield site
    for name in set(sys.modules) - known:
        if str(site) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


SOURCES = '''
import asyncio, os, sys, time, wave
from datetime import UTC, datetime

from hub.sdk import (Alarm, AuthError, Health, HealthState, Kind, MediaFile, PluginInfo, PluginSettings, RecordingDraft,
                     RetryLater, SettingsError, Severity, Source, WindsUp, setting)


class Settings(PluginSettings):
    folder: str = setting("Folder", "Where it works.", default="")
    pause_s: float = setting("Pause", "Between two recordings.", default=0.05, unit="s")


def info(name):
    return PluginInfo(name=name, kind=Kind.SOURCE, title=name.title(), summary="For tests.", settings=Settings)


class Well(Source[Settings]):
    def check(self):
        return Health(HealthState.OK, "All well.")


class Steady(Well):
    """Submits a recording every moment, for ever; goes on with its numbers after a restart."""

    info = info("steady")

    async def run(self):
        self.ctx.report(Health(HealthState.OK, "Recording."))
        number = self.ctx.state.get("number") or 0
        while True:
            number += 1
            path = self.ctx.scratch / f"{number}.wav"
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(8000)
                file.writeframes(number.to_bytes(4, "little") * 400)
            media = (MediaFile(path=path),)
            await self.ctx.submit(RecordingDraft(origin_id=str(number), started_at=datetime.now(UTC), media=media))
            self.ctx.state.put("number", number)
            path.unlink()
            await asyncio.sleep(self.settings.pause_s)


class Quiet(Well):
    """Says nothing and runs; stops when asked, and says so."""

    info = info("quiet")

    async def run(self):
        try:
            await asyncio.Event().wait()
        finally:
            open(self.settings.folder + "/stopped", "w").close()


class Polite(Well, WindsUp):
    """Says good-bye when it is switched off, and goes on running meanwhile."""

    info = info("polite")

    async def run(self):
        open(self.settings.folder + "/stopped", "a").write("began\\n")
        try:
            await asyncio.Event().wait()
        finally:
            open(self.settings.folder + "/stopped", "a").write("stopped\\n")

    async def wind_up(self):
        await asyncio.sleep(0.1)
        open(self.settings.folder + "/stopped", "a").write("wound up\\n")


class Sleeper(Well):
    """Blocks its loop."""

    info = info("sleeper")

    async def run(self):
        self.ctx.report(Health(HealthState.OK, "Running."))
        await asyncio.sleep(0.1)
        time.sleep(3600)


class Leaker(Well):
    """Takes more and more memory."""

    info = info("leaker")

    async def run(self):
        kept = []
        while True:
            kept.append(bytearray(os.urandom(1 << 16) * 64))
            await asyncio.sleep(0.02)


class Exiter(Well):
    """Ends its own process."""

    info = info("exiter")

    async def run(self):
        await asyncio.sleep(0.05)
        os._exit(7)


class Parent(Well):
    """Starts a process in a session of its own, with all that it may inherit; its folder is told whose that is."""

    info = info("parent")

    async def run(self):
        child = os.posix_spawn("/bin/sleep", ["sleep", "120"], os.environ, setsid=True)
        with open(self.settings.folder + "/child", "w") as file:
            file.write(str(child))
        self.ctx.report(Health(HealthState.OK, "Running."))
        await asyncio.Event().wait()


class Stubborn(Well):
    """Does not let itself be cancelled, and does not listen to SIGTERM."""

    info = info("stubborn")

    async def run(self):
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.ctx.report(Health(HealthState.OK, "Running."))
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass


class Raiser(Well):
    """Raises what its folder setting names."""

    info = info("raiser")

    async def run(self):
        self._raise()

    def check(self):
        self._raise()

    def _raise(self):
        what = self.settings.folder
        if what == "settings":
            raise SettingsError("The folder is not there.", field="folder", hint="Make it.")
        if what == "auth":
            raise AuthError("The password was refused.")
        if what == "later":
            raise RetryLater("The server is away.", hint="Switch it on.")
        if what == "return":
            return
        if what == "hang":
            time.sleep(3600)
        if what == "modules":
            print("hub modules", *sorted(name for name in sys.modules if name.startswith("hub.")), flush=True)
            print("all modules", *sorted({name.partition(".")[0] for name in sys.modules}), flush=True)
            raise RetryLater("Said it.")
        raise ValueError("boom " + what)


class Alarming(Well):
    """Raises an alarm and clears it when its folder holds a file called "well"."""

    info = info("alarming")

    async def run(self):
        self.ctx.raise_alarm(Alarm(key="x", code="DEVICE_DOWN", severity=Severity.MAJOR, text="Something is wrong."))
        self.ctx.report(Health(HealthState.DOWN, "Something is wrong."))
        while not os.path.exists(self.settings.folder + "/well"):
            await asyncio.sleep(0.02)
        self.ctx.clear_alarm("x")
        self.ctx.report(Health(HealthState.OK, "Well again."))
        await asyncio.Event().wait()
'''

CONNECTORS = '''
import hashlib, io, os

from hub.sdk import (Connector, Deletes, Health, HealthState, Kind, NotFound, PluginInfo, PluginSettings, RetryLater,
                     StoredObject, setting)
from pydantic import SecretStr


class Settings(PluginSettings):
    folder: str = setting("Folder", "Where objects lie.")
    password: SecretStr = setting("Password", "Of no use.", default=SecretStr(""))


class Shelf(Connector[Settings], Deletes):
    """Objects as files of one folder; away while the folder is."""

    info = PluginInfo(name="shelf", kind=Kind.CONNECTOR, title="Shelf", summary="For tests.", settings=Settings)

    def check(self):
        if not os.path.isdir(self.settings.folder):
            raise RetryLater("The shelf is away.", hint="Bring it back.")
        return Health(HealthState.OK, "There.", numbers={"objects": len(os.listdir(self.settings.folder))})

    def put(self, key, reader, size_bytes, sha256):
        with open(os.path.join(self.settings.folder, key.replace("/", "_")), "wb") as file:
            file.write(reader.read())
        return StoredObject(key=key, size_bytes=size_bytes, sha256=sha256)

    def open(self, key, offset=0, length=None):
        with open(os.path.join(self.settings.folder, key.replace("/", "_")), "rb") as file:
            file.seek(offset)
            return io.BytesIO(file.read(-1 if length is None else length))

    def stat(self, key):
        raise NotFound(key)

    def list(self, prefix=""):
        return iter(())

    def delete(self, key):
        pass
'''

SOURCE_NAMES = ("steady", "quiet", "polite", "sleeper", "leaker", "exiter", "parent", "stubborn", "raiser", "alarming")


def install_zoo(site: Path) -> None:
    """Well-behaved and hostile plug-ins, as distribution `rechub-zoo`."""
    sources = {name: f"rechub_zoo:{name.title()}" for name in SOURCE_NAMES}
    points = {"source": sources, "connector": {"shelf": "rechub_zoo_stores:Shelf"}}
    install(site, "rechub-zoo", {"rechub_zoo": SOURCES, "rechub_zoo_stores": CONNECTORS}, points)
