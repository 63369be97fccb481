"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

data_option: Callable[[Any], Any] = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The hub's data folder; otherwise RECORDING_HUB_DATA, otherwise where the hub is installed.",
)
json_option: Callable[[Any], Any] = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
