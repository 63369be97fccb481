"""axe-core on an open page."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.doubles import frontend

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def source(shared: Path) -> str:
    """axe-core's source, from the locked packages. shared: a folder that all test processes use."""
    return (frontend.shared(shared) / "node_modules" / "axe-core" / "axe.min.js").read_text()


def violations(page: Page, axe: str) -> list[str]:
    """What axe finds; it is evaluated and not inserted as a script, since the policy forbids that."""
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS
    )
    return [
        f"{violation['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
