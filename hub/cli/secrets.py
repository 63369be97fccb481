"""`recording-hub secrets`: the master key under which passwords are kept."""

import json
from pathlib import Path

import click

from hub.cli.exits import Exit
from hub.cli.options import data_option, json_option


@click.group(name="secrets")
def command() -> None:
    """The key that seals stored passwords. No command shows a secret."""


@command.command()
@data_option
@json_option
def status(data: Path | None, *, as_json: bool) -> int:
    """Say under which keys stored secrets are sealed, and whether any cannot be opened."""
    from hub.app.sealed import seal_status  # noqa: PLC0415 - the command line starts without the hub's parts
    from hub.config import load_config  # noqa: PLC0415

    facts = seal_status(load_config(data=data))
    if as_json:
        click.echo(json.dumps(facts))
    else:
        click.echo(f"{facts['current']} under the current key, {facts['older']} under an older one.")
        if facts["lost"]:
            click.echo(f"{facts['lost']} cannot be opened: put the old secrets.key back, or enter them anew.")
    return Exit.FAILED if facts["lost"] else Exit.OK


@command.command()
@data_option
def rotate(data: Path | None) -> int:
    """Make a new master key and seal every stored secret under it; the hub may run meanwhile.

    Keep a new backup of secrets.key afterwards: the old one opens nothing any more.
    """
    from hub.app.sealed import rotate_master_key  # noqa: PLC0415 - the command line starts without the hub's parts
    from hub.config import load_config  # noqa: PLC0415

    resealed, left = rotate_master_key(load_config(data=data))
    click.echo(f"A new master key is in use; {resealed} secrets were sealed under it.")
    if left:
        click.echo(
            f"{left} could not be opened, so the old key stays beside the new one. See: recording-hub secrets status"
        )
        return Exit.FAILED
    return Exit.OK
