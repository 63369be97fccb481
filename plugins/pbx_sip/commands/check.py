"""`recording-hub capture check`: can calls be captured here, and how many?"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from plugins.pbx_sip.capture.capacity import Capacity
    from plugins.pbx_sip.capture.host import Finding

_SIGNS = {"good": ("good   ", "green"), "fair": ("fair   ", "yellow"), "bad": ("BAD    ", "red")}


@click.command("check")
@click.option("--interface", metavar="NAME", help="The network interface to capture from.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where sound is to be written; 64 MB are, for at most two seconds, and taken away again.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document for scripts.")
@click.pass_context
def check(context: click.Context, interface: str | None, folder: Path | None, *, as_json: bool) -> None:
    """Look at rights, network card, clock and disk, try out the loopback, and say how many calls can be expected.

    Ends with 0, or with 1 if something has to be mended first.
    """
    from plugins.pbx_sip.capture.host import examine_host  # noqa: PLC0415 - numpy comes with it

    found = examine_host(interface, folder)
    if as_json:
        click.echo(json.dumps({"ok": found.is_good, **asdict(found)}))
    else:
        for finding in found.findings:
            _show(finding)
        click.echo(_tell_capacity(found.capacity))
    context.exit(0 if found.is_good else 1)


def _show(finding: "Finding") -> None:
    sign, colour = _SIGNS[finding.state]
    click.echo(click.style(sign, fg=colour) + f"{finding.name}: {finding.text}")
    if finding.remedy and finding.state != "good":
        click.echo(f"         {finding.remedy}")


def _tell_capacity(capacity: "Capacity | None") -> str:
    if capacity is None:
        return "No call can be captured here."
    way = {"ring": "through a ring", "sockets": "through ordinary sockets"}[capacity.way]
    limit = {"cores": "half of the cores set", "disk": "the disk sets"}[capacity.limited_by]
    return f"Expect {capacity.calls} G.711 calls at once {way}; {limit} the limit."
