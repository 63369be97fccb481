"""Texts that the hub and its plug-ins declare in calls and pages show: settings, permissions, alarms, refusals.

A text with facts, such as f"Use at least {SHORTEST} characters.", is declared as "Use at least {shortest} characters.".
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from hub.runtime.forms import as_sentence

Shown = dict[str, tuple[int | str, ...]]
Assigned = dict[str, list[ast.expr]]
_REFUSALS = (
    *("Forbidden", "InvalidEntry", "NotThere", "PasswordRefused", "SetupRefused", "SignInRefused"),
    *("EntryChanged", "EntryInUse", "EntryMissing", "InstanceConflict", "InstanceMissing", "NotInQuarantine"),
    *("AuthError", "BadRecording", "NoInterface", "PluginFailure", "RetryLater", "SettingsError"),
    *("SupervisorAway", "UploadRefused"),
)
# which arguments are shown, by place or name
_SHOWN: Shown = {
    "setting": (0, 1, "labels", "unit"),
    "PluginInfo": ("title", "summary"),
    "Decision": (1,),
    "Permission": (1, 2),
    "AlarmCode": ("text", "one", "hint"),
    "Alarm": ("text", "hint"),
    "Health": (1, 2),
    "TimelineEvent": ("text",),
    "AbsentCall": ("text",),
    "describe_absence": (3,),
    "_tell_absence": (2,),
    "BadCapture": (0,),
    "Portion": (2,),
    "ok": (1,),
    "degraded": (1, 2),
    "replace": ("summary", "hint"),
    "ValueError": (0,),
    **dict.fromkeys(_REFUSALS, (0, "hint")),
}
_VALIDATING = ("settings", "ways_in", "senders", "entry", "hours", "rules", "ports", "peers")
_LISTS = ("_SENTENCES", "_HINTS", "_DAMAGED_HINT", "_REFUSALS", "FACT_NAMES", "self.way", "self.note")
_ADVISING = "advice"
_FEWEST_LETTERS = 8


def find_declared(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of all that one Python file declares."""
    shown = _SHOWN if path.stem.endswith(_VALIDATING) else {**_SHOWN, "ValueError": ()}
    tree = ast.parse(path.read_text("utf-8"))
    nodes = list(ast.walk(tree))
    assigned = _find_assigned(nodes)
    returned = {node.name: list(_returned_by(node)) for node in nodes if isinstance(node, ast.FunctionDef)}
    for node in nodes:
        if isinstance(node, ast.Call):
            yield from ((node.lineno, text) for text in _shown_by(node, shown, returned | assigned))
    names = _find_assigned(tree.body) if path.stem == _ADVISING else _LISTS
    for value in (value for name in names for value in assigned.get(name, ())):
        yield from ((value.lineno, text) for text in _texts_of(value, {}))


def _find_assigned(nodes: Iterable[ast.AST]) -> Assigned:
    assigned: Assigned = {}
    for name, value in (pair for node in nodes for pair in _pairs(node)):
        assigned.setdefault(name, []).append(value)
    return assigned


def _pairs(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Each name with what is assigned to it, also where several are at once."""
    match node:
        case ast.Assign(targets=[ast.Name() | ast.Attribute() as place], value=value):
            yield ast.unparse(place), value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            for target, value in zip(targets, values, strict=False):
                yield ast.unparse(target), value


def _returned_by(function: ast.FunctionDef) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value


def _shown_by(call: ast.Call, shown: Shown, assigned: Assigned) -> Iterator[str]:
    name = ast.unparse(call.func).rpartition(".")[2]
    named = {word.arg: word.value for word in call.keywords}
    for key in shown.get(name, ()):
        value = named.get(key) if isinstance(key, str) else next(iter(call.args[key : key + 1]), None)
        for text in _texts_of(value, assigned):
            yield as_sentence(text) if name == "ValueError" else text


def _texts_of(value: ast.expr | None, assigned: Assigned) -> Iterator[str]:
    """The texts that an expression may have: a name those that the file assigns to it, a call those it returns."""
    match value:
        case (
            ast.Name(id=name)
            | ast.Subscript(value=ast.Name(id=name))
            | ast.Call(func=ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self"), attr=name))
        ):
            for one in assigned.get(name, ()):
                yield from _texts_of(one, {})
        case ast.IfExp():
            yield from _texts_of(value.body, assigned)
            yield from _texts_of(value.orelse, assigned)
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.JoinedStr() if len(_template(value, with_facts=False)) >= _FEWEST_LETTERS:
            yield _template(value)
        case ast.Dict(values=several) | ast.Tuple(elts=several):
            for one in several:
                yield from _texts_of(one, assigned)


def _template(value: ast.JoinedStr, *, with_facts: bool = True) -> str:
    words, names = "", list[str]()
    for part in value.values:
        if isinstance(part, ast.Constant):
            words += str(part.value)
        elif isinstance(part, ast.FormattedValue) and with_facts:
            names.append(_fact(part.value, names))
            words += f"{{{names[-1]}}}"
    return words


def _fact(value: ast.expr, taken: list[str]) -> str:
    """A short name for what stands in the braces of an f-string."""
    match value:
        case ast.Name(id=word) | ast.Attribute(attr=word):
            name = word.strip("_").lower()
        case _:
            name = "fact"
    return name if name not in taken else f"{name}{len(taken)}"
