"""`recording-hub db`: the catalog database."""

import json
from pathlib import Path

import click

from hub.cli.exits import Exit
from hub.cli.options import data_option, json_option


@click.group(name="db")
def command() -> None:
    """Look at the catalog database, or bring it up to date."""


@command.command()
@data_option
def upgrade(data: Path | None) -> None:
    """Bring the database's tables up to this version; a second run changes nothing."""
    from hub.app.offline import open_database  # noqa: PLC0415 - the command line starts without SQLAlchemy
    from hub.config import load_config  # noqa: PLC0415

    config = load_config(data=data)
    config.make_folders()
    database = open_database(config)
    try:
        before = database.revision() if database.path is None or database.path.exists() else ""
        database.upgrade()
        after = database.revision()
    finally:
        database.close()
    click.echo(f"{config.database_shown} is at revision {after}" + ("" if before == after else f", was {before}"))


@command.command()
@data_option
@json_option
def status(data: Path | None, *, as_json: bool) -> int:
    """Say which database is used, at which revision it is, and how much it holds."""
    from hub.app.offline import describe_database  # noqa: PLC0415
    from hub.config import load_config  # noqa: PLC0415

    facts = describe_database(load_config(data=data))
    if as_json:
        click.echo(json.dumps(facts))
    else:
        for name, value in facts.items():
            click.echo(f"{name.replace('_', ' '):20} {value}")
    return Exit.OK if facts["up_to_date"] else Exit.FAILED
