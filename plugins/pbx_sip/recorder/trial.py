"""Whether the settings of a recorder can be used on this machine, tried for a moment."""

import errno
import socket

from hub.sdk import SettingsError
from plugins.pbx_sip.capture.ring import PacketRing
from plugins.pbx_sip.recorder.recorder import make_terms
from plugins.pbx_sip.recorder.settings import RecorderSettings


def try_settings(settings: RecorderSettings) -> str:
    """Open what the recorder would open, except ports that a recorder is using already.

    Returns: what was found, in words.
    Raises: SettingsError; CaptureDenied.
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
                    in_use.append(f"{each.transport.upper()} {each.port}")
                    continue
                field = "address" if error.errno == errno.EADDRNOTAVAIL else "ports"
                raise SettingsError(
                    f"{each.address} port {each.port} cannot be used: {error.strerror}",
                    field=field,
                    hint="Give an address of this machine, and a port above 1023 or the right to lower ones.",
                ) from error
    if settings.media_interface:
        PacketRing(settings.media_interface, blocks=2).close()
    if in_use:
        return f"In use, by this device if it runs: {', '.join(in_use)}."
    return "Address and ports are free."
