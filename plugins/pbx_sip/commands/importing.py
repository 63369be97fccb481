"""`recording-hub capture import`: calls out of capture files, into the hub or into a folder."""

import json
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.sdk import BadRecording, Device
from plugins.pbx_sip.commands.handing import Tee, choose_device, follow
from plugins.pbx_sip.folder import Arrival
from plugins.pbx_sip.settings import SipCaptureSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plugins.pbx_sip.calls.recorded import RecordedCall
    from plugins.pbx_sip.packets.files import CaptureFile
    from plugins.pbx_sip.reading import Reading


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--device", metavar="NAME", help="The device whose calls these are; needed where there are several.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write each call as WAV, and what is known of it as JSON beside it, into this folder. No hub is needed.",
)
@click.option(
    "--sip-port", "ports", multiple=True, type=click.IntRange(1, 65535), help="Look for SIP over TCP here too."
)
@click.option(
    "--tls-keys",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Keys of TLS connections, as programs write them for SSLKEYLOGFILE; with --output.",
)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The hub's data folder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line for each call.")
@click.pass_context
def import_captures(  # noqa: PLR0913, PLR0917 - one option, one argument
    context: click.Context,
    files: tuple[Path, ...],
    device: str | None,
    output: Path | None,
    ports: tuple[int, ...],
    tls_keys: Path | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    """Read captures (pcap or pcapng, also compressed by gzip; - reads a pipe) and list their calls.

    Each capture is put into the folder of a device, which imports it; with --output the calls are written to a folder
    of yours instead.

    Ends with 0 if all calls were taken; 1 if a file was not read to its end, or the hub does not have its calls yet; 2
    if there is no such device.
    """
    if output is None:
        if ports or tls_keys:
            raise click.UsageError("The ports and keys of a device stand in its settings; give --output as well.")
        chosen = choose_device(context.obj, device, data)
        assert isinstance(chosen.settings, SipCaptureSettings)
        listing = _Listing(chosen.settings, None, as_json=as_json)
    elif device:
        raise click.UsageError("Give either --device or --output.")
    else:
        chosen = None
        output.mkdir(parents=True, exist_ok=True)
        settings = SipCaptureSettings(folder=output.absolute(), tls_key_log=tls_keys.absolute() if tls_keys else None)
        settings = settings.model_copy(update={"sip_ports": (*settings.sip_ports, *map(str, ports))})
        listing = _Listing(settings, output, as_json=as_json)
    is_well = True
    for path in files:
        try:
            place = _read(path, listing, chosen)
            if place and chosen:
                look = partial(choose_device, context.obj, chosen.name, data)
                is_well &= follow(place, look, listing.tell)
        except OSError as exc:
            listing.complain(f"{exc.filename or path}: {exc.strerror}")
    context.exit(0 if is_well and not listing.complaints else 1)


def _read(path: Path, listing: "_Listing", device: Device | None) -> Path | None:
    """List the calls of one capture.

    Returns: where it lies in the folder of the device. Raises: OSError.
    """
    from plugins.pbx_sip.packets.files import CaptureFile  # noqa: PLC0415 - numpy comes with it

    is_piped = str(path) == "-"
    name = f"stdin-{time.strftime('%Y%m%d-%H%M%S')}.pcap" if is_piped else path.name
    with ExitStack() as stack:
        source = stack.enter_context(open(0 if is_piped else path, "rb", buffering=0, closefd=not is_piped))
        total = None if is_piped else path.stat().st_size
        if device is None:
            listing.show(name, CaptureFile(source, bytes_total=total))
            return None
        arrival = stack.enter_context(Arrival(listing.settings.folder, name))
        tee = Tee(source, arrival.file)
        capture = CaptureFile(tee, bytes_total=total)
        listing.show(name, capture)
        if not capture.is_understood:
            return None
        tee.drain()
        return arrival.finish()


class _Listing:
    """The calls of captures as they are found, on the terminal and, where there is one, in a folder."""

    def __init__(self, settings: SipCaptureSettings, output: Path | None, *, as_json: bool) -> None:
        self.settings = settings
        self.complaints = 0
        self._output = output
        self._as_json = as_json
        self._calls = 0

    def show(self, name: str, capture: "CaptureFile") -> None:
        """List the calls of one capture."""
        from plugins.pbx_sip.commands import found  # noqa: PLC0415 - numpy and codecs come with it
        from plugins.pbx_sip.drafts.draft import make_draft  # noqa: PLC0415
        from plugins.pbx_sip.reading import Reading  # noqa: PLC0415

        self._calls = 0
        with tempfile.TemporaryDirectory(dir=self._output, prefix=".import-") as made:
            sound = Path(made) / "call.wav"
            reading = Reading(self.settings)
            for call in chain.from_iterable(self._watched(name, capture, reading)):
                try:
                    draft = make_draft(call, self.settings.number_plan, sound, name)
                except BadRecording as exc:
                    self.complain(f"{name}, call {call.dialog.call_id}: {exc}")
                    continue
                kept = found.keep(self._output, call, draft, sound) if self._output and call.lanes else None
                self.tell("")
                if self._as_json:
                    file = {"file": str(kept)} if kept else {}
                    click.echo(json.dumps({"capture": name, **found.describe(call, draft), **file}, ensure_ascii=False))
                else:
                    click.echo(
                        found.row(call, draft) if self._calls else f"{found.heading()}\n{found.row(call, draft)}"
                    )
                self._calls += 1
        self.tell("")
        if reading.note:
            self.complain(f"{name} could not be read to its end: {reading.note}")
        if not self._as_json:
            click.echo(f"{name}: {self._calls} calls")

    def tell(self, text: str) -> None:
        """Show how far it is, in place of what was shown before, where somebody watches."""
        if sys.stderr.isatty():
            click.echo(f"\r\033[K{text}", err=True, nl=False)

    def complain(self, text: str) -> None:
        """Say what went wrong."""
        self.tell("")
        self.complaints += 1
        click.echo(text, err=True)

    def _watched(self, name: str, capture: "CaptureFile", reading: "Reading") -> "Iterator[Iterator[RecordedCall]]":
        """The steps of a reading, each of which is shown."""
        for calls in reading.steps(capture):
            yield calls
            share = f"{capture.bytes_read * 100 // capture.bytes_total} %" if capture.bytes_total else "reading"
            self.tell(f"{name}: {share}, {self._calls} calls")
        yield reading.rest()
