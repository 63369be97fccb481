"""Settings of a SIP recorder: where telephone systems send their recording sessions."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import ClassVar, Self

from pydantic import SecretStr, field_validator, model_validator

from hub.sdk import SettingsError, setting
from plugins.pbx_sip.engine.settings import LiveSettings
from plugins.pbx_sip.wire_settings import check_absolute, check_ports

_BROADCAST = ip_address("255.255.255.255")


class RecorderSettings(LiveSettings):
    """Where recording sessions come in, from whom, and where their media goes."""

    settings_version: ClassVar[int] = 1

    address: str = setting(
        "Address",
        "On which address of this machine telephone systems find the recorder; 0.0.0.0 for all, :: for IPv6 too.",
        default="0.0.0.0",  # noqa: S104 - a recorder is there for other machines
        examples=["192.168.0.98"],
    )
    ports: tuple[str, ...] = setting(
        "SIP ports",
        "UDP and TCP ports of the recorder, such as 5060 or 5566.",
        default=("5060",),
        examples=["5060", "5566"],
        min_length=1,
        max_length=8,
    )
    allowed_peers: tuple[str, ...] = setting(
        "Telephone systems",
        "Addresses or networks that may send recording sessions; everybody else gets 403 and raises an alarm.",
        default=(),
        examples=["192.168.42.1", "10.20.0.0/16"],
    )
    serial_number: str = setting(
        "Serial number of the PBX",
        "With which it registers here; its lamp lights when it has. Empty: it need not register.",
        default="",
        examples=["F1816D8AE90366A15"],
        max_length=64,
    )
    secret: SecretStr = setting(
        "Secret",
        "With which the telephone system proves who it is when it registers or is not on the list above.",
        default=SecretStr(""),
        widget="password",
    )
    tls_port: int = setting("TLS port", "For SIP over TLS, mostly 5061; 0: not used.", default=0, ge=0, le=65535)
    tls_certificate: str = setting(
        "Certificate file", "PEM file with the recorder's certificate and its chain.", default="", group="connection"
    )
    tls_key: str = setting("Key file", "PEM file with the key of the certificate.", default="", group="connection")
    tls_clients: str = setting(
        "Clients' authority",
        "PEM file of the authority whose certificates clients must show; empty: none is asked for.",
        default="",
        group="connection",
    )
    tls_names: tuple[str, ...] = setting(
        "Names in certificates",
        "Clients that show one of these names in their certificate may send sessions from anywhere.",
        default=(),
        examples=["sbc.example.com"],
    )
    advertised: str = setting(
        "Address for the telephone system",
        "The recorder's address as the telephone system has to use it, where that is another one (NAT); empty: the one "
        "that it reached.",
        default="",
        group="advanced",
    )
    rtp_first: int = setting(
        "First media port",
        "Where the range of ports for media begins.",
        default=20_000,
        ge=1024,
        le=65_000,
        group="media",
    )
    rtp_last: int = setting(
        "Last media port",
        "UDP ports for media are taken from this range, four for each call of two streams.",
        default=39_999,
        ge=1025,
        le=65_535,
        group="media",
    )
    media_interface: str = setting(
        "Interface for media",
        "Media is read straight off this interface, which takes several thousand calls more than ordinary sockets and "
        "the right to open raw sockets; empty: ordinary sockets.",
        default="",
        examples=["eth0"],
        group="media",
        max_length=15,
    )
    workers: int = setting(
        "Capture workers",
        "How many processes share the media of an interface; one does for about 5,000 calls.",
        default=1,
        ge=1,
        le=16,
        group="advanced",
    )
    calls_max: int = setting(
        "Calls at the same time",
        "More than these get 503, so that the telephone system turns to its next recorder.",
        default=5_000,
        ge=1,
        le=30_000,
        group="advanced",
    )
    asks_after_s: float = setting(
        "A call without media is asked after",
        "When nothing was heard of a call for so long that is not on hold, its telephone system is asked whether it "
        "still knows it; where it does not, or gives no answer for 32 s, the call ends with what was heard last. "
        "0: never.",
        default=60.0,
        unit="s",
        ge=0,
        le=18_000,
        group="advanced",
    )
    silence_s: float = setting(
        "Alarm after silence of",
        "The telephone system counts as away when it was silent for so long: no registration, OPTIONS or call; 0: "
        "never.",
        default=0.0,
        unit="s",
        ge=0,
        le=86_400,
        group="advanced",
    )
    ping_host: str = setting(
        "Ping",
        "Address of the telephone system, which is pinged to tell a power failure from silence; it must answer pings. "
        "Empty: none.",
        default="",
        group="advanced",
    )

    @field_validator("address", "advertised", "ping_host")
    @classmethod
    def _be_address(cls, text: str) -> str:
        if text:
            try:
                address = ip_address(text)
            except ValueError:
                raise ValueError(f"{text!r} is no IP address; give one such as 192.168.42.1") from None
            if address.is_multicast or address == _BROADCAST:
                raise ValueError(f"{text!r} is an address of many machines; give that of one, such as 192.168.42.1")
        return text

    @field_validator("advertised", "ping_host")
    @classmethod
    def _be_somewhere(cls, text: str) -> str:
        if text and ip_address(text).is_unspecified:
            raise ValueError(f"{text!r} is the address of no machine; give that of one, such as 192.168.42.1")
        return text

    @field_validator("ports")
    @classmethod
    def _be_ports(cls, ports: tuple[str, ...]) -> tuple[str, ...]:
        return check_ports(ports)

    @field_validator("allowed_peers")
    @classmethod
    def _be_networks(cls, peers: tuple[str, ...]) -> tuple[str, ...]:
        for peer in peers:
            try:
                ip_network(peer, strict=False)
            except ValueError:
                raise ValueError(f"{peer!r} is neither an address nor a network such as 10.20.0.0/16") from None
        return peers

    @field_validator("tls_certificate", "tls_key", "tls_clients")
    @classmethod
    def _be_path(cls, text: str) -> str:
        return str(check_absolute(Path(text))) if text else ""

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        for wrong in self._find_misfits():
            raise wrong
        return self

    def _find_misfits(self) -> Iterator[SettingsError]:
        """What only shows when several fields are looked at."""
        if self.tls_port and not (self.tls_certificate and self.tls_key):
            yield SettingsError(
                "TLS needs a certificate and its key; give both files, or TLS port 0.", field="tls_certificate"
            )
        if self.tls_port and str(self.tls_port) in self.ports:
            yield SettingsError(
                f"{self.tls_port} is among the SIP ports; give another one, mostly 5061.", field="tls_port"
            )
        if self.tls_names and not (self.tls_port and self.tls_clients):
            yield SettingsError(
                "Certificates are looked at over TLS only; give TLS port and Clients' authority as well.",
                field="tls_names",
            )
        if self.rtp_last < self.rtp_first:
            yield SettingsError(f"The last media port is below the first one, {self.rtp_first}.", field="rtp_last")
        elif self.rtp_last - self.rtp_first < 3:
            yield SettingsError("The media ports must be four at least.", field="rtp_last")
        if not (self.allowed_peers or self.tls_names or self.secret.get_secret_value()):
            yield SettingsError(
                "Nobody could send sessions; name the telephone systems, or give a secret.", field="allowed_peers"
            )
