"""The parts of a device that speak SFTP; SSH is a large library, and most devices do without it."""

from pathlib import Path

from plugins.ipoffice.assembly import Parts
from plugins.ipoffice.door import Door
from plugins.ipoffice.fetch.fetcher import Fetcher, FetchRules
from plugins.ipoffice.fetch.remote import Remote
from plugins.ipoffice.folder import NamePatterns
from plugins.ipoffice.landing.folder import LandingFolder
from plugins.ipoffice.landing.server import LandingServer, landing_folder
from plugins.ipoffice.porter import STAGES, Emptying
from plugins.ipoffice.settings import IPOfficeSettings
from plugins.ipoffice.settle import SettleRules


def make_remote(settings: IPOfficeSettings) -> Remote:
    """The server to fetch from."""
    password, key = settings.fetch_password, settings.fetch_key
    return Remote(
        settings.fetch_host,
        settings.fetch_port,
        settings.fetch_login,
        password.get_secret_value() if password else "",
        key.get_secret_value() if key else "",
        settings.fetch_host_key,
    )


def make_landing(parts: Parts) -> tuple[LandingServer, list[Door]]:
    """The SFTP server and a door for the folder of each sender; of one that was removed, for what it left."""
    settings = parts.settings
    senders = {sender.login: sender for sender in settings.senders}
    root = landing_folder(parts.ctx.scratch, "")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    quota_bytes = settings.landing_quota_mb * 1_000_000
    rules = SettleRules(
        settings.settle_age_s, min(1.0, settings.settle_age_s / 2), False, settings.landing_partial_wait_s
    )
    folders = {}
    doors = []
    for login in sorted({*senders, *(path.name for path in root.iterdir() if path.is_dir())}):
        folders[login] = LandingFolder(str(landing_folder(parts.ctx.scratch, login)), quota_bytes)
        name = senders[login].name if login in senders else login
        emptying = Emptying(after=STAGES[settings.empty_after])
        door = parts.inner_door(f"landing.{login}", name, Path(folders[login].root), rules, emptying)
        door.porter.taker.doubt = folders[login].doubt
        doors.append(door)
    address = (settings.landing_address, settings.landing_port)
    return LandingServer(parts.ctx, address, senders, folders, parts.statuses), doors


def make_fetching(parts: Parts) -> tuple[Fetcher, Door]:
    """What fetches from the remote folder, and the door through which it comes in."""
    settings = parts.settings
    landed = parts.ctx.scratch / "fetched" / "files"
    landed.mkdir(mode=0o700, parents=True, exist_ok=True)
    rules = FetchRules(
        settings.fetch_folder.rstrip("/"),
        NamePatterns(settings.include, settings.exclude),
        settings.sidecars,
        settings.recursive,
        settings.fetch_every_s,
        settings.settle_age_s,
        settings.fetch_delete == "yes",
    )
    fetcher = Fetcher(parts.ctx, make_remote(settings), rules, landed, parts.writer, parts.statuses)
    emptying = Emptying(after=STAGES[settings.empty_after], released=fetcher.released)
    # What lies there is whole already, and keeps the time it has on the server.
    door = parts.inner_door("fetch", settings.server_name, landed, SettleRules(0.0, 0.2), emptying)
    return fetcher, door
