"""`recording-hub serve`: run the hub."""

from pathlib import Path

import click

from hub.cli.options import data_option


@click.command(name="serve")
@data_option
@click.option("--bind", help="Address to listen on, instead of RECORDING_HUB_BIND (127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, instead of RECORDING_HUB_PORT (8080).")
@click.option(
    "--role",
    type=click.Choice(["all", "web", "worker", "capture"]),
    default="all",
    show_default=True,
    help="What to run here: everything on one machine, or one part of a hub that grew past it.",
)
def command(data: Path | None, bind: str | None, port: int | None, role: str) -> int:
    """Run the hub until it is stopped with Ctrl-C or SIGTERM.

    The first start makes everything it needs and prints a one-time link with which the first administrator chooses
    a name and a password.
    """
    from hub.app.serve import Role, serve  # noqa: PLC0415 - the command line starts without the hub's parts
    from hub.config import load_config  # noqa: PLC0415

    return serve(load_config(data=data).listening_on(bind or "", port), Role(role))
