"""Whether the settings of a recorder can be used on this machine, tried for a moment."""

import errno
import socket

from hub.sdk import SettingsError
from plugins.pbx_sip.capture.errors import CaptureDenied, NoInterface
from plugins.pbx_sip.capture.holders import find_holders, is_sibling, name_device
from plugins.pbx_sip.capture.ring import PacketRing
from plugins.pbx_sip.recorder.recorder import make_terms
from plugins.pbx_sip.recorder.settings import RecorderSettings
from plugins.pbx_sip.recorder.terms import ListenAt


def try_settings(settings: RecorderSettings) -> str:
    """Open what the recorder would open, except ports that a recorder is using already.

    Returns: what was found, in words.
    Raises: SettingsError.
    """
    terms = make_terms(settings)
    in_use = []
    for each in terms.listen:
        kind = socket.SOCK_DGRAM if each.transport == "udp" else socket.SOCK_STREAM
        family = socket.AF_INET6 if ":" in each.address else socket.AF_INET
        with socket.socket(family, kind) as trial:
            if kind == socket.SOCK_STREAM:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((each.address, each.port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    in_use.append(_name_in_use(each, kind))
                    continue
                field = "address" if error.errno == errno.EADDRNOTAVAIL else "ports"
                raise SettingsError(
                    f"{each.address} port {each.port} cannot be used: {error.strerror}",
                    field=field,
                    hint="Give an address of this machine, and a port above 1023 or the right to lower ones.",
                ) from error
    sockets = _try_interface(settings.media_interface) if settings.media_interface else ""
    if in_use:
        ports = ", ".join(in_use)
        return (
            f"A device of this hub uses {ports}: this one if it runs already; if it is another, give another port."
            f"{sockets}"
        )
    return f"Address and ports are free.{sockets}"


def _try_interface(name: str) -> str:
    """What it costs that an interface cannot be captured from, "" if it can. Raises: SettingsError."""
    try:
        PacketRing(name, blocks=2).close()
    except CaptureDenied as denied:
        return f" Media comes through ordinary sockets, which cost several times as much: {denied}. {denied.hint}"
    except NoInterface as error:
        raise SettingsError(str(error), field="media_interface", hint=error.hint) from error
    return ""


def _name_in_use(place: ListenAt, kind: socket.SocketKind) -> str:
    """The name of a port that a recorder has. Raises: SettingsError if another program has it."""
    name = f"{place.transport.upper()} {place.port}"
    holders = find_holders(kind, place.port)
    if holders and any(is_sibling(process) for process in holders):
        devices = [device for device in map(name_device, holders) if device]
        return f"{name} ({devices[0]})" if devices else name
    held_by = f"process {holders[0]}" if holders else "another program"
    raise SettingsError(
        f"{name} is in use by {held_by}, which is no device of this hub.",
        field="tls_port" if place.transport == "tls" else "ports",
        hint=f"End that program, or give another port; `ss -lnp 'sport = {place.port}'` names it.",
    )
