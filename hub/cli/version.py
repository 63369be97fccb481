"""`recording-hub version`: what runs here."""

import json
import platform
import sqlite3

import click

import hub
from hub.sdk import API_VERSION


@click.command(name="version")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, as_json: bool) -> None:
    """Print the versions of the hub, its plug-in API, Python and SQLite."""
    facts = {
        "recording_hub": hub.__version__,
        "plugin_api": str(API_VERSION),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        click.echo(f"{name.replace('_', '-'):14} {value}")
