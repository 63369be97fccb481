"""Settings of an Avaya IP Office device: where its recordings are, how they are read, what else it tells."""

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, ValidationInfo, field_validator

from hub.sdk import setting
from plugins.ipoffice.smdr.peers import parse_peers
from plugins.ipoffice.vrl.rules import parse_rules
from plugins.ipoffice.ways_in import FOLDER, WaysIn, check_absolute

NoticeChoice = Literal["announced", "tone", "agent", "none", "unknown"]


def _check_pattern(pattern: str) -> str:
    if not pattern.strip() or "/" in pattern:
        raise ValueError(f"{pattern!r} is no pattern of file names such as *.wav")
    return pattern.strip()


def _check_rules(text: str) -> str:
    parse_rules(text)
    return text


Pattern = Annotated[str, AfterValidator(_check_pattern)]


class IPOfficeSettings(WaysIn):
    """One Voicemail Pro (with its secondary servers) and the IP Office behind it."""

    settings_version: ClassVar[int] = 1

    smdr: Literal["off", "listen", "connect"] = setting(
        "Call details (SMDR)",
        "The PBX can say who took part in a call; it fills what the recording itself leaves open. In Manager under "
        "System, SMDR: either the PBX sends to this machine, or it listens (its address set to 0.0.0.0).",
        default="off",
        labels={"off": "Not used", "listen": "The PBX sends to the hub", "connect": "The hub connects to the PBX"},
    )
    smdr_host: str = setting(
        "SMDR address",
        "When the hub connects: name or address of the PBX. When the PBX sends: on which address to listen.",
        default="0.0.0.0",  # noqa: S104 - the PBX sends from another machine
        shown_if={"smdr": ["listen", "connect"]},
        validate_default=True,
    )
    smdr_port: int = setting(
        "SMDR port",
        "TCP port of the call details.",
        default=1150,
        ge=1,
        le=65535,
        shown_if={"smdr": ["listen", "connect"]},
    )
    smdr_peers: tuple[str, ...] = setting(
        "PBX addresses",
        "From which addresses or networks SMDR is taken; everybody else is turned away.",
        default=(),
        examples=["192.168.42.1", "10.20.0.0/16"],
        shown_if={"smdr": ["listen"]},
        validate_default=True,
    )

    recursive: bool = setting(
        "Look into subfolders", "Take files from folders below as well.", default=False, group="filter"
    )
    include: tuple[Pattern, ...] = setting(
        "Take", "Names that are recordings.", default=("*.wav", "*.opus", "*.ogg"), group="filter", min_length=1
    )
    exclude: tuple[Pattern, ...] = setting(
        "Never take",
        "Names that are not finished or not recordings; this wins.",
        default=(".*", "*.tmp", "*.part", "*.filepart", "*.lock"),
        group="filter",
    )

    mapping: Annotated[str, AfterValidator(_check_rules)] = setting(
        "Mapping of metadata",
        "One rule a line: field = source:name. The rules of a field replace the built-in ones for it and are tried in "
        "order. “recording-hub vrl-inspect FILE” shows what is in a file and which rule filled which field.",
        default="",
        widget="textarea",
        group="metadata",
        examples=["agent = riff:INFO.IART"],
    )
    filename_pattern: str = setting(
        "Pattern of file names",
        "A regular expression whose named groups are facts, such as "
        "(?P<started_at>\\d{14})_(?P<caller>\\d+)_(?P<called>\\d+).",
        default="",
        group="metadata",
    )
    time_format: str = setting(
        "Format of times",
        "Only if times are not recognised: as in strptime, such as %d.%m.%Y %H:%M:%S.",
        default="",
        group="metadata",
    )
    sidecars: tuple[Pattern, ...] = setting(
        "Sidecar files",
        "Names of files with facts about a recording; {stem} is its name without the ending.",
        default=("{stem}.xml", "{stem}.json", "{stem}.csv"),
        group="metadata",
    )
    sidecar_wait_s: int = setting(
        "Wait for a sidecar",
        "How long a recording waits for its sidecar; 0 if sidecars come first or not at all.",
        default=0,
        unit="s",
        ge=0,
        le=3600,
        group="metadata",
    )
    internal_digits: int = setting(
        "Internal numbers have at most",
        "Numbers up to this length count as extensions when a file does not say the direction; 0: never guess.",
        default=5,
        unit="digits",
        ge=0,
        le=12,
        group="metadata",
    )
    notice: NoticeChoice = setting(
        "How parties are told",
        "How those on the line learn that they are recorded, where the file does not say it. In Voicemail Pro: "
        "Preferences, General, “Play Advice on Call Recording”.",
        default="unknown",
        labels={
            "announced": "An announcement is played",
            "tone": "A tone is played",
            "agent": "The agent says so",
            "none": "They are not told",
            "unknown": "Not known",
        },
        group="metadata",
    )

    settle_age_s: float = setting(
        "Settle age",
        "How long a file must be unchanged before it is taken; one that its writer closed, and that is complete, "
        "is taken at once.",
        default=5.0,
        unit="s",
        ge=0.5,
        le=3600,
        group="advanced",
    )
    observer: Literal["auto", "inotify", "polling"] = setting(
        "Watching",
        "How new files are noticed. Changes on NFS and SMB shares are not announced, so these are polled.",
        default="auto",
        labels={"auto": "By the kind of file system", "inotify": "Announced by the kernel", "polling": "Polled"},
        group="advanced",
        shown_if={"topology": FOLDER},
    )
    poll_s: float = setting(
        "Look every", "How often a polled folder is listed.", default=2.0, unit="s", ge=0.5, le=300, group="advanced"
    )
    rescan_s: int = setting(
        "List in full every",
        "A watched folder is listed in full this often, in case an announcement was lost.",
        default=300,
        unit="s",
        ge=5,
        le=86_400,
        group="advanced",
    )
    mounted: Literal["auto", "yes", "no"] = setting(
        "The folder is a mounted file system",
        "If so and the mount is gone, the empty folder below it is not taken for an empty hand-off folder.",
        default="auto",
        labels={"auto": "Remember what was found", "yes": "Yes", "no": "No"},
        group="advanced",
        shown_if={"topology": FOLDER},
    )
    work_folder: str = setting(
        "Work folder",
        "Where files are moved to at pick-up; it must be on the same file system. Empty: a hidden folder "
        "in the hand-off folder.",
        default="",
        group="advanced",
        shown_if={"after_pickup": ["move"]},
    )
    in_flight: int = setting(
        "Hand-overs at once",
        "How many files are handed to the hub at the same time.",
        default=8,
        ge=1,
        le=64,
        group="advanced",
    )

    @field_validator("filename_pattern")
    @classmethod
    def _pattern_compiles(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        if value and not groups:
            raise ValueError("name at least one group, such as (?P<caller>\\d+)")
        return value

    @field_validator("work_folder")
    @classmethod
    def _work_folder_is_absolute(cls, value: str) -> str:
        return check_absolute(value) if value else value

    @field_validator("smdr_host")
    @classmethod
    def _connecting_needs_a_host(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("smdr") == "connect" and value in {"", "0.0.0.0"}:  # noqa: S104 - the default is refused here
            raise ValueError("give the name or address of the PBX")
        return value

    @field_validator("smdr_peers")
    @classmethod
    def _peers_are_addresses(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not parse_peers(value) and info.data.get("smdr") == "listen":
            raise ValueError("say from which addresses the PBX sends")
        return value
