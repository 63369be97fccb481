"""The servers that may push recordings: how they sign in."""

import re
from base64 import b64decode
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, field_validator

from hub.sdk import setting

KEY = re.compile(r"(?P<kind>ssh-ed25519|ssh-rsa|ecdsa-sha2-\S+|sk-\S+) (?P<data>[A-Za-z0-9+/=]+)( .*)?")


def _check_key(key: str) -> str:
    key = " ".join(key.split())
    if key and not _is_public_key(key):
        raise ValueError("this is no OpenSSH public key; it begins with ssh-ed25519, ssh-rsa or ecdsa-sha2-")
    return key


def _is_public_key(key: str) -> bool:
    """Whether the key's bytes begin with its kind, as RFC 4253 section 6.6 has it."""
    match = KEY.fullmatch(key)
    if not match:
        return False
    try:
        data = b64decode(match["data"], validate=True)
    except ValueError:
        return False
    kind = match["kind"].encode()
    return len(data) > 4 + len(kind) and data[: 4 + len(kind)] == len(kind).to_bytes(4) + kind


class SendingServer(BaseModel):
    """One Voicemail Pro server that pushes recordings, and how it signs in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = setting("Name", "Shown as the origin of its recordings.", min_length=1, max_length=100)
    login: str = setting(
        "Login", "Its user name here.", pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", min_length=1, max_length=64
    )
    public_key: Annotated[str, AfterValidator(_check_key)] = setting(
        "Public key", "One line of OpenSSH, if it signs in with a key.", default="", max_length=10_000
    )
    password: SecretStr | None = setting(
        "Password", "If it signs in with a password.", default=None, widget="password", validate_default=True
    )

    @field_validator("password")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value and len(value.get_secret_value()) < 8:
            raise ValueError("a password of less than 8 characters is guessed in no time")
        return value

    @property
    def can_sign_in(self) -> bool:
        """Whether it has a password or a key."""
        return bool(self.public_key or self.password)
