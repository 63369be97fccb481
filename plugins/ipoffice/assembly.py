"""The parts of a device, made from its settings."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.sdk import NoticeKind, PluginContext
from plugins.ipoffice.door import Door, WatchRules
from plugins.ipoffice.finding import FindRules
from plugins.ipoffice.folder import WORK_NAME, NamePatterns
from plugins.ipoffice.memory import HeldFiles, LazyWriter, SeenFiles, WorkFolders
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
        folder = settings.folder.rstrip("/") or "/"
        work = f"{work_root(settings)}/{work_id(self.ctx)}"
        rules = SettleRules(
            age_s=settings.settle_age_s,
            look_s=min(1.0, settings.settle_age_s / 2),
            trust_mtime=settings.observer != "polling",
        )
        presence = Presence(
            folder, self.ctx.state, needs_write=settings.after_pickup != "leave", mounted=settings.mounted
        )
        return self._door(
            "folder",
            Source(settings.server_name, folder, work, settings.after_pickup == "move"),
            WatchRules(settings.observer, True, settings.poll_s, settings.rescan_s, settings.in_flight),
            self._find_rules(rules),
            Emptying(leave=settings.after_pickup == "leave", after=STAGES[settings.empty_after]),
            presence,
        )

    def inner_door(self, key: str, server: str, folder: Path, rules: SettleRules, emptying: Emptying) -> Door:
        """The door of a folder of the hub's own, which SFTP fills with files of `server`; key: its name for ever."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        work = self.ctx.scratch / "work" / key
        watch = WatchRules("auto", False, self.settings.poll_s, self.settings.rescan_s, self.settings.in_flight)
        presence = Presence(str(folder), self.ctx.state, needs_write=True)
        source = Source(server, str(folder), str(work))
        return self._door(key, source, watch, self._find_rules(rules, recursive=True), emptying, presence)

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

    def _door(
        self,
        key: str,
        source: Source,
        watch: WatchRules,
        find: FindRules,
        emptying: Emptying,
        presence: Presence,
    ) -> Door:
        taker = Taker(source, make_describer(self.settings), self.settings.sidecars, self.settings.settle_age_s)
        memory = (
            SeenFiles(self.ctx.state, self.writer, key),
            HeldFiles(self.ctx.state, self.writer, key),
            WorkFolders(self.ctx.state, key),
        )
        porter = Porter(self.ctx, taker, emptying, memory, self.statuses, self.threads)
        return Door(self.ctx, (watch, find), porter, presence, self.statuses, self.threads)
