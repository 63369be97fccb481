"""`recording-hub plugins`: what is installed, what was refused, what is parked."""

import json
from pathlib import Path
from typing import Any

import click

from hub.cli.exits import Exit
from hub.cli.options import data_option, json_option


@click.command(name="plugins")
@data_option
@json_option
def command(data: Path | None, *, as_json: bool) -> int:
    """List the plug-ins that loaded, those that were refused and why, and the instances that are parked."""
    from hub.app.inventory import take_inventory  # noqa: PLC0415 - the command line starts without the hub's parts
    from hub.config import load_config  # noqa: PLC0415

    inventory = take_inventory(load_config(data=data))
    if as_json:
        click.echo(json.dumps(inventory))
    else:
        _print(inventory)
    return Exit.FAILED if inventory["refused"] else Exit.OK


def _print(inventory: dict[str, list[dict[str, Any]]]) -> None:
    for plugin in inventory["loaded"]:
        sign = click.style("loaded ", fg="green")
        click.echo(f"{sign} {plugin['kind']:9} {plugin['name']:16} {plugin['title']} - {_from(plugin)}")
    for plugin in inventory["refused"]:
        sign = click.style("refused", fg="red")
        click.echo(f"{sign} {plugin['kind']:9} {plugin['name']:16} {plugin['reason']} - {_from(plugin)}")
    for instance in inventory["parked"]:
        sign = click.style("parked ", fg="yellow")
        click.echo(f"{sign} {instance['kind']:9} {instance['plugin']:16} {instance['name']}: {instance['summary']}")
        if instance["hint"]:
            click.echo(f"        {instance['hint']}")


def _from(plugin: dict[str, Any]) -> str:
    return f"{plugin['distribution']} {plugin['version']}".strip()
