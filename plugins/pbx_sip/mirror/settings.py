"""Settings of a mirror."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import field_validator

from hub.sdk import setting
from plugins.pbx_sip.engine.settings import LiveSettings


class MirrorSettings(LiveSettings):
    """Where the copy of the traffic arrives, and what in it is of interest."""

    settings_version: ClassVar[int] = 1

    interface: str = setting(
        "Network interface",
        "On which interface of this machine the mirrored traffic arrives (the target of a SPAN or monitor port, or of "
        "a tunnel that ends here).",
        examples=["eth1"],
        min_length=1,
        max_length=15,
    )
    expression: str = setting(
        "Filter",
        "What of the traffic is looked at, as tcpdump has it; empty: all. It must let signalling and media pass, and "
        "fragments.",
        default="",
        examples=["net 10.20.0.0/16 and (udp or tcp)"],
        group="filter",
        max_length=2000,
    )
    sip_ports: tuple[str, ...] = setting(
        "SIP ports",
        "On which TCP ports signalling is looked for. Over UDP it is recognised on any port.",
        default=("5060", "5061", "5062", "5080"),
        group="filter",
        min_length=1,
    )
    tls_key_log: str = setting(
        "TLS keys",
        "A file to which the telephone system writes the keys of its TLS connections (SSLKEYLOGFILE): SIP over TLS is "
        "then read as well.",
        default="",
        group="filter",
    )
    unsignalled: Literal["take", "leave"] = setting(
        "Media without signalling",
        "What happens to speech whose signalling was not seen, because it is encrypted or came before. Such calls are "
        "known by their addresses only.",
        default="take",
        labels={"take": "Record it", "leave": "Leave it"},
        group="filter",
    )
    workers: int = setting(
        "Capture workers",
        "How many processes share the packets; one does for about 5,000 calls.",
        default=1,
        ge=1,
        le=16,
        group="advanced",
    )

    @field_validator("tls_key_log")
    @classmethod
    def _be_path(cls, text: str) -> str:
        if text and not Path(text).is_absolute():
            raise ValueError(f"{text!r} is not an absolute path; start it with /")
        return text

    @field_validator("sip_ports")
    @classmethod
    def _be_ports(cls, ports: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [port for port in ports if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no port; ports are 1 to 65535")
        return ports
