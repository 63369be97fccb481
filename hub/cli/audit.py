"""`recording-hub audit`: prove that nobody changed the trail."""

import json
from pathlib import Path

import click

from hub.cli.exits import Exit
from hub.cli.options import data_option, json_option


@click.group(name="audit")
def command() -> None:
    """The trail of every act."""


@command.command()
@data_option
@json_option
def verify(data: Path | None, *, as_json: bool) -> int:
    """Walk through the whole chain and say whether every line is as it was sealed."""
    from hub.app.offline import verify_trail  # noqa: PLC0415 - the command line starts without SQLAlchemy
    from hub.config import load_config  # noqa: PLC0415

    intact, facts = verify_trail(load_config(data=data))
    if as_json:
        click.echo(json.dumps({"intact": intact, **facts}))
    else:
        click.echo("The audit trail is unbroken." if intact else "The audit trail was changed.")
        for name, value in facts.items():
            click.echo(f"  {name.replace('_', ' '):12} {value}")
    return Exit.OK if intact else Exit.FAILED
