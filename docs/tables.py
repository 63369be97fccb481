"""The tables in the documentation that the code already says; `docs/generate.py` puts them between their markers."""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from docs.models import describe_models, list_words
from hub.access import permissions
from hub.alerts.codes import CODES
from hub.audit.action import Action
from hub.catalog.events import Topic
from hub.cli import cli
from hub.cli.exits import MEANINGS
from hub.config import HubConfig, HubPreferences, MediaPolicy
from hub.config.config import PREFIX
from hub.config.ownership import DISTRIBUTION
from hub.observe import metrics
from hub.runtime.forms import docs_table
from hub.runtime.loader import scan_all
from hub.steps import DurableStep

ROOT = Path(__file__).resolve().parents[1]
_LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
_COMMANDS_NOT_FOR_PEOPLE = {"child"}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


def configuration() -> str:
    """What an administrator may set before the hub starts."""
    only_in_environment = {"data", "secret_key"}
    rows = [
        (
            f"`{PREFIX}{name.upper()}`",
            "" if name in only_in_environment else f"`{name}`",
            _values(field),
            "" if field.is_required() or field.default in ("", None, ()) else f"`{field.default}`",
            field.description or "",
        )
        for name, field in HubConfig.model_fields.items()
    ]
    return _table(["Environment", "hub.toml", "Values", "Default", "Meaning"], rows)


def _values(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(field.annotation))
    if field.annotation is int:
        return "number"
    return "folder" if field.annotation is Path else "text"


def preferences() -> str:
    """What administrators prefer once the hub runs."""
    rows = []
    for model in (HubPreferences, MediaPolicy):
        for field in model.model_fields.values():
            if field.annotation is not MediaPolicy:
                default = "" if field.default in ("", None, ()) else f"`{field.default}`"
                rows.append((field.title or "", default, field.description or ""))
    return _table(["Preference", "Default", "Meaning"], rows)


def alarms() -> str:
    """Every alarm of the hub and its own plug-ins."""
    rows = [
        (f"`{code.code}`", code.severity.value.capitalize(), code.title, code.text, code.hint)
        for code in sorted(CODES, key=lambda code: code.code)
    ]
    return _table(["Code", "Severity", "Title", "Text", "What to do"], rows)


def metric_list() -> str:
    """What /metrics shows."""
    rows = [
        (f"`{name}`", kind, ", ".join(f"`{label}`" for label in labels), text)
        for name, kind, text, labels in metrics.catalogue()
    ]
    return _table(["Metric", "Type", "Labels", "Meaning"], rows)


def exit_codes() -> str:
    """What a command's exit code says."""
    return _table(["Exit code", "Meaning"], [(str(int(code)), text) for code, text in MEANINGS.items()])


def permission_list() -> str:
    """Every permission."""
    rows = [
        (f"`{item.key}`", item.group, item.label, ", ".join(f"`{key}`" for key in item.implies))
        for item in permissions.CORE
    ]
    return _table(["Permission", "Group", "Allows to", "Brings along"], rows)


def audit_actions() -> str:
    """Every act that leaves a line in the audit trail."""
    return _table(["Action"], [(f"`{action.value}`",) for action in Action])


def topics() -> str:
    """Every event of the outbox."""
    return _table(["Topic"], [(f"`{topic.value}`",) for topic in Topic])


def steps() -> str:
    """The moments at which a recording has just become more durable."""
    rows = [(str(number), f"`{step.value}`") for number, step in enumerate(DurableStep, start=1)]
    return _table(["", "Durable step"], rows)


def commands() -> str:
    """Every command of the hub and its own plug-ins, with its options."""
    points = entry_points(group="recording_hub.command")
    foreign = {point.name for point in points if point.dist is None or point.dist.name != DISTRIBUTION}
    by_plugins = {point.name for point in points} - foreign
    context = click.Context(cli, info_name="recording-hub")
    rows: list[Sequence[str]] = []
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if command is not None and name not in _COMMANDS_NOT_FOR_PEOPLE | foreign:
            rows += _command_rows(command, f"recording-hub {name}", by_plugin=name in by_plugins)
    return _table(["Command", "What it does", "Options"], rows)


def _command_rows(command: click.Command, name: str, *, by_plugin: bool) -> Iterator[tuple[str, str, str]]:
    if isinstance(command, click.Group):
        for part, inner in command.commands.items():
            yield from _command_rows(inner, f"{name} {part}", by_plugin=by_plugin)
        return
    arguments = [item.name.upper() for item in command.params if isinstance(item, click.Argument) and item.name]
    options = [f"`{item.opts[-1]}`" for item in command.params if isinstance(item, click.Option) and not item.hidden]
    text = command.get_short_help_str(limit=200) + (" (plug-in)" if by_plugin else "")
    yield f"`{' '.join([name, *arguments])}`", text, ", ".join(options)


def settings(plugin: str) -> str:
    """The settings of one plug-in."""
    found = {name: found.info for scan in scan_all().values() for name, found in scan.found.items()}
    return docs_table(found[plugin].settings)


def events() -> str:
    """Every log event, with the facts it carries and where it comes from."""
    facts: defaultdict[str, set[str]] = defaultdict(set)
    levels: defaultdict[str, set[str]] = defaultdict(set)
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for event in logged_events():
        facts[event.name] |= event.facts
        levels[event.name].add(event.level)
        parts[event.name].add(event.part)
    rows = [
        (
            f"`{name}`",
            ", ".join(sorted(levels[name], key=_LEVELS.index)),
            ", ".join(f"`{fact}`" for fact in sorted(facts[name])),
            ", ".join(sorted(parts[name])),
        )
        for name in sorted(facts)
    ]
    return _table(["Event", "Level", "Facts", "From"], rows)


class LoggedEvent:
    """One call of a logger in the code."""

    def __init__(self, call: ast.Call, name: ast.expr, level: str, file: Path) -> None:
        self.name = name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else ""
        self.facts = {item.arg for item in call.keywords if item.arg and item.arg != "exc_info"}
        self.level = "error" if level == "exception" else level
        self.part = ".".join(file.relative_to(ROOT).parts[:2]).removesuffix(".py")
        self.place = f"{file.relative_to(ROOT)}:{call.lineno}"


def logged_events() -> Iterator[LoggedEvent]:
    """Every place in hub, plugins and webui that logs an event; a name that is no constant is ""."""
    for folder in ("hub", "plugins", "webui"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                    owner = ast.unparse(node.func.value)
                    if node.func.attr in _LEVELS and re.search(r"(^|[._])log(ger)?$", owner):
                        for name in _either(node.args[0]):
                            yield LoggedEvent(node, name, node.func.attr, file)


def _either(name: ast.expr) -> tuple[ast.expr, ...]:
    return (name.body, name.orelse) if isinstance(name, ast.IfExp) else (name,)


def decisions() -> str:
    """Every architecture decision."""
    rows = []
    for file in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")):
        text = file.read_text(encoding="utf-8")
        title = text.splitlines()[0].lstrip("# ")
        status = re.search(r"^Status: (.+)$", text, re.MULTILINE)
        rows.append((f"[{title}]({file.name})", status[1] if status else ""))
    return _table(["Decision", "Status"], rows)


def models() -> str:
    """What plug-ins and the hub hand each other, field by field."""
    parts = [
        f"## {name}\n\n{text}\n\n{_table(['Field', 'Type', 'Default'], rows)}" for name, text, rows in describe_models()
    ]
    return "\n\n".join([*parts, f"## Words\n\n{_table(['Enumeration', 'Values'], list_words())}"])


TABLES: dict[str, Callable[..., str]] = {
    "alarms": alarms,
    "audit-actions": audit_actions,
    "commands": commands,
    "configuration": configuration,
    "decisions": decisions,
    "events": events,
    "exit-codes": exit_codes,
    "metrics": metric_list,
    "models": models,
    "permissions": permission_list,
    "preferences": preferences,
    "settings": settings,
    "steps": steps,
    "topics": topics,
}
