"""The way of a capture from the command line to a device: which device, into its folder, until it is imported."""

import time
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO

import click

from hub.sdk import Device, FindDevices
from plugins.pbx_sip.folder import Found, memory_key

_LOOK_S = 0.5
_CHUNK_BYTES = 1 << 20


def choose_device(find_devices: FindDevices, name: str | None, data: Path | None) -> Device:
    """The device of this name, or the only one that reads captures.

    Raises: click.UsageError.
    """
    devices = find_devices("pbx_sip", data)
    if not devices:
        hint = "Add one (SIP capture files) on the page Devices, or give --output."
        raise click.UsageError(f"No device of this hub reads captures. {hint}")
    chosen = [device for device in devices if name in {None, device.name}]
    if len(chosen) != 1:
        names = ", ".join(repr(device.name) for device in devices)
        problem = f"There is no device {name!r}" if name and not chosen else "Several devices read captures"
        raise click.UsageError(f"{problem}; choose with --device: {names}.")
    return chosen[0]


class Tee:
    """A stream of which all that is read is written to a file as well."""

    def __init__(self, source: RawIOBase, copy: BinaryIO) -> None:
        self._source = source
        self._copy = copy

    def readinto(self, buffer: memoryview, /) -> int:
        """Put some bytes into a buffer; their number, 0 at the end."""
        count = self._source.readinto(buffer) or 0
        self._copy.write(buffer[:count])
        return count

    def close(self) -> None:
        """Let go of the stream; the file stays open."""
        self._source.close()

    def drain(self) -> None:
        """Read what nobody asked for."""
        buffer = memoryview(bytearray(_CHUNK_BYTES))
        while self.readinto(buffer):
            pass


def follow(place: Path, look: Callable[[], Device], tell: Callable[[str], None], say: Callable[[str], None]) -> bool:
    """Wait until the hub has the calls of a capture in its folder; whether it has all of them.

    tell: how far it is. say: what became of the calls.
    """
    device = look()
    while device.is_running:
        known = device.recall(memory_key(place.name))
        if known is not None or not place.exists():
            tell("")
            if known is not None:
                say(f"{place.name}: {Found(*known[3:])}")
            return not (known and known[2])
        tell(f"{device.name}: {device.health.summary}")
        time.sleep(_LOOK_S)
        device = look()
    tell("")
    text = f"{device.name} does not run now; {place} is imported as soon as it does: recording-hub serve"
    click.echo(text, err=True)
    return False
