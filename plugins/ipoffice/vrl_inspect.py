"""`recording-hub vrl-inspect`: all that is in a file, and which rule filled which field."""

import json
import os
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from hub.sdk import Owner, Party
from plugins.ipoffice.assembly import make_describer
from plugins.ipoffice.settings import IPOfficeSettings
from plugins.ipoffice.vrl.content import Content
from plugins.ipoffice.vrl.draft import Origin
from plugins.ipoffice.vrl.markup import Unreadable
from plugins.ipoffice.vrl.reading import Reading, read_content
from plugins.ipoffice.vrl.resolve import CallFields
from plugins.ipoffice.vrl.riff import STRUCTURAL
from plugins.ipoffice.vrl.sidecar import SIDECAR_BYTES_MAX, add_sidecar, sidecar_names

NOT_UNDERSTOOD, WRONG_SETTINGS, NOT_FOUND = 1, 2, 3
SHOWN_BYTES = 64
FIELD_ORDER = (
    "call_id",
    "started_at",
    "direction",
    "parties",
    "owner",
    "agent",
    "target",
    "skill",
    "notice",
    "mixed",
)


@click.command("vrl-inspect")
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--settings", "settings_file", type=click.Path(path_type=Path), help="Try settings from a TOML or JSON file."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document for scripts.")
@click.pass_context
def vrl_inspect(context: click.Context, paths: tuple[Path, ...], settings_file: Path | None, as_json: bool) -> None:
    """Show all that is found in recordings of Voicemail Pro, and which rule filled which field.

    A first real recording shows here what the mapping in the settings of the device must say; --settings tries it.

    Ends with 0 if all files are understood, 1 if one is not, 2 if the settings are wrong, 3 if a file is not there.
    """
    settings = _load_settings(settings_file)
    found = []
    code = 0
    beside = {path.with_name(name) for path in paths for name in sidecar_names(path.stem, settings.sidecars)}
    for path in paths:
        if path in beside and any(path != other and path.stem == other.stem for other in paths):
            continue  # it is shown with its recording
        try:
            report = inspect_file(path, settings)
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            click.echo(f"{path}: {error.strerror}", err=True)
            code = NOT_FOUND
            continue
        found.append(report)
        if report["problem"] and not code:
            code = NOT_UNDERSTOOD
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for report in found:
            click.echo(render(report))
    context.exit(code)


def _load_settings(path: Path | None) -> IPOfficeSettings:
    if path is None:
        return IPOfficeSettings()
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        return IPOfficeSettings.model_validate(values)
    except (OSError, ValueError) as error:
        if isinstance(error, ValidationError):
            lines = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            raise click.UsageError(f"{path}: " + "; ".join(lines)) from None
        raise click.UsageError(f"{path}: {error}") from None


def inspect_file(path: Path, settings: IPOfficeSettings) -> dict[str, Any]:
    """Everything about one file, as JSON values.

    Raises: OSError.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(fd)
        content = Content.of_file(fd)
        reading = read_content(content)
        chunks = [_describe_chunk(content, chunk.id, chunk.offset, chunk.size_bytes) for chunk in reading.chunks]
    finally:
        os.close(fd)
    sidecars = _read_sidecars(path, settings, reading)
    facts = [[fact.label, fact.value] for fact in reading.facts.found]
    origin = Origin(settings.server_name, path.name, status.st_mtime_ns)
    fields = make_describer(settings).fields(reading, origin)
    return {
        "file": os.fsencode(path).decode("utf-8", "backslashreplace"),
        "size_bytes": reading.size_bytes,
        "container": reading.container,
        "whole": reading.whole,
        "audio": asdict(reading.audio) if reading.audio else None,
        "chunks": chunks,
        "sidecars": sidecars,
        "facts": facts,
        "fields": _describe_fields(fields),
        "other_fields": fields.extra,
        "raw": {name: data.hex() for name, data in reading.facts.raw.items()},
        "notes": reading.facts.notes,
        "problem": list(reading.problem) if reading.problem else None,
    }


def _describe_chunk(content: Content, name: str, offset: int, size_bytes: int) -> dict[str, Any]:
    shown = "" if name in STRUCTURAL else content.read(offset, min(size_bytes, SHOWN_BYTES)).hex(" ")
    return {"id": name, "offset": offset, "size_bytes": size_bytes, "begins": shown}


def _read_sidecars(path: Path, settings: IPOfficeSettings, reading: Reading) -> list[str]:
    found = []
    for name in sidecar_names(path.stem, settings.sidecars):
        beside = path.with_name(name)
        if name == path.name or not _is_file(beside):
            continue
        found.append(name)
        try:
            with beside.open("rb") as file:
                add_sidecar(reading.facts, name, file.read(SIDECAR_BYTES_MAX + 1))
        except Unreadable as reason:
            reading.facts.note(f"sidecar {name}: {reason}")
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no file can have so long a name
        return False


def _describe_fields(fields: CallFields) -> dict[str, dict[str, str]]:
    """Each field that has a value, and the rule that filled it."""
    texts = {
        "call_id": fields.call_id,
        "started_at": fields.started_at.isoformat(timespec="seconds"),
        "direction": fields.direction.value,
        "parties": "; ".join(_describe_party(party) for party in fields.parties),
        "owner": _describe_owner(fields.owner),
        "agent": fields.agent,
        "target": fields.target,
        "skill": fields.skill,
        "notice": fields.notice.kind.value,
        "mixed": "" if fields.mixed is None else str(fields.mixed).lower(),
    }
    rules = fields.provenance
    parties = [rules[name] for name in ("parties", "caller", "called") if name in rules]
    return {
        name: {"value": texts[name], "rule": ", ".join(parties) if name == "parties" else rules.get(name, "")}
        for name in FIELD_ORDER
        if texts[name]
    }


def _describe_party(party: Party) -> str:
    name = f" ({party.name})" if party.name else ""
    return f"{party.number}{name} [{party.role.value}]"


def _describe_owner(owner: Owner | None) -> str:
    if owner is None:
        return ""
    return f"{owner.kind.value} {owner.id}" + (f" ({owner.name})" if owner.name else "")


def render(report: dict[str, Any]) -> str:
    """A report for people."""
    lines = [report["file"]]
    whole = {True: "whole", False: "NOT WHOLE", None: "cannot tell whether it is whole"}[report["whole"]]
    _add(lines, "container", [f"{report['container']}, {report['size_bytes']} bytes, {whole}"])
    if audio := report["audio"]:
        length = "" if audio["duration_s"] is None else f", {audio['duration_s']:.1f} s"
        rate = f", {audio['sample_rate_hz']} Hz" if audio["sample_rate_hz"] else ""
        _add(lines, "sound", [f"{audio['codec']}, {audio['channels'] or '?'} channel(s){rate}{length}"])
    _add(lines, "chunks", [_render_chunk(chunk) for chunk in report["chunks"]])
    _add(lines, "sidecars", report["sidecars"])
    _add(lines, "facts", [f"{name} = {_one_line(value)}" for name, value in report["facts"]])
    fields = report["fields"].items()
    _add(
        lines,
        "fields",
        [f"{name:<11} {one['value']:<32} <- {one['rule'] or 'nothing says it'}" for name, one in fields],
    )
    _add(lines, "also kept", [f"{name} = {_one_line(value)}" for name, value in report["other_fields"].items()])
    _add(lines, "raw", [f"{name}: {len(data) // 2} bytes" for name, data in report["raw"].items()])
    _add(lines, "notes", report["notes"])
    if report["problem"]:
        _add(lines, "problem", [f"{report['problem'][0]}: {report['problem'][1]}"])
    return "\n".join(lines) + "\n"


def _add(lines: list[str], title: str, entries: list[str]) -> None:
    lines += [f"  {title if number == 0 else '':<10} {entry}" for number, entry in enumerate(entries)]


def _render_chunk(chunk: dict[str, Any]) -> str:
    begins = f"  {chunk['begins']}" if chunk["begins"] else ""
    return f"{chunk['id']:<6} {chunk['size_bytes']:>10} bytes at {chunk['offset']}{begins}"


def _one_line(text: str) -> str:
    return text if len(text) <= 100 and text.isprintable() else repr(text[:100])
