"""`recording-hub new-plugin`: a working plug-in package to start from."""

import re
import shlex
import shutil
import sys
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

import click

import hub
from hub.cli.exits import Exit
from hub.sdk import Kind

_NAME = re.compile(r"[a-z][a-z0-9]+(_[a-z0-9]+)*")
_NAME_MAX_CHARS = 30
_SUFFIX = ".tmpl"
_ABOUT = "about.md"  # what a README says of its kind of plug-in
# Where a template lies under another name than the file that is made of it.
_PLACES = {"gitignore": ".gitignore"}


@click.command(name="new-plugin")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in Kind]),
    default=Kind.SOURCE.value,
    show_default=True,
    help="What it is: brings recordings in, stores them, reads a legacy recorder, or carries alarms out.",
)
@click.option(
    "--into",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=".",
    help="Folder to write it into, instead of the current one.",
)
def command(name: str, kind: str, into: Path) -> int:
    """Write an installable plug-in package with tests that pass.

    NAME is the vendor or product in lowercase, such as acme; the package is called rechub-NAME.
    """
    facts = _facts(name, kind)
    package = _render(kind, facts)
    folder = into / facts["distribution"]
    _refuse_place(folder)
    _write(folder, package)
    click.echo(f"{folder} is a {kind} that works. Next:\n")
    for line in _next_steps(folder):
        click.echo(f"  {line}")
    return Exit.OK


def _facts(name: str, kind: str) -> dict[str, str]:
    """What the templates say of the plug-in.

    Raises: BadParameter if the name cannot be one.
    """
    if not _NAME.fullmatch(name) or len(name) > _NAME_MAX_CHARS:
        raise click.BadParameter(
            f"{name!r} cannot be a plug-in's name: take 2 to {_NAME_MAX_CHARS} lowercase letters and "
            "digits, in words joined by underscores, such as acme_pbx.",
            param_hint="NAME",
        )
    if name in entry_points(group=f"recording_hub.{kind}").names:
        raise click.BadParameter(
            f"a {kind} called {name!r} is installed here already; choose another name.", param_hint="NAME"
        )
    words = name.split("_")
    return {
        "name": name,
        "kind": kind,
        "cls": "".join(word.capitalize() for word in words),
        "title": " ".join(word.capitalize() for word in words),
        "package": f"rechub_{name}",
        "distribution": f"rechub-{name.replace('_', '-')}",
        "hub_version": hub.__version__,
    }


def _render(kind: str, facts: dict[str, str]) -> dict[str, str]:
    """The package's files: where in its folder -> text.

    Raises: BadParameter if the class would have the name of something that the templates use.
    """
    templates = files("hub.cli") / "plugin_templates"
    found = dict(_texts(templates / "any")) | dict(_texts(templates / kind))
    words = set(re.findall(r"\w+", "\n".join(found.values())))
    if taken := {facts["cls"], f"{facts['cls']}Settings"} & words:
        raise click.BadParameter(
            f"a class called {min(taken)} would hide another of this name; choose the vendor's name.", param_hint="NAME"
        )
    about = Template(found.pop(_ABOUT)).substitute(facts)
    return {
        re.sub(r"^package\b", facts["package"], place): Template(text).substitute(facts, about=about)
        for place, text in found.items()
    }


def _texts(folder: Traversable, above: str = "") -> list[tuple[str, str]]:
    texts = []
    for item in folder.iterdir():
        if item.is_dir():
            texts += _texts(item, f"{above}{item.name}/")
        elif item.name.endswith(_SUFFIX):
            name = item.name.removesuffix(_SUFFIX)
            texts.append((above + _PLACES.get(name, name), item.read_text(encoding="utf-8")))
    return texts


def _refuse_place(folder: Path) -> None:
    """Nothing is overwritten, and the hub's own tree is left alone.

    Raises: UsageError.
    """
    if folder.exists():
        raise click.UsageError(f"{folder} exists already. Nothing was written; move it away or choose another name.")
    own = Path(hub.__file__).resolve().parents[1]
    if folder.resolve().is_relative_to(own):
        raise click.UsageError(f"{own} is the hub's own tree. Choose a folder outside of it with --into.")


def _write(folder: Path, package: dict[str, str]) -> None:
    """Write the package into a folder of its own.

    Raises: ClickException if it cannot be written.
    """
    try:
        folder.mkdir()
        for place, text in package.items():
            file = folder / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise click.ClickException(f"{exc.filename or folder} cannot be written: {exc.strerror}.") from exc


def _next_steps(folder: Path) -> list[str]:
    """Commands to type, with the path of this environment's programs where the shell would find others."""
    programs = Path(sys.executable).parent
    found = shutil.which("recording-hub")
    before = "" if found and Path(found).parent == programs else f"{shlex.quote(str(programs))}/"
    return [
        f"{before}pip install --editable {shlex.quote(f'{folder}[dev]')}",
        f"{before}pytest {shlex.quote(str(folder))}",
        f"{before}recording-hub plugins",
    ]
