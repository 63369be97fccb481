"""`recording-hub capture import`: calls out of capture files, into the hub or into a folder."""

import json
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hub.sdk import BadRecording, Device
from plugins.pbx_sip.commands.handing import Tee, choose_device, follow
from plugins.pbx_sip.folder import Arrival, counted, series_of
from plugins.pbx_sip.settings import SipCaptureSettings
from plugins.pbx_sip.sip.text import make_readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hub.sdk import RecordingDraft
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
    of yours instead. Captures that a tool wrote one after the other are read as one.

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
    look = partial(choose_device, context.obj, chosen.name if chosen else None, data)
    ordered = sorted(files, key=lambda path: counted(path.name))
    with ExitStack() as stack:
        arrivals: list[Arrival] = []  # come into the folder together, where the device is to see that they go on
        for path, following in zip_longest(ordered, ordered[1:]):
            with listing.complaining(path):
                arrivals += _read(path, listing, chosen, stack)
            with listing.complaining(path):
                if listing.end(path, following):
                    continue
            with listing.complaining(path):
                places, arrivals = [each.finish() for each in arrivals], []
                for place in places:
                    is_well &= follow(place, look, listing.tell, listing.say)
    context.exit(0 if is_well and not listing.complaints else 1)


def _read(path: Path, listing: "_Listing", device: Device | None, stack: ExitStack) -> list[Arrival]:
    """List the calls of one capture, but for those that go on at its end.

    Returns: it on its way into the folder of the device, if there is one, in which `stack` keeps it. Raises: OSError.
    """
    from plugins.pbx_sip.packets.files import CaptureFile  # noqa: PLC0415 - numpy comes with it

    is_piped = str(path) == "-"
    name = f"stdin-{time.strftime('%Y%m%d-%H%M%S')}.pcap" if is_piped else path.name
    with open(0 if is_piped else path, "rb", buffering=0, closefd=not is_piped) as source:
        total = None if is_piped else path.stat().st_size
        if device is None:
            listing.show(name, CaptureFile(source, bytes_total=total))
            return []
        arrival = stack.enter_context(Arrival(listing.settings.folder, name))
        tee = Tee(source, arrival.file)
        capture = CaptureFile(tee, bytes_total=total)
        listing.show(name, capture)
        if not capture.is_understood:
            return []
        tee.drain()
        return [arrival]


class _Listing:
    """The calls of captures as they are found, on the terminal and, where there is one, in a folder."""

    def __init__(self, settings: SipCaptureSettings, output: Path | None, *, as_json: bool) -> None:
        self.settings = settings
        self.complaints = 0
        self._output = output
        self._as_json = as_json
        self._calls = 0
        self._name = ""
        self._reading: Reading | None = None

    def show(self, name: str, capture: "CaptureFile") -> None:
        """List the calls of one capture that end in it."""
        from plugins.pbx_sip.reading import Reading, advise  # noqa: PLC0415 - numpy and codecs come with it

        self._calls, self._name = 0, name
        self._reading = self._reading or Reading(self.settings)
        self._list(name, chain.from_iterable(self._watched(name, capture, self._reading)))
        if self._reading.note:
            note = self._reading.note
            self.complain(f"{name} could not be read to its end: {note} {advise(note)}")

    def end(self, path: Path, following: Path | None) -> bool:
        """Whether a capture goes on in the following one; list the calls that went on at its end where it does not.

        Raises: OSError.
        """
        from plugins.pbx_sip.packets.files import read_first_time  # noqa: PLC0415 - numpy comes with it

        reading, goes_on = self._reading, False
        if following is not None and following.is_file() and series_of(path.name) == series_of(following.name):
            first_ns = read_first_time(following)
            goes_on = first_ns is not None and reading is not None and reading.goes_on(first_ns)
        if reading is not None and not goes_on:
            self._reading = None
            self._list(self._name or path.name, reading.rest())
        if self._name and not self._as_json:
            click.echo(f"{self._name}: {_count_calls(self._calls)}")
        self._name = ""
        return goes_on

    def _list(self, name: str, calls: "Iterable[RecordedCall]") -> None:
        from plugins.pbx_sip.commands import found  # noqa: PLC0415 - numpy and codecs come with it

        with tempfile.TemporaryDirectory(dir=self._output, prefix=".import-") as made:
            sound = Path(made) / "call.wav"
            for found_call in calls:
                try:
                    call, draft = self._draft(found_call, sound, name)
                except BadRecording as exc:
                    self.complain(f"{name}, call {found_call.dialog.call_id}: {exc}")
                    continue
                if call.failure:
                    self.complain(f"{name}, call {call.dialog.call_id}: {call.why_unheard}")
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

    def _draft(self, call: "RecordedCall", sound: Path, name: str) -> "tuple[RecordedCall, RecordingDraft]":
        """The draft of a call; of one that cannot be put together, with what is left of it."""
        from plugins.pbx_sip.drafts.draft import make_draft  # noqa: PLC0415 - numpy and codecs come with it

        try:
            return call, make_draft(call, self.settings.number_plan, sound, name)
        except (BadRecording, OSError):
            raise
        except Exception as exc:  # noqa: BLE001 - our own fault over one call must not keep back the others
            failed = call.as_failed(exc)
            return failed, make_draft(failed, self.settings.number_plan, sound, name)

    def tell(self, text: str) -> None:
        """Show how far it is, in place of what was shown before, where somebody watches."""
        if sys.stderr.isatty():
            click.echo(f"\r\033[K{text}", err=True, nl=False)

    def say(self, text: str) -> None:
        """Say what became of calls, to people."""
        click.echo(text, err=self._as_json)

    def complain(self, text: str) -> None:
        """Say what went wrong."""
        self.tell("")
        self.complaints += 1
        click.echo(make_readable(text), err=True)

    @contextmanager
    def complaining(self, path: Path) -> "Iterator[None]":
        """What cannot be read or written is said, and the next capture comes."""
        try:
            yield
        except OSError as exc:
            self.complain(f"{exc.filename or path}: {exc.strerror}")

    def _watched(self, name: str, capture: "CaptureFile", reading: "Reading") -> "Iterator[Iterator[RecordedCall]]":
        """The steps of a reading, each of which is shown."""
        for calls in reading.steps(capture):
            yield calls
            share = f"{capture.bytes_read * 100 // capture.bytes_total} %" if capture.bytes_total else "reading"
            self.tell(f"{name}: {share}, {_count_calls(self._calls)}")


def _count_calls(calls: int) -> str:
    return "1 call" if calls == 1 else f"{calls} calls"
