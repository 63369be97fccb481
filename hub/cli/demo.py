"""`recording-hub demo`: see and hear the hub at work within a minute."""

import webbrowser
from pathlib import Path

import click

from hub.cli.options import data_option


@click.command(name="demo")
@data_option
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, instead of 8080.")
@click.option("--open/--no-open", "opens", default=True, help="Open the page in a browser, if there is one.")
def command(data: Path | None, port: int | None, *, opens: bool) -> int:
    """Run a hub of its own with a demonstration device and spoken calls in several languages.

    It keeps its data apart from a real hub's, in the folder "demo" of the data folder; remove that folder to begin
    anew.
    """
    import os  # noqa: PLC0415 - the command line starts without the hub's parts

    from hub.app.serve import Role, serve  # noqa: PLC0415
    from hub.config import load_config  # noqa: PLC0415
    from hub.config.paths import default_data_folder  # noqa: PLC0415

    folder = data or Path(os.environ.get("RECORDING_HUB_DATA") or default_data_folder(os.environ)) / "demo"

    def show(address: str) -> None:
        if opens:
            webbrowser.open(address)

    return serve(load_config(data=folder).listening_on(port=port), Role.ALL, demonstrates=True, on_ready=show)
