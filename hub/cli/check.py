"""`recording-hub check`: is everything in place?"""

import json
from dataclasses import asdict
from pathlib import Path

import click

from hub.cli.exits import Exit
from hub.cli.options import data_option, json_option

_SIGNS = {"ok": ("ok     ", "green"), "warning": ("look   ", "yellow"), "failed": ("FAILED ", "red")}


@click.command(name="check")
@data_option
@json_option
def command(data: Path | None, *, as_json: bool) -> int:
    """Look at the installation, data folder, database, keys, plug-ins, devices and processes; change nothing.

    Ends with 0 if nothing failed; what deserves a look is no failure.
    """
    from hub.app.examination import Grade, examine  # noqa: PLC0415 - the command line starts without the hub's parts
    from hub.config import load_config  # noqa: PLC0415

    failed = False
    found = []
    for part in examine(load_config(data=data)):
        failed = failed or part.grade is Grade.FAILED
        found.append(asdict(part))
        if not as_json:
            sign, colour = _SIGNS[part.grade]
            click.echo(click.style(sign, fg=colour) + f"{part.name}: {part.text}")
            if part.hint and part.grade is not Grade.OK:
                click.echo(f"         {part.hint}")
    if as_json:
        click.echo(json.dumps({"ok": not failed, "parts": found}))
    return Exit.FAILED if failed else Exit.OK
