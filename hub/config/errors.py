"""What can be wrong with the configuration."""

from hub.errors import HubError


class ConfigError(HubError):
    """A setting is wrong; `key` names it as it is written in hub.toml ("" where none is to blame)."""

    def __init__(self, message: str, *, key: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.key = key


class SecretError(HubError):
    """A secret cannot be sealed or opened with the keys at hand."""
