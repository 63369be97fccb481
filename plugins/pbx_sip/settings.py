"""Settings of a SIP capture device: where captures are found, and what is read in them."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import field_validator

from hub.sdk import setting
from plugins.pbx_sip.number_settings import NumberSettings


class SipCaptureSettings(NumberSettings):
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
        "What happens to streams of speech whose signalling is not in the capture, because it is encrypted or came "
        "before. Such calls are known by their addresses only.",
        default="take",
        labels={"take": "Take it as calls", "leave": "Leave it"},
        group="filter",
    )
    headers: tuple[str, ...] = setting(
        "Kept header fields",
        "SIP header fields that are kept with a recording, beside the usual ones and all whose names begin with X-.",
        default=(),
        examples=["P-Charging-Vector"],
        group="filter",
    )

    @field_validator("folder", "tls_key_log")
    @classmethod
    def _be_absolute(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_absolute():
            raise ValueError(f"{str(path)!r} is not an absolute path; start it with /")
        return path

    @field_validator("sip_ports")
    @classmethod
    def _be_ports(cls, ports: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [port for port in ports if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no port; ports are 1 to 65535")
        return ports
