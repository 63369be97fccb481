"""The `recording-hub` command, one file per command."""

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import NoReturn

import click

from hub.cli.exits import Exit
from hub.errors import HubError
from hub.sdk import Device, PluginError

_OWN = {
    "serve": "serve",
    "demo": "demo",
    "check": "check",
    "plugins": "plugins",
    "new-plugin": "new_plugin",
    "db": "db",
    "audit": "audit",
    "secrets": "secrets",
    "version": "version",
    "child": "child",
}
_PLUGIN_COMMANDS = "recording_hub.command"


class _Commands(click.Group):
    """Commands of the hub and of installed plug-ins, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*_OWN, *(point.name for point in _plugin_commands() if point.name not in _OWN)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name in _OWN:
            command = import_module(f"hub.cli.{_OWN[cmd_name]}").command
        else:
            found = [point for point in _plugin_commands() if point.name == cmd_name]
            if not found:
                return None
            command = _load(found[0])
        return command if isinstance(command, click.Command) else None


def _plugin_commands() -> list[EntryPoint]:
    return sorted(entry_points(group=_PLUGIN_COMMANDS), key=lambda point: point.name)


def _load(point: EntryPoint) -> click.Command:
    """A plug-in's command; one that cannot be imported says so when it is called and hides no other."""
    try:
        command = point.load()
    except Exception as exc:  # noqa: BLE001 - a plug-in's import may raise anything
        cause = f"{type(exc).__name__}: {exc}"

        def refuse() -> NoReturn:
            raise click.ClickException(f"the plug-in behind {point.name!r} cannot be loaded: {cause}")

        return click.Command(point.name, callback=refuse, help=f"Cannot be loaded: {cause}")
    if not isinstance(command, click.Command):
        raise click.ClickException(f"{point.value} is no click command")
    return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.pass_context
def cli(ctx: click.Context) -> None:
    """One catalog for the call recordings of every PBX a company owns.

    Start with `recording-hub serve`, or see it at work with `recording-hub demo`.
    """
    ctx.obj = _find_devices


def _find_devices(plugin: str, data: Path | None = None) -> list[Device]:
    """What a plug-in's own command is given."""
    from hub.app.plugin_devices import find_devices  # noqa: PLC0415 - the command line starts without the hub's parts

    return find_devices(plugin, data)


def main() -> NoReturn:
    """Run the command line; errors that people can act on are printed without a traceback."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        raise SystemExit(Exit.FAILED) from None
    except click.UsageError as exc:
        exc.show()
        raise SystemExit(Exit.USAGE) from None
    except click.ClickException as exc:
        exc.show()
        raise SystemExit(exc.exit_code) from None
    except (HubError, PluginError) as exc:
        click.echo(f"Error: {exc}", err=True)
        if exc.hint:
            click.echo(f"       {exc.hint}", err=True)
        raise SystemExit(Exit.FAILED) from None
    raise SystemExit(code if isinstance(code, int) else Exit.OK)
