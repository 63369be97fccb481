"""The test of a hand-off folder: what is in it, whether it can be emptied, and who else empties it."""

import os
import stat
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path

from hub.sdk import PluginContext, RetryLater, SettingsError
from plugins.ipoffice.assembly import known_work_id, work_root
from plugins.ipoffice.checking.findings import Findings
from plugins.ipoffice.contest import HINT, KEY
from plugins.ipoffice.folder import WORK_NAME, Look, NamePatterns, show_name, walk
from plugins.ipoffice.presence import Away, Missing, Presence
from plugins.ipoffice.rivals import find_rivals
from plugins.ipoffice.settings import IPOfficeSettings

LISTED_MAX = 10_000
SECOND_LOOK_S = 1.5
Listing = dict[str, Look]


def check_folder(settings: IPOfficeSettings, ctx: PluginContext, running: frozenset[int], findings: Findings) -> None:
    """Look at the folder twice, a moment apart.

    Raises: SettingsError, RetryLater.
    """
    folder = settings.folder.rstrip("/") or "/"
    needs_write = settings.after_pickup != "leave"
    try:
        found = Presence(folder, ctx.state, needs_write=needs_write, mounted=settings.mounted).look()
    except Missing as missing:
        raise SettingsError(str(missing), field="folder", hint=missing.hint) from None
    except Away as away:
        raise RetryLater(str(away), hint=away.hint) from None
    first = _list(settings, folder)
    polled = settings.observer == "polling" or (settings.observer == "auto" and found.mount.is_remote)
    how = "polled" if polled else "announced by the kernel"
    findings.lines.append(f"{folder}: {_describe(first)}, on {found.mount.kind} at {found.mount.point}, {how}.")
    findings.numbers["files_waiting"] = float(len(first))
    if settings.observer == "inotify" and found.mount.is_remote:
        findings.warnings.append(f"The kernel does not announce changes that others make on {found.mount.kind}.")
    status = Path(folder).stat()
    if needs_write and status.st_mode & stat.S_ISVTX and os.geteuid() not in {0, status.st_uid}:
        findings.warnings.append(f"{folder} lets only owners move their files (sticky bit): chmod -t {folder}")
    _warn_of_leftovers(settings, ctx, folder, findings)
    _warn_of_rivals(settings, ctx, running, first, findings)


def _list(settings: IPOfficeSettings, folder: str) -> Listing:
    patterns = NamePatterns(settings.include, settings.exclude)
    files = walk(folder, patterns, recursive=settings.recursive, skip=WORK_NAME)
    try:
        return dict(islice(files, LISTED_MAX))
    except OSError as error:
        raise RetryLater(f"{folder} cannot be listed: {error.strerror or error}.") from None


def _describe(files: Listing) -> str:
    if not files:
        return "no recordings waiting"
    oldest_s = time.time() - min(look.mtime_ns for look in files.values()) / 1e9
    if len(files) == 1:
        return f"1 recording waiting for {_duration(oldest_s)}"
    count = f"{LISTED_MAX} or more" if len(files) == LISTED_MAX else str(len(files))
    return f"{count} recordings waiting, the oldest for {_duration(oldest_s)}"


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return "1 second" if round(seconds) == 1 else f"{max(0, seconds):.0f} seconds"


def _warn_of_leftovers(settings: IPOfficeSettings, ctx: PluginContext, folder: str, findings: Findings) -> None:
    """Subfolders that are not looked into, and files that another hub moved aside and did not finish."""
    with os.scandir(folder) as entries:
        below = [entry.name for entry in islice(entries, LISTED_MAX) if entry.is_dir(follow_symlinks=False)]
    others = [name for name in below if name != WORK_NAME]
    if others and not settings.recursive:
        findings.warnings.append(
            f"{len(others)} subfolders, such as {show_name(others[0])}, are not looked into; the settings can say so."
        )
    if settings.after_pickup != "move":
        return
    root = Path(work_root(settings))
    mine = known_work_id(ctx)
    with suppress(FileNotFoundError):
        strange = [path for path in root.iterdir() if path.name != mine and path.is_dir() and any(path.iterdir())]
        if strange:
            findings.warnings.append(
                f"{strange[0]} holds files that another hub, or an earlier installation, moved aside. If it is gone "
                f"for good, move them back: find {strange[0]} -type f -exec mv -n -t {folder} {{}} +"
            )


def _warn_of_rivals(
    settings: IPOfficeSettings, ctx: PluginContext, running: frozenset[int], first: Listing, findings: Findings
) -> None:
    """Whoever else takes files: processes that are seen, and files that vanish while the test looks."""
    time.sleep(SECOND_LOOK_S)
    rivals = find_rivals(settings.folder, running)
    if rivals:
        findings.warnings.append(f"{rivals[0]}: it may take recordings before the hub does. {HINT}")
    second = _list(settings, settings.folder.rstrip("/") or "/")
    inodes = {look.inode for look in second.values()}
    gone = [name for name, look in first.items() if name not in second and look.inode not in inodes]
    if gone and not running:
        names = show_name(gone[0]) if len(gone) == 1 else f"{show_name(gone[0])} and {len(gone) - 1} more"
        findings.warnings.append(f"{names} vanished while the folder was looked at: something else empties it. {HINT}")
    elif ctx.state.get(KEY):
        findings.warnings.append(f"Files vanish before the hub takes them: something else empties the folder. {HINT}")
