"""Fetches finished recordings from a remote folder on a schedule, and empties it if the settings say so."""

import asyncio
import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from hub.sdk import Alarm, AuthError, PluginContext, RetryLater, Severity
from plugins.ipoffice import folder as files
from plugins.ipoffice.failures import first_error
from plugins.ipoffice.fetch.remote import Remote, WrongHostKey, connected, list_files, look_of
from plugins.ipoffice.folder import Look, NamePatterns
from plugins.ipoffice.memory import LazyWriter, SeenFiles, mark
from plugins.ipoffice.status import Statuses
from plugins.ipoffice.vrl.sidecar import sidecar_names

PART = "SFTP fetch"
ALARM_KEY = "fetch.sign_in"
AT_ONCE = 4
BLOCK_BYTES = 2 << 20
ROUND_S_MAX = 3600.0
SIGN_IN_AGAIN_S = 3600.0
FREE_BYTES_MIN = 256 << 20


@dataclass(frozen=True, slots=True)
class FetchRules:
    """What is fetched, how often, and whether it is deleted there when the hub has it safe enough.

    settle_s: for how long a file must be unchanged before it is fetched.
    """

    folder: str
    patterns: NamePatterns
    sidecars: tuple[str, ...] = ()
    recursive: bool = False
    every_s: float = 60.0
    settle_s: float = 5.0
    deletes: bool = False


class Fetcher:
    """Looks into the remote folder round by round until cancelled.

    landed: the folder into which whole files are put, for the door that watches it. part: where they grow before.
    """

    def __init__(
        self,
        ctx: PluginContext,
        remote: Remote,
        rules: FetchRules,
        landed: Path,
        writer: LazyWriter,
        statuses: Statuses,
    ) -> None:
        self._ctx = ctx
        self._remote = remote
        self._rules = rules
        self._landed = landed
        self._part = landed.with_name(landed.name + ".part")
        self._fetched = SeenFiles(ctx.state, writer, "fetched")
        self._safe = SeenFiles(ctx.state, writer, "safe")
        self._statuses = statuses
        self.fetched_total = 0
        self._may_be_alarmed = True  # by an earlier run
        statuses.counters[PART] = self._numbers

    def released(self, name: str, look: Look) -> None:
        """The hub has this file safe enough: it may be deleted at its source."""
        self._safe.add(name, look)

    async def run(self) -> None:
        """Fetch until cancelled."""
        while True:
            pause_s = self._rules.every_s
            try:
                async with asyncio.timeout(ROUND_S_MAX):
                    count = await self.fetch_round()
            except (AuthError, WrongHostKey, ValueError) as error:
                self._refused(error)
                pause_s = SIGN_IN_AGAIN_S
            except (RetryLater, TimeoutError, OSError, asyncssh.Error) as error:
                hint = getattr(error, "hint", "") or "It is tried again by itself."
                self._statuses.down(PART, f"Nothing can be fetched: {str(error) or 'no answer'}", hint)
                self._ctx.log.warning("fetch.round_failed", reason=str(error))
            else:
                if self._may_be_alarmed:
                    self._ctx.clear_alarm(ALARM_KEY)
                    self._may_be_alarmed = False
                self._statuses.ok(PART, f"{self._remote.host}:{self._rules.folder} is fetched; files waiting: {count}.")
            await asyncio.sleep(pause_s)

    def _numbers(self) -> Mapping[str, float]:
        return {"fetched_total": float(self.fetched_total)}

    def _refused(self, error: Exception) -> None:
        """Say that nobody can help but a person; guessing on would lock the account."""
        hint = getattr(error, "hint", "") or "Correct the settings of the device."
        if isinstance(error, WrongHostKey):
            hint = "Compare the fingerprint with that of the server (ssh-keygen -lf on it); enter it if it is the same."
        self._statuses.down(PART, f"Nothing can be fetched: {error}", hint)
        self._may_be_alarmed = True
        self._ctx.raise_alarm(
            Alarm(key=ALARM_KEY, code="DEVICE_AUTH", severity=Severity.MAJOR, text=f"{error}", hint=hint)
        )

    async def fetch_round(self) -> int:
        """One look into the remote folder: delete what is safe, fetch what is settled.

        Returns: how many files are left for the next round.
        Raises: AuthError, RetryLater, WrongHostKey, OSError, asyncssh.Error.
        """
        rules = self._rules
        wanted = NamePatterns(
            (*rules.patterns.include, *(name.replace("{stem}", "*") for name in rules.sidecars)), rules.patterns.exclude
        )
        async with connected(self._remote) as sftp:
            before = await list_files(sftp, rules.folder, wanted, recursive=rules.recursive)
            marks = {mark(name, look) for name, look in before.items()}
            self._fetched.keep_only(marks)
            self._safe.keep_only(marks)
            if rules.deletes:
                await self._delete_safe(sftp, before)
            new = {name: look for name, look in before.items() if self._is_new(name, look)}
            self._forget_parts({part_name(name, look) for name, look in before.items()})
            if not new:
                return 0
            await asyncio.sleep(rules.settle_s)
            after = await list_files(sftp, rules.folder, wanted, recursive=rules.recursive)
            settled = [(name, look) for name, look in sorted(new.items()) if after.get(name) == look]
            await self._fetch_all(sftp, settled, after)
            return len(new) - len(settled)

    def _forget_parts(self, wanted: set[str]) -> None:
        """Remove beginnings of files that are gone or changed on the server."""
        with suppress(FileNotFoundError):
            for path in self._part.iterdir():
                if path.name not in wanted:
                    path.unlink(missing_ok=True)

    def _is_new(self, name: str, look: Look) -> bool:
        return self._rules.patterns.fits(name) and not self._fetched.has(name, look)

    async def _fetch_all(
        self, sftp: asyncssh.SFTPClient, settled: list[tuple[str, Look]], there: Mapping[str, Look]
    ) -> None:
        waiting = iter(settled)

        async def work() -> None:
            for name, look in waiting:
                for sidecar in self._sidecars_of(name):
                    if sidecar in there:
                        await self._fetch_one(sftp, sidecar, there[sidecar])
                if await self._fetch_one(sftp, name, look):
                    self._fetched.add(name, look)
                    self.fetched_total += 1

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(AT_ONCE):
                    tasks.create_task(work())
        except BaseExceptionGroup as group:
            raise first_error(group) from None

    def _sidecars_of(self, name: str) -> list[str]:
        above, slash, last = name.rpartition("/")
        stem = last.rpartition(".")[0] or last
        return [f"{above}{slash}{sidecar}" for sidecar in sidecar_names(stem, self._rules.sidecars)]

    async def _fetch_one(self, sftp: asyncssh.SFTPClient, name: str, look: Look) -> bool:
        """Fetch a file, going on where an earlier transfer of the same file stopped; False if it changed meanwhile."""
        part = self._part / part_name(name, look)
        self._part.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_room(look.size_bytes)
        remote_path = os.fsencode(f"{self._rules.folder}/{name}")
        fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            offset = os.fstat(fd).st_size
            async with sftp.open(remote_path, "rb") as source:
                while offset < look.size_bytes:
                    block = await source.read(min(BLOCK_BYTES, look.size_bytes - offset), offset)
                    if not block:
                        break
                    data = block if isinstance(block, bytes) else block.encode()
                    os.pwrite(fd, data, offset)
                    offset += len(data)
            same = offset == look.size_bytes and look_of(await sftp.stat(remote_path)) == look
            if same:
                os.utime(fd, ns=(look.mtime_ns, look.mtime_ns))
                await asyncio.to_thread(os.fsync, fd)
        finally:
            os.close(fd)
        if same:
            self._land(part, name)
        else:
            part.unlink(missing_ok=True)
        return same

    def _land(self, part: Path, name: str) -> None:
        """Give a whole file its name in the folder that the door watches."""
        with files.opened_folder(str(self._landed)) as fd:
            files.make_folders(fd, name.rpartition("/")[0])
        files.move((str(part.parent), part.name), (str(self._landed), name))

    def _check_room(self, size_bytes: int) -> None:
        free = os.statvfs(self._landed)
        if free.f_bavail * free.f_frsize < size_bytes + FREE_BYTES_MIN:
            raise RetryLater(
                "The disk of the hub's data folder is nearly full.", hint="Make room, or move the data folder."
            )

    async def _delete_safe(self, sftp: asyncssh.SFTPClient, there: Mapping[str, Look]) -> None:
        """Delete what the hub has safe enough, if it is still the same file, and its sidecars."""
        for name, look in there.items():
            if not self._safe.has(name, look):
                continue
            path = os.fsencode(f"{self._rules.folder}/{name}")
            with suppress(asyncssh.SFTPNoSuchFile):
                if look_of(await sftp.stat(path)) == look:
                    await sftp.remove(path)
            for sidecar in self._sidecars_of(name):
                if sidecar in there:
                    with suppress(asyncssh.SFTPNoSuchFile):
                        await sftp.remove(os.fsencode(f"{self._rules.folder}/{sidecar}"))


def part_name(name: str, look: Look) -> str:
    """Under which name the beginning of a file waits for the rest of this very file."""
    return hashlib.sha256(b"%s\0%d\0%d" % (os.fsencode(name), look.size_bytes, look.mtime_ns)).hexdigest()
