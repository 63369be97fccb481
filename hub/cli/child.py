"""`recording-hub child`: the hub's own processes, started by `serve` and by nobody else."""

from pathlib import Path

import click

from hub.cli.options import data_option


@click.command(name="child", hidden=True)
@click.argument("part", type=click.Choice(["web", "worker", "demo"]))
@data_option
@click.option("--bind", required=True)
@click.option("--port", type=int, required=True)
def command(part: str, data: Path | None, bind: str, port: int) -> int:
    """Run one process of the hub; `serve` starts it."""
    from hub.runtime import lifeline  # noqa: PLC0415 - held before anything else is imported

    lifeline.hold()
    from hub.config import load_config  # noqa: PLC0415

    config = load_config(data=data).listening_on(bind, port)
    if part == "web":
        from hub.app.web import run_web  # noqa: PLC0415 - each process imports its own part only

        return run_web(config)
    if part == "demo":
        from hub.app.demo import play  # noqa: PLC0415

        for line in play(config):
            click.echo(line)
        return 0
    from hub.app.worker import run_worker  # noqa: PLC0415

    return run_worker(config)
