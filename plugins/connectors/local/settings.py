"""Settings of the local folder."""

from pathlib import Path

from pydantic import field_validator

from hub.sdk import PluginSettings, setting


class LocalSettings(PluginSettings):
    """Where on this machine recordings are kept."""

    folder: Path = setting(
        "Folder",
        "Absolute path of a folder of this machine, best on a disk of its own. It is made if it does not exist.",
        widget="folder",
        examples=["/var/lib/recording-hub/storage"],
    )
    own_disk: bool = setting(
        "Only on a disk of its own",
        "Refuse to write while the folder lies on the system's disk, as it does when its own disk is not mounted.",
        default=False,
        group="advanced",
    )
    warn_below_percent: int = setting(
        "Warn below",
        "The lamp turns to degraded when less than this share of the disk is free.",
        default=10,
        unit="%",
        group="advanced",
        ge=0,
        le=50,
    )

    @field_validator("folder")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        if not value.is_absolute() or ".." in value.parts:
            raise ValueError("give an absolute path without '..', such as /var/lib/recording-hub/storage")
        return value
