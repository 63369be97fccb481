"""A source for tests whose calls go on as long as files lie in a folder: it shows them, lets itself be steered and heard.

In its folder: `calls/<name>` is a call that goes on; `controls` holds a line for each request; `taken/` uploaded files;
`unsealed` what it had sealed in an earlier life.
"""

from pathlib import Path

from tests.doubles import plugins

SOURCE = """
import asyncio, math, os, shutil, struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.sdk import (Absence, AbsentCall, BadRecording, CallControl, ControlResult, Controls, Direction, Health,
                     HealthState, Kind, Listens, LiveCall, LiveState, NotFound, Party, PluginInfo, PluginSettings, Role,
                     Source, TakesFiles, setting)

BLOCK = b"".join(struct.pack("<hh", int(9000 * math.sin(math.tau * n / 16)), 3000) for n in range(160))


class Settings(PluginSettings):
    folder: str = setting("Folder", "Where it works.")
    many: int = setting("Many", "Calls that always go on.", default=0)
    pause_ms: int = setting("Pause", "Between two blocks of audio.", default=20)
    hands_over: bool = setting("Hands over", "Tells of each call that it was not recorded.", default=False)


class Switchboard(Source[Settings], Controls, Listens, TakesFiles):
    info = PluginInfo(name="switchboard", kind=Kind.SOURCE, title="Switchboard", summary="For tests.", settings=Settings)
    names = ("*.pcap", "*.pcapng")

    def check(self):
        secret = self.ctx.state.get("sealed")
        return Health(HealthState.OK, self.ctx.unseal(secret).decode() if secret else "All well.")

    async def run(self):
        self.calls = {}
        self.folder = Path(self.settings.folder)
        (self.folder / "calls").mkdir(exist_ok=True)
        self.unseal()
        for number in range(self.settings.many):
            self.ctx.show_call(LiveCall(id=f"many {number}", started_at=datetime.now(UTC),
                                        parties=(Party(number=f"{7000 + number}"),)))
        self.ctx.report(Health(HealthState.OK, "Watching."))
        while True:
            there = set(os.listdir(self.folder / "calls"))
            for name in there - set(self.calls):
                self.show(name, LiveState.WAITING if name.startswith("waiting") else LiveState.RECORDING)
            for name, call in self.calls.items():
                if call.resumes_at is not None and call.resumes_at <= datetime.now(UTC):
                    self.show(name, LiveState.RECORDING)
            for name in set(self.calls) - there:
                call = self.calls.pop(name)
                self.ctx.drop_call(self.ref(name))
                if self.settings.hands_over:
                    await self.hand_over(call)
            await asyncio.sleep(0.02)

    async def hand_over(self, call):
        await self.ctx.submit_absence(AbsentCall(absence_id=call.id, why=Absence.NO_MEDIA, started_at=call.started_at,
                                                 ended_at=datetime.now(UTC)))

    def unseal(self):
        sealed = self.ctx.state.get("sealed")
        if sealed is None:
            self.ctx.state.put("sealed", self.ctx.seal(b"the key of the journal"))
        else:
            (self.folder / "unsealed").write_bytes(self.ctx.unseal(sealed))

    def ref(self, name):
        return f"{name}/\\udcff?x=1&\\x00"

    def show(self, name, state, resumes_at=None):
        started_at = self.calls[name].started_at if name in self.calls else datetime.now(UTC)
        self.calls[name] = LiveCall(
            id=self.ref(name), started_at=started_at, state=state, direction=Direction.OUTGOING,
            parties=(Party(number="8001", name="Ann\\x00a", role=Role.CALLER), Party(number="+49 30 1234", name=name, role=Role.CALLED)),
            call_id=f"{name}@pbx", resumes_at=resumes_at, rule="All calls", fields=self.fields(state))
        self.ctx.show_call(self.calls[name])

    def fields(self, state):
        told = {"state_since": datetime.now(UTC).isoformat(), "state_by": "person"}
        return {"line": "3"} | (told if state in {LiveState.PAUSED, LiveState.STOPPED} else {})

    async def control(self, call, action, *, resume_after_s=None):
        name = next((name for name in self.calls if self.ref(name) == call), None)
        with open(self.folder / "controls", "a") as file:
            file.write(f"{name} {action} {resume_after_s}\\n")
        if name is None:
            raise NotFound("The call is over.")
        if name.startswith("slow"):
            await asyncio.sleep(60)
        if name.startswith("dying"):
            os._exit(3)
        if action is CallControl.PAUSE:
            ends = None if resume_after_s is None else datetime.now(UTC) + timedelta(seconds=resume_after_s)
            self.show(name, LiveState.PAUSED, ends)
        elif action is CallControl.RESUME or action is CallControl.KEEP:
            self.show(name, LiveState.RECORDING)
        elif action is CallControl.STOP:
            self.show(name, LiveState.STOPPED)
        elif name.startswith("mandatory"):
            return ControlResult(done=False, text="A rule says that it is kept.")
        else:
            os.unlink(self.folder / "calls" / name)
        return ControlResult(done=True)

    async def listen(self, call):
        name = next((name for name in self.calls if self.ref(name) == call), None)
        if name is None:
            raise NotFound("The call is over.")
        try:
            while name in self.calls:
                yield BLOCK
                await asyncio.sleep(self.settings.pause_ms / 1000)
        finally:
            (self.folder / "hung-up").touch()

    async def take_file(self, path, name):
        if path.read_bytes().startswith(b"bad"):
            path.unlink()
            raise BadRecording("This is no capture.", hint="Upload a pcap file.")
        (self.folder / "taken").mkdir(exist_ok=True)
        shutil.move(path, self.folder / "taken" / name)
"""


def install(site: Path) -> None:
    """As distribution `rechub-switchboard`."""
    points = {"source": {"switchboard": "rechub_switchboard:Switchboard"}}
    plugins.install(site, "rechub-switchboard", {"rechub_switchboard": SOURCE}, points)


def begin(folder: Path, name: str) -> None:
    """A call begins."""
    (folder / "calls").mkdir(exist_ok=True)
    (folder / "calls" / name).touch()


def end(folder: Path, name: str) -> None:
    """It is over."""
    (folder / "calls" / name).unlink()
