"""What an administrator may set before the hub starts: environment first, then hub.toml, then defaults."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from hub.config import paths
from hub.config.errors import ConfigError

PREFIX = "RECORDING_HUB_"
_ONLY_IN_ENVIRONMENT = {"data", "secret_key"}  # hub.toml lies in the data folder; a secret belongs in no such file
_NEAR = 0.7


class HubConfig(BaseModel):
    """The configuration of one hub; made by `load_config`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Field(description="Folder for all that the hub keeps: catalog, spool, recordings, keys.")
    database_url: str = Field(
        default="",
        repr=False,
        description="Catalog database: `sqlite:///PATH`, or `postgresql://USER:PASSWORD@HOST/NAME`. "
        "Empty: SQLite in the data folder.",
    )
    bind: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on; `0.0.0.0` for all of IPv4.")
    port: int = Field(default=8080, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    public_url: str = Field(
        default="",
        description="Address that people type, such as `https://recordings.example.com` behind a TLS proxy. "
        "Empty: made from address and port.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks of proxies, with commas between, whose `X-Forwarded-For` says where a "
        "request came from.",
    )
    session_idle_s: int = Field(
        default=1800, ge=60, le=86_400, description="Seconds after which a browser that nobody uses is signed out."
    )
    session_absolute_s: int = Field(
        default=43_200, ge=300, le=604_800, description="Seconds after which a browser is signed out in any case."
    )
    api_requests_per_minute: int = Field(
        default=1200, ge=1, le=1_000_000, description="How many requests one API token may make in a minute."
    )
    log: Literal["console", "json"] = Field(default="console", description="Log lines for people or for machines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="Master key for stored secrets, 32 bytes in base64; several with spaces between: the first seals, "
        "the others still open. Without it the hub makes `secrets.key` in the data folder.",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: dict[str, Any]) -> dict[str, Any]:
        """What follows from other settings, where it is not set itself."""
        given = {key: value for key, value in values.items() if value != ""}
        data = Path(os.path.abspath(Path(given["data"]).expanduser()))  # noqa: PTH100 - a link to the folder stays
        follows = {
            "database_url": f"sqlite:///{data / 'catalog.sqlite3'}",
            "public_url": _local_url(given.get("bind", "127.0.0.1"), given.get("port", 8080)),
        }
        return follows | given | {"data": data}

    @field_validator("public_url")
    @classmethod
    def _url_without_path(cls, value: str) -> str:
        url = value.rstrip("/")
        if url and (not url.startswith(("http://", "https://")) or url.count("/") > 2):
            raise ValueError("give it as http://HOST or https://HOST, without a path")
        return url

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in value:
            try:
                ip_network(proxy)
            except ValueError:
                raise ValueError(f"{proxy} is no address or network such as 127.0.0.1 or 10.0.0.0/8") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("give it as sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME") from None
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        if url.drivername not in ("sqlite", "postgresql+psycopg"):
            raise ValueError(f"{url.drivername} is not supported: use sqlite or postgresql")
        return url.render_as_string(hide_password=False)

    @property
    def spool(self) -> Path:
        """Recordings on their way in."""
        return self.data / "spool"

    @property
    def storage(self) -> Path:
        """The primary storage that a fresh hub starts with."""
        return self.data / "storage"

    @property
    def scratch(self) -> Path:
        """One folder per plug-in instance, for its unfinished files."""
        return self.data / "scratch"

    @property
    def state(self) -> Path:
        """One small database per plug-in instance: its own memory."""
        return self.data / "state"

    @property
    def uploads(self) -> Path:
        """Files that people uploaded for a device, until the device has taken them over."""
        return self.data / "uploads"

    @property
    def run(self) -> Path:
        """What matters only while the hub runs."""
        return self.data / "run"

    @property
    def secrets_key_file(self) -> Path:
        """The master key, readable by the hub alone."""
        return self.data / "secrets.key"

    @property
    def command_socket(self) -> Path:
        """Where the supervisor takes commands."""
        return paths.command_socket(self.data)

    @property
    def database_shown(self) -> str:
        """The database's address without its password, for people and logs."""
        return make_url(self.database_url).render_as_string(hide_password=True)

    @property
    def https(self) -> bool:
        """Whether people reach the hub through TLS."""
        return self.public_url.startswith("https://")

    def listening_on(self, bind: str = "", port: int | None = None) -> Self:
        """This configuration with another address or port; an address for people that was given stays.

        With port 0 the system chooses one: call this again once it is known.
        """
        new_bind, new_port = bind or self.bind, self.port if port is None else port
        update: dict[str, object] = {"bind": new_bind, "port": new_port}
        if self.public_url == _local_url(self.bind, self.port):
            update["public_url"] = _local_url(new_bind, new_port)
        return self.model_copy(update=update)

    def make_folders(self) -> None:
        """Make every folder the hub needs, for its own user alone.

        Raises: ConfigError.
        """
        for folder in (self.data, self.storage, self.scratch, self.state, self.uploads, self.run):
            paths.make_folder(folder)
        paths.make_socket_folder(self.command_socket)


def _local_url(bind: str, port: int | str) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(bind, f"[{bind}]" if ":" in bind else bind)  # noqa: S104
    return f"http://{host}" if str(port) == "80" else f"http://{host}:{port}"


def load_config(environ: Mapping[str, str] = os.environ, data: Path | None = None) -> HubConfig:
    """The configuration from the environment and from hub.toml in the data folder.

    data: beats RECORDING_HUB_DATA.
    Raises: ConfigError naming the key and where it was set.
    """
    from_environ = _from_environ(environ)
    folder = data or Path(from_environ.get("data") or paths.default_data_folder(environ))
    file = folder.expanduser() / "hub.toml"
    from_file = _from_file(file)
    values = from_file | from_environ | {"data": folder}
    try:
        return HubConfig.model_validate(values)
    except ValidationError as exc:
        problem = exc.errors(include_url=False, include_input=False)[0]
        key = str(problem["loc"][0])
        place = PREFIX + key.upper() if key in from_environ else f"{key} in {file}"
        text = problem["msg"].removeprefix("Value error, ")
        text = text[:1].lower() + text[1:]
        raise ConfigError(f"{place}: {text}.", key=key, hint=HubConfig.model_fields[key].description or "") from None


def _from_environ(environ: Mapping[str, str]) -> dict[str, str]:
    values = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX).lower()
        if key in HubConfig.model_fields:
            if value:
                values[key] = value
        elif near := _nearest(key):
            raise ConfigError(
                f"{name} is not a setting of the hub.", key=key, hint=f"Did you mean {PREFIX}{near.upper()}?"
            )
    return values


def _from_file(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as exc:
        raise ConfigError(f"{file} cannot be read: {exc.strerror}.", hint="Let the hub's user read it.") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{file} is not valid TOML: {exc}.", hint='Write one `key = "value"` per line.') from exc
    for key in values:
        if key in _ONLY_IN_ENVIRONMENT:
            raise ConfigError(
                f"{key} cannot be set in {file}.", key=key, hint=f"Set {PREFIX}{key.upper()} in the environment."
            )
        if key not in HubConfig.model_fields:
            near = _nearest(key)
            hint = f"Did you mean {near}?" if near else "Known keys: " + ", ".join(sorted(HubConfig.model_fields))
            raise ConfigError(f"{key} in {file} is not a setting of the hub.", key=key, hint=hint)
    return values


def _nearest(key: str) -> str:
    return next(iter(difflib.get_close_matches(key, HubConfig.model_fields, n=1, cutoff=_NEAR)), "")
