"""The OpenAPI document as a page shows it: operations by group, values in rows."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
Schema = Mapping[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_REF = "#/components/schemas/"
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One value. where: query, path, header or body. model: its own model, if it has one."""

    name: str
    where: str
    kind: str
    needed: bool
    about: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One status."""

    status: str
    about: str
    model: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; example: a command that can be copied."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    permission: str
    rows: tuple[Row, ...]
    answers: tuple[Answer, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Group:
    """Operations on one kind of thing."""

    name: str
    operations: tuple[Operation, ...]

    @property
    def anchor(self) -> str:
        """Where the page has it."""
        return re.sub(r"[^a-z]+", "-", self.name.lower())


@dataclass(frozen=True, slots=True)
class Model:
    """The shape of an answer."""

    name: str
    about: str
    rows: tuple[Row, ...]


def groups_of(document: Document, base: str) -> list[Group]:
    """Every operation, by its tag; base: address of the hub with the API's prefix, for the examples."""
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                operation = methods[method]
                found[operation["tags"][0]].append(_operation(document, method, path, operation, base))
    return [Group(name, tuple(operations)) for name, operations in found.items()]


def models_of(document: Document) -> list[Model]:
    """Every named shape that is an object, by name."""
    return [
        Model(name, schema.get("description", ""), tuple(_fields(document, schema, "", 1)))
        for name, schema in sorted(document["components"]["schemas"].items())
        if "properties" in schema
    ]


def _operation(document: Document, method: str, path: str, operation: Schema, base: str) -> Operation:
    parameters = sorted(operation.get("parameters", []), key=lambda found: found["in"] != "path")
    body = _body(operation)
    rows = [_parameter(found) for found in parameters]
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        about=operation["description"].rpartition("\n\n")[0],
        permission=operation["x-permission"],
        rows=(*rows, *(_fields(document, _resolved(document, body), "", _DEEPEST) if body else ())),
        answers=tuple(_answer(status, found) for status, found in operation["responses"].items()),
        example=_example(document, method, base + path, parameters, body),
    )


def _body(operation: Schema) -> Schema | None:
    content = operation.get("requestBody", {}).get("content", {})
    schema: Schema | None = content.get("application/json", {}).get("schema")
    return schema


def _parameter(found: Schema) -> Row:
    schema = found["schema"]
    return Row(found["name"], found["in"], _kind(schema), found.get("required", False), found.get("description", ""))


def _fields(document: Document, schema: Schema, prefix: str, depth: int) -> Iterator[Row]:
    """The fields of an object, those of objects inside with their path."""
    needed = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        yield Row(prefix + name, "body", _kind(field), name in needed, field.get("description", ""))
        inner = _resolved(document, field)
        if depth > 1 and inner is not field and "properties" in inner:
            yield from _fields(document, inner, f"{prefix}{name}.", depth - 1)


def _resolved(document: Document, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = document["components"]["schemas"][schema["$ref"].removeprefix(_REF)]
    return found


def _kind(schema: Schema) -> str:
    """What kind of value it is, in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REF)
    if "anyOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"object of {_kind(inner)}" if isinstance(inner, Mapping) and inner else "object"
    kind = schema.get("format") or schema.get("type") or "any"
    limits = [f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return " ".join([str(kind), *limits])


def _answer(status: str, found: Schema) -> Answer:
    contents = found.get("content", {})
    models = [_kind(content["schema"]) for content in contents.values() if "$ref" in content.get("schema", {})]
    return Answer(status, found["description"], models[0] if models else ", ".join(contents))


def _example(document: Document, method: str, address: str, parameters: Iterable[Schema], body: Schema | None) -> str:
    for parameter in parameters:
        if parameter["in"] == "path":
            address = address.replace(f"{{{parameter['name']}}}", str(_sample(document, parameter["schema"])))
    lines = [
        f"curl -H 'Authorization: Bearer '$TOKEN {'-X ' + method.upper() + ' ' if method != 'get' else ''}{address}"
    ]
    if any(parameter["name"] == "If-Match" and parameter.get("required") for parameter in parameters):
        lines.append("-H 'If-Match: \"1\"'")
    if body is not None:
        sample = json.dumps(_sample(document, body, needed_only=True), ensure_ascii=False)
        lines += ["-H 'Content-Type: application/json'", f"-d '{sample}'"]
    return " \\\n  ".join(lines)


def _sample(document: Document, schema: Schema, *, needed_only: bool = False) -> Any:
    """A value that fits: an example if there is one."""
    schema = _resolved(document, schema)
    for given in (schema.get("examples"), schema.get("enum")):
        if given:
            return given[0]
    if "anyOf" in schema:
        return _sample(document, schema["anyOf"][0], needed_only=needed_only)
    if schema.get("type") == "object":
        names = schema.get("required", []) if needed_only else schema.get("properties", {})
        return {name: _sample(document, schema["properties"][name], needed_only=needed_only) for name in names}
    samples = {"string": "text", "integer": schema.get("minimum", 1), "number": 1.0, "boolean": True, "array": []}
    return schema.get("default", samples.get(schema.get("type", "")))
