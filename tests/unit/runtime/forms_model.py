"""A settings model with one of everything, for the tests of forms."""

from enum import Enum
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator, model_validator

from hub.sdk import PluginSettings, SettingsError, setting


class Codec(Enum):
    OPUS = "opus"
    WAV = "wav"


class Server(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = setting("Name", "How it is called.")
    port: int = setting("Port", "Where it listens.", default=22, ge=1, le=65535)
    password: SecretStr | None = setting("Password", "Its own.", default=None)
    trusted: bool = setting("Trusted", "Whether it may write.", default=False)


class Everything(PluginSettings):
    settings_version = 3

    folder: Path = setting("Folder", "Where files arrive.", widget="folder", examples=["/opt/vmpro/MM/VRL"])
    name: str = setting("Name", "What to call it.", default="recorder", min_length=2, max_length=12, pattern="^[a-z]*$")
    note: str = setting("Note", "Anything.", default="", widget="textarea", group="advanced")
    age_s: float = setting("Age", "How old a file must be.", default=5.0, unit="s", ge=0, le=600)
    count: int = setting("Count", "How many at once.", default=4, gt=0, lt=100, group="advanced")
    mode: Literal["move", "copy", "leave"] = setting(
        "Mode", "What happens then.", default="move", labels={"move": "Move | take", "leave": "Leave in place"}
    )
    rate: Literal[8000, 16000] = setting("Rate", "Samples a second.", default=8000, unit="Hz")
    codecs: tuple[Codec, ...] = setting("Codecs", "Which are taken.", default=(Codec.OPUS,))
    patterns: list[str] = setting("Patterns", "One per line.", default=["*.wav"])
    watch: bool = setting("Watch", "Look at once.", default=True)
    limit: int | None = setting("Limit", "Stop after.", default=None)
    password: SecretStr = setting("Password", "For the server.", default=SecretStr(""), shown_if={"mode": ["copy"]})
    token: SecretStr | None = setting("Token", "Another way in.", default=None)
    servers: tuple[Server, ...] = setting("Servers", "Who may send.", default=())

    @field_validator("folder")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        if not value.is_absolute():
            raise ValueError("give the whole path, from / on")
        return value

    @model_validator(mode="after")
    def _no_copy_without_password(self) -> "Everything":
        if self.mode == "copy" and not self.password.get_secret_value():
            raise SettingsError("To copy, a password is needed.", field="password", hint="Enter it.")
        return self

    @classmethod
    def upgrade(cls, stored: dict[str, Any], from_version: int) -> dict[str, Any]:
        if from_version < 2:
            stored["folder"] = stored.pop("path")
        if from_version < 3:
            stored.pop("gone")
        return stored
