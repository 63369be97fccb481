"""The commands `recording-hub capture ...`, one file per command."""

import click

from plugins.pbx_sip.commands.check import check
from plugins.pbx_sip.commands.importing import import_captures


@click.group()
def capture() -> None:
    """Recording from the network: calls out of captures, and what this machine can take."""


capture.add_command(check)
capture.add_command(import_captures)
