"""What administrators prefer once the hub runs; kept in the catalog, changed on the settings page."""

from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class StoredForm(StrEnum):
    """In which form a recording is stored."""

    KEEP = "keep"
    OPUS = "opus"
    MP3 = "mp3"
    WAV = "wav"
    FLAC = "flac"


class Verification(StrEnum):
    """How a stored object is compared with what was sent."""

    CHECKSUM = "checksum"
    READ_BACK = "read_back"


class MediaPolicy(BaseModel):
    """How recordings are stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stored_form: StoredForm = Field(
        default=StoredForm.OPUS,
        title="Stored form",
        description="Opus takes about 100 KB a minute; keep stores what the PBX delivered and nothing else.",
    )
    keep_original: bool = Field(
        default=True,
        title="Keep the original",
        description="Without it only its checksum stays, and a check can no longer say that a recording is authentic.",
    )
    opus_bitrate_bps: int = Field(
        default=13_300,
        ge=6_000,
        le=128_000,
        title="Opus bit rate",
        description="For each channel on which somebody speaks; silence takes little.",
        json_schema_extra={"unit": "bit/s"},
    )
    opus_complexity: int = Field(
        default=0,
        ge=0,
        le=10,
        title="Opus complexity",
        description="Higher sounds a little better and costs more processor time; 0 to 4 sound alike for telephony.",
    )
    backlog_items: int = Field(
        default=500,
        ge=1,
        le=900,
        title="Convert later from",
        description="While more recordings than this wait, originals that play are stored at once and converted later.",
        json_schema_extra={"unit": "recordings"},
    )
    verify: Verification = Field(
        default=Verification.CHECKSUM,
        title="Verification after storing",
        description="By the store's own checksum, or by reading every byte back.",
    )

    @model_validator(mode="after")
    def _something_is_stored(self) -> "MediaPolicy":
        if self.stored_form is StoredForm.KEEP and not self.keep_original:
            raise ValueError("keep the original, or choose another stored form")
        return self


class HubPreferences(BaseModel):
    """The hub's preferences as one value; connectors are named by their instance ids."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str = Field(
        default="UTC", title="Time zone", description="For reports and for devices whose files say no time zone."
    )
    country: str = Field(
        default="",
        pattern=r"^([A-Z]{2})?$",
        title="Country",
        description="Two letters, such as DE: how numbers without a country code are read.",
    )
    media: MediaPolicy = Field(default=MediaPolicy(), title="Media")
    primary_store: int | None = Field(
        default=None, title="Primary storage", description="Where a new recording is stored first."
    )
    copy_stores: tuple[int, ...] = Field(default=(), title="Copies", description="Where further copies are stored.")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone; write it as Europe/Berlin or UTC") from None
        return value

    @model_validator(mode="after")
    def _copies_are_elsewhere(self) -> "HubPreferences":
        if self.primary_store is not None and self.primary_store in self.copy_stores:
            raise ValueError("a copy belongs into another store than the primary storage")
        return self
