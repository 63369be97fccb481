"""What is set before the hub starts, and what administrators prefer once it runs."""

from hub.config.config import HubConfig, load_config
from hub.config.errors import ConfigError, SecretError
from hub.config.policy import HubPreferences, MediaPolicy, StoredForm, Verification

__all__ = [
    "ConfigError",
    "HubConfig",
    "HubPreferences",
    "MediaPolicy",
    "SecretError",
    "StoredForm",
    "Verification",
    "load_config",
]
