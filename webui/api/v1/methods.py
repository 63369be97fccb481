"""Which methods a path takes: the framework names those of one route only."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

_SLOT = re.compile(r"\\\{[^}]*\\\}")


def allowed_methods(document: Mapping[str, Any], path: str) -> list[str]:
    """The methods of the most literal operation path that `path` fits; none if it fits no path."""
    fitting = [
        (template.count("{"), methods)
        for template, methods in document["paths"].items()
        if _pattern(template).fullmatch(path)
    ]
    if not fitting:
        return []
    _, methods = min(fitting, key=lambda found: found[0])
    return sorted(method.upper() for method in methods)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(_SLOT.sub("[^/]+", re.escape(template)))
