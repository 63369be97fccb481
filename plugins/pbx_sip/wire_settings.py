"""Settings of devices that read the traffic of others: what in it is of interest."""

import re
from pathlib import Path
from typing import Literal

from pydantic import field_validator

from hub.sdk import PluginSettings, setting

_HEADER = re.compile(r"[A-Za-z0-9!%*_+`'~.-]+")


class WireSettings(PluginSettings):
    """Where signalling is looked for, and what happens to media without it."""

    sip_ports: tuple[str, ...] = setting(
        "SIP ports",
        "On which TCP ports signalling is looked for. Over UDP it is recognised on any port.",
        default=("5060", "5061", "5062", "5080"),
        group="filter",
        min_length=1,
    )
    tls_key_log: Path | None = setting(
        "TLS keys",
        "A file with the keys of TLS connections, as programs write it for SSLKEYLOGFILE: SIP over TLS is then read.",
        default=None,
        examples=["/var/lib/recording-hub/tls-keys.log"],
        group="filter",
    )
    unsignalled: Literal["take", "leave"] = setting(
        "Media without signalling",
        "What happens to streams of speech whose signalling was not seen, because it is encrypted or came before. Such "
        "calls are known by their addresses only.",
        default="take",
        labels={"take": "Take it as calls", "leave": "Leave it"},
        group="filter",
    )

    @field_validator("tls_key_log")
    @classmethod
    def _be_absolute_path(cls, path: Path | None) -> Path | None:
        return check_absolute(path) if path is not None else None

    @field_validator("sip_ports")
    @classmethod
    def _be_sip_ports(cls, ports: tuple[str, ...]) -> tuple[str, ...]:
        return check_ports(ports)


def check_ports(ports: tuple[str, ...]) -> tuple[str, ...]:
    """The ports, each once. Raises: ValueError naming one that is none."""
    wrong = [port for port in ports if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no port; write each by its number from 1 to 65535, such as 5060")
    return tuple(dict.fromkeys(ports))


def check_headers(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of header fields, each once, without a colon behind. Raises: ValueError naming one that is none."""
    bare = [name.strip().removesuffix(":") for name in names]
    wrong = [name for name in bare if name and not _HEADER.fullmatch(name)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no name of a header field")
    return tuple(dict.fromkeys(filter(None, bare)))


def check_absolute(path: Path) -> Path:
    """The path. Raises: ValueError where it is relative."""
    if not path.is_absolute():
        raise ValueError(f"{str(path)!r} is not an absolute path; start it with /")
    return path
