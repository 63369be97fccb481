"""The parts of a device, made from its settings."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.sdk import NoticeKind, PluginContext
from plugins.ipoffice.door import Door, WatchRules
from plugins.ipoffice.fetch.fetcher import Fetcher, FetchRules
from plugins.ipoffice.fetch.remote import Remote
from plugins.ipoffice.finding import FindRules
from plugins.ipoffice.folder import WORK_NAME, NamePatterns
from plugins.ipoffice.landing.folder import LandingFolder
from plugins.ipoffice.landing.server import LandingServer, landing_folder
from plugins.ipoffice.memory import HeldFiles, LazyWriter, SeenFiles
from plugins.ipoffice.porter import STAGES, Emptying, Porter
from plugins.ipoffice.presence import Presence
from plugins.ipoffice.settings import IPOfficeSettings
from plugins.ipoffice.settle import SettleRules
from plugins.ipoffice.smdr.intake import Intake
from plugins.ipoffice.smdr.link import LinkSettings, SmdrLink
from plugins.ipoffice.smdr.peers import parse_peers
from plugins.ipoffice.status import Statuses
from plugins.ipoffice.taking import Source, Taker
from plugins.ipoffice.threads import Threads
from plugins.ipoffice.vrl.draft import Describer
from plugins.ipoffice.vrl.filename import NamePattern
from plugins.ipoffice.vrl.resolve import Resolver, SiteMapping
from plugins.ipoffice.vrl.rules import parse_rules

WORK_ID = "work_id"


def site_mapping(settings: IPOfficeSettings) -> SiteMapping:
    """How this site's files are to be understood."""
    return SiteMapping(
        own_rules=parse_rules(settings.mapping),
        zone=ZoneInfo(settings.timezone) if settings.timezone else None,
        time_format=settings.time_format,
        internal_digits=settings.internal_digits,
        notice=NoticeKind(settings.notice),
    )


def make_describer(settings: IPOfficeSettings) -> Describer:
    """What makes drafts of files by the settings."""
    return Describer(Resolver(site_mapping(settings)), NamePattern(settings.filename_pattern))


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


def work_id(ctx: PluginContext) -> str:
    """The name of this device's own part of a work folder: what lies there is its own to take up.

    It is kept beside the files and not in the state, for these must be found even if the state is lost.
    """
    known = known_work_id(ctx)
    if not known:
        known = secrets.token_hex(6)
        path = ctx.scratch / WORK_ID
        part = path.with_suffix(".part")
        part.write_text(known)
        part.rename(path)
    return known


def known_work_id(ctx: PluginContext) -> str:
    """The same, "" if this device has none yet."""
    try:
        return (ctx.scratch / WORK_ID).read_text()
    except FileNotFoundError:
        return ""


def work_root(settings: IPOfficeSettings) -> str:
    """The folder in which every hub that takes from the hand-off folder has its own work folder."""
    return settings.work_folder.rstrip("/") or f"{settings.folder.rstrip('/')}/{WORK_NAME}"


@dataclass(slots=True)
class Parts:
    """What all parts of one running device share."""

    settings: IPOfficeSettings
    ctx: PluginContext
    statuses: Statuses
    threads: Threads
    writer: LazyWriter

    def folder_door(self) -> Door:
        """The door of the hand-off folder."""
        settings = self.settings
        moves = settings.after_pickup == "move"
        folder = settings.folder.rstrip("/") or "/"
        work = f"{work_root(settings)}/{work_id(self.ctx)}" if moves else ""
        rules = SettleRules(
            age_s=settings.settle_age_s,
            look_s=min(1.0, settings.settle_age_s / 2),
            trust_mtime=settings.observer != "polling",
        )
        presence = Presence(
            folder, self.ctx.state, needs_write=settings.after_pickup != "leave", mounted=settings.mounted
        )
        return self._door(
            Source(settings.server_name, folder, work),
            WatchRules(settings.observer, settings.poll_s, settings.rescan_s, settings.in_flight),
            self._find_rules(rules),
            Emptying(leave=settings.after_pickup == "leave", after=STAGES[settings.empty_after]),
            presence,
        )

    def landing(self) -> tuple[LandingServer, list[Door]]:
        """The SFTP server and a door for the folder of each sender; of one that was removed, for what it left."""
        settings = self.settings
        senders = {sender.login: sender for sender in settings.senders}
        root = landing_folder(self.ctx.scratch, "")
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        quota_bytes = settings.landing_quota_mb * 1_000_000
        rules = SettleRules(
            settings.settle_age_s, min(1.0, settings.settle_age_s / 2), False, settings.landing_partial_wait_s
        )
        folders = {}
        doors = []
        for login in sorted({*senders, *(path.name for path in root.iterdir())}):
            folders[login] = LandingFolder(str(landing_folder(self.ctx.scratch, login)), quota_bytes)
            name = senders[login].name if login in senders else login
            door = self.inner_door(name, Path(folders[login].root), rules, Emptying(after=STAGES[settings.empty_after]))
            door.porter.taker.doubt = folders[login].doubt
            doors.append(door)
        address = (settings.landing_address, settings.landing_port)
        return LandingServer(self.ctx, address, senders, folders, self.statuses), doors

    def fetching(self) -> tuple[Fetcher, Door]:
        """What fetches from the remote folder, and the door through which it comes in."""
        settings = self.settings
        landed = self.ctx.scratch / "fetched" / "files"
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
        fetcher = Fetcher(self.ctx, make_remote(settings), rules, landed, self.writer, self.statuses)
        emptying = Emptying(after=STAGES[settings.empty_after], released=fetcher.released)
        # What lies there is whole already, and keeps the time it has on the server.
        door = self.inner_door(settings.server_name, landed, SettleRules(0.0, 0.2), emptying)
        return fetcher, door

    def inner_door(self, server: str, folder: Path, rules: SettleRules, emptying: Emptying) -> Door:
        """The door of a folder of the hub's own, into which files of `server` are put by SFTP."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        work = self.ctx.scratch / "work" / folder.name
        watch = WatchRules("auto", self.settings.poll_s, self.settings.rescan_s, self.settings.in_flight)
        presence = Presence(str(folder), self.ctx.state, needs_write=True)
        source = Source(server, str(folder), str(work))
        return self._door(source, watch, self._find_rules(rules, recursive=True), emptying, presence)

    def smdr(self) -> SmdrLink:
        """The connection for call details."""
        settings = self.settings
        link = LinkSettings(settings.smdr, settings.smdr_host, settings.smdr_port, parse_peers(settings.smdr_peers))
        return SmdrLink(self.ctx, link, Intake(self.ctx, site_mapping(settings).zone), self.statuses)

    def _find_rules(self, rules: SettleRules, *, recursive: bool | None = None) -> FindRules:
        settings = self.settings
        return FindRules(
            NamePatterns(settings.include, settings.exclude),
            rules,
            settings.recursive if recursive is None else recursive,
            WORK_NAME,
            settings.sidecar_wait_s,
        )

    def _door(self, source: Source, watch: WatchRules, find: FindRules, emptying: Emptying, presence: Presence) -> Door:
        key = re.sub(r"[^a-z0-9]+", "-", source.server.lower())
        taker = Taker(source, make_describer(self.settings), self.settings.sidecars, self.settings.settle_age_s)
        memory = (
            SeenFiles(self.ctx.state, self.writer, key),
            HeldFiles(self.ctx.state, self.writer, key),
        )
        porter = Porter(self.ctx, taker, emptying, memory, self.statuses, self.threads)
        return Door(self.ctx, (watch, find), porter, presence, self.statuses, self.threads)
