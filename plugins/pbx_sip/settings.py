"""Settings of a SIP capture device: where captures are found, and what is read in them."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import field_validator

from hub.sdk import setting
from plugins.pbx_sip.number_settings import NumberSettings
from plugins.pbx_sip.wire_settings import WireSettings, check_absolute, check_headers


class SipCaptureSettings(WireSettings, NumberSettings):
    """Captures of one telephone system."""

    settings_version: ClassVar[int] = 1

    folder: Path = setting(
        "Capture folder",
        "Every pcap or pcapng file that is put here, also compressed by gzip, is read, and each call in it becomes a "
        "recording.",
        examples=["/var/lib/recording-hub/captures"],
    )
    after_import: Literal["keep", "delete"] = setting(
        "After the import",
        "What happens to a capture once all of its calls are safe in the hub. A file that could not be read to its end "
        "is always kept.",
        default="keep",
        labels={"keep": "Keep the file", "delete": "Delete the file"},
    )
    settle_age_s: float = setting(
        "Finished after",
        "A file counts as finished when it has not changed for this long.",
        default=5.0,
        unit="s",
        ge=0.1,
        le=3600,
    )
    headers: tuple[str, ...] = setting(
        "Kept header fields",
        "SIP header fields that are kept with a recording, beside the usual ones and all whose names begin with X-.",
        default=(),
        examples=["P-Charging-Vector"],
        group="filter",
    )

    @field_validator("headers")
    @classmethod
    def _be_headers(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return check_headers(names)

    @field_validator("folder")
    @classmethod
    def _be_absolute(cls, folder: Path) -> Path:
        return check_absolute(folder)
