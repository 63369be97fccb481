"""The ways in: hand-off folder, SFTP fetch, SFTP server; each with what it needs."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, SecretStr, ValidationInfo, field_validator

from hub.sdk import PluginSettings, setting
from plugins.ipoffice.landing.senders import SendingServer

Topology = Literal["beside", "beside_push", "fetch", "fetch_push", "push"]
AfterPickup = Literal["move", "copy", "leave"]
EmptyAfter = Literal["spool", "primary", "copy"]

FOLDER: list[str] = ["beside", "beside_push"]
FETCH: list[str] = ["fetch", "fetch_push"]
PUSH: list[str] = ["push", "beside_push", "fetch_push"]


def check_absolute(path: str) -> str:
    """`path`, if it is absolute.

    Raises: ValueError.
    """
    if not path.startswith("/"):
        raise ValueError(f"{path!r} is not an absolute path; start it with /")
    return path


AbsolutePath = Annotated[str, AfterValidator(check_absolute)]


class WaysIn(PluginSettings):
    """How recordings of Voicemail Pro come to the hub."""

    topology: Topology = setting(
        "Where the hub stands",
        "How recordings of Voicemail Pro come to the hub. Beside it, Media Manager must be stopped: two programs that "
        "empty one folder each get half of the calls.",
        default="beside",
        labels={
            "beside": "Beside Voicemail Pro (or its folder is mounted here)",
            "beside_push": "Beside Voicemail Pro, and secondary servers push by SFTP",
            "fetch": "Elsewhere: the hub fetches by SFTP",
            "fetch_push": "Elsewhere: the hub fetches by SFTP, and secondary servers push",
            "push": "Elsewhere: every Voicemail Pro pushes by SFTP",
        },
    )
    server_name: str = setting(
        "Name of the server",
        "Which Voicemail Pro this is; shown as the origin of its recordings.",
        default="Voicemail Pro",
        min_length=1,
        max_length=100,
        shown_if={"topology": FOLDER + FETCH},
    )
    folder: AbsolutePath = setting(
        "Hand-off folder",
        "The folder in which Voicemail Pro leaves finished Voice Recording Library files.",
        default="/opt/vmpro/MM/VRL",
        widget="folder",
        shown_if={"topology": FOLDER},
    )
    after_pickup: AfterPickup = setting(
        "At pick-up",
        "What happens to a file in the hand-off folder when the hub takes it.",
        default="move",
        labels={
            "move": "Move it aside first, so that nothing else takes it; delete it when it is safe",
            "copy": "Read it in place; delete it when it is safe",
            "leave": "Read it and leave it there for ever",
        },
        shown_if={"topology": FOLDER},
    )
    empty_after: EmptyAfter = setting(
        "It is safe",
        "When the hub may delete a recording at its source.",
        default="spool",
        labels={
            "spool": "as soon as the hub holds it on its own disk",
            "primary": "when primary storage holds it",
            "copy": "only when a second storage holds it too, verified",
        },
    )
    timezone: str = setting(
        "Time zone of the PBX",
        "The zone of call times that are written without an offset; empty: the zone of this machine.",
        default="",
        examples=["Europe/Vienna", "America/Sao_Paulo"],
    )

    fetch_host: str = setting(
        "Host to fetch from",
        "Name or address of the Voicemail Pro server.",
        default="",
        shown_if={"topology": FETCH},
        validate_default=True,
    )
    fetch_port: int = setting(
        "SSH port", "Where its SSH server listens.", default=22, ge=1, le=65535, shown_if={"topology": FETCH}
    )
    fetch_login: str = setting(
        "Login",
        "A user who may read the hand-off folder, and delete from it if the source is to be emptied.",
        default="",
        shown_if={"topology": FETCH},
        validate_default=True,
    )
    fetch_password: SecretStr | None = setting(
        "Password",
        "Leave it empty to use a private key.",
        default=None,
        widget="password",
        shown_if={"topology": FETCH},
    )
    fetch_key: SecretStr | None = setting(
        "Private key",
        "An OpenSSH private key without a passphrase, instead of the password.",
        default=None,
        widget="textarea",
        shown_if={"topology": FETCH},
        validate_default=True,
    )
    fetch_host_key: str = setting(
        "Fingerprint of the host key",
        "How the server proves that it is itself, such as SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU. Leave it "
        "empty and press Test: the hub shows the fingerprint that the server offers, to be compared and entered.",
        default="",
        pattern=r"^(SHA256:[A-Za-z0-9+/]{43}=?)?$",
        shown_if={"topology": FETCH},
    )
    fetch_folder: AbsolutePath = setting(
        "Remote folder",
        "The hand-off folder as the SFTP login sees it.",
        default="/opt/vmpro/MM/VRL",
        shown_if={"topology": FETCH},
    )
    fetch_every_s: int = setting(
        "Fetch every",
        "How often the remote folder is looked into.",
        default=60,
        unit="s",
        ge=5,
        le=86_400,
        shown_if={"topology": FETCH},
    )
    fetch_delete: Literal["yes", "no"] = setting(
        "Delete fetched files there",
        "Whether a fetched file is deleted on the server, at the moment chosen under “It is safe”.",
        default="no",
        labels={"yes": "Yes, when it is safe", "no": "No, leave them"},
        shown_if={"topology": FETCH},
    )

    landing_address: str = setting(
        "Listen on",
        "Address of this machine on which the SFTP server takes pushed recordings; 0.0.0.0: all.",
        default="0.0.0.0",  # noqa: S104 - the PBX pushes from another machine
        min_length=1,
        shown_if={"topology": PUSH},
    )
    landing_port: int = setting(
        "SFTP port", "Where the SFTP server listens.", default=2022, ge=1, le=65535, shown_if={"topology": PUSH}
    )
    senders: tuple[SendingServer, ...] = setting(
        "Sending servers",
        "Which Voicemail Pro servers push recordings, and how each of them signs in.",
        default=(),
        shown_if={"topology": PUSH},
        validate_default=True,
    )
    landing_quota_mb: int = setting(
        "Room for one sender",
        "How much may lie in the landing folder of one server before further uploads are refused.",
        default=20_000,
        unit="MB",
        ge=10,
        shown_if={"topology": PUSH},
    )
    landing_partial_wait_s: int = setting(
        "Wait for broken uploads",
        "How long an upload that broke off is kept for its sender to go on, before it is taken as it is.",
        default=3600,
        unit="s",
        ge=10,
        le=604_800,
        group="advanced",
        shown_if={"topology": PUSH},
    )

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            if value:
                ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"no time zone is called {value!r}; use a name such as Europe/Vienna") from None
        return value

    @field_validator("fetch_host", "fetch_login")
    @classmethod
    def _fetching_needs_it(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("topology") in FETCH and not value:
            raise ValueError("is needed to fetch by SFTP")
        return value

    @field_validator("fetch_key")
    @classmethod
    def _fetching_needs_a_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("topology") in FETCH and not value and not info.data.get("fetch_password"):
            raise ValueError("give a password or a private key")
        return value

    @field_validator("senders")
    @classmethod
    def _senders_can_sign_in(cls, value: tuple[SendingServer, ...], info: ValidationInfo) -> tuple[SendingServer, ...]:
        logins = [sender.login for sender in value]
        if info.data.get("topology") in PUSH and not value:
            raise ValueError("name at least one sending server")
        if double := {login for login in logins if logins.count(login) > 1}:
            raise ValueError(f"two servers have the login {min(double)}")
        if mute := [sender.name for sender in value if not sender.can_sign_in]:
            raise ValueError(f"{mute[0]} has neither a password nor a public key")
        return value
