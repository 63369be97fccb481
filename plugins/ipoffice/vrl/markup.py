"""XML and JSON about a call, made into facts; both may be hostile."""

import json
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from plugins.ipoffice.vrl.facts import Facts

MARKUP_BYTES_MAX = 512 * 1024
NODES_MAX = 5000
DEPTH_MAX = 24
PARTY_NAMES = {"party", "parties", "participant", "participants"}
GENERIC_NAMES = {"attribute", "entry", "field", "item", "param", "property"}
NUMBER_KEYS = ("number", "extension", "phone")
PARTY_KEYS = {*NUMBER_KEYS, "name", "role", "type"}


class Unreadable(Exception):
    """The text is not well formed, or not harmless."""


def add_xml(facts: Facts, source: str, prefix: str, data: bytes) -> None:
    """Facts of an XML text by the local names of its elements and attributes, below `prefix`.

    Raises: Unreadable (not well formed; a DTD or an entity in it).
    """
    if len(data) > MARKUP_BYTES_MAX:
        raise Unreadable(f"XML of {len(data)} bytes is longer than is read")
    try:
        root = fromstring(data.strip(b"\0 \r\n\t"), forbid_dtd=True)
    except DefusedXmlException:
        raise Unreadable("XML with a document type or entities is not read") from None
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"XML is not well formed: {error}") from None
    stack: list[tuple[tuple[str, ...], Element]] = [((), root)]
    nodes = 0
    while stack and nodes < NODES_MAX:
        path, element = stack.pop()
        nodes += 1
        path = (*path, _local(element.tag))
        _add_element(facts, source, (prefix, *path), element)
        if len(path) < DEPTH_MAX:
            stack.extend((path, child) for child in reversed(element))


def _add_element(facts: Facts, source: str, path: tuple[str, ...], element: Element) -> None:
    name = ".".join(part for part in path if part)
    if path[-2].lower() in PARTY_NAMES and path[-1].lower() in PARTY_KEYS:
        return  # a part of the party above it
    text = element.text or ""
    attributes = {_local(key): value for key, value in element.attrib.items()}
    if path[-1].lower() in GENERIC_NAMES:
        key = attributes.get("key") or attributes.get("name") or ""
        facts.add(source, f"{name}.{key}", text or attributes.get("value", ""))
        return
    if path[-1].lower() in PARTY_NAMES:
        children = {_local(child.tag): child.text or "" for child in element}
        text = describe_party({**attributes, **children}) or text
        attributes = {key: value for key, value in attributes.items() if key.lower() not in PARTY_KEYS}
    facts.add(source, name, text)
    for attribute, value in attributes.items():
        facts.add(source, f"{name}.{attribute}", value)


def _local(tag: Any) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def add_json(facts: Facts, source: str, prefix: str, data: bytes) -> None:
    """Facts of a JSON text by the names of its members, below `prefix`.

    Raises: Unreadable.
    """
    if len(data) > MARKUP_BYTES_MAX:
        raise Unreadable(f"JSON of {len(data)} bytes is longer than is read")
    try:
        root = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"JSON is not well formed: {str(error)[:200]}") from None
    stack: list[tuple[tuple[str, ...], Any]] = [((prefix,) if prefix else (), root)]
    nodes = 0
    while stack and nodes < NODES_MAX:
        path, value = stack.pop()
        nodes += 1
        if isinstance(value, Mapping):
            if path and path[-1].lower() in PARTY_NAMES:
                facts.add(source, ".".join(path), describe_party({str(k): _plain(v) for k, v in value.items()}))
            if len(path) < DEPTH_MAX:
                is_party = bool(path) and path[-1].lower() in PARTY_NAMES
                members = [item for item in value.items() if not (is_party and str(item[0]).lower() in PARTY_KEYS)]
                stack.extend(((*path, str(key)), item) for key, item in reversed(members))
        elif isinstance(value, list):
            stack.extend((path, item) for item in reversed(value))
        elif path:
            facts.add(source, ".".join(path), _plain(value))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int | float) else ""


def describe_party(members: Mapping[str, str]) -> str:
    """A party as one text, `number (name) [role]`; "" if there is neither number nor name."""
    lower = {key.lower(): value.strip() for key, value in members.items()}
    number = next((lower[key] for key in NUMBER_KEYS if lower.get(key)), "")
    name = lower.get("name", "")
    if not number and not name:
        return ""
    role = lower.get("role") or lower.get("type")
    parts = (number, name and f"({name})", role and f"[{role}]")
    return " ".join(part for part in parts if part)
