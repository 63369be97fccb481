"""Why packets of the network cannot be taken in, each with a way out."""

from collections.abc import Iterable

from hub.sdk import SettingsError

_SENTENCES = {"denied": "the hub's user may not capture packets"}
_HINTS = {
    "denied": "Grant CAP_NET_RAW: AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN in the systemd unit, or "
    "`setcap cap_net_raw,cap_net_admin+ep` on the Python interpreter of the hub's own environment, which "
    "`readlink -f .venv/bin/python` names.",
    "interfaces": "The interfaces of this machine: {names}.",
    "nothing": "This machine has no network interface that can be captured from.",
}


class CaptureDenied(SettingsError):
    """The process may not open raw sockets."""

    def __init__(self) -> None:
        super().__init__(_SENTENCES["denied"], field="interface", hint=_HINTS["denied"])


class NoInterface(SettingsError):
    """No network interface of this name can be captured from."""

    def __init__(self, reason: str, there_are: Iterable[str]) -> None:
        names = ", ".join(there_are)
        hint = _HINTS["interfaces" if names else "nothing"].format(names=names)
        super().__init__(reason, field="interface", hint=hint)


class BadExpression(SettingsError):
    """The text is no filter expression, or it cannot be compiled here."""

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(reason, field="expression", hint=hint)


class NoCompiler(BadExpression):
    """Filter expressions cannot be compiled on this machine."""
