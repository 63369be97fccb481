"""axe-core on an open page."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.doubles import frontend

_COLOURS = ["color-contrast", "link-in-text-block"]
_AT_ONCE = """() => {
    const still = new CSSStyleSheet()
    still.replaceSync('*, ::before, ::after { transition: none !important }')
    document.adoptedStyleSheets.push(still)
}"""
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def source(shared: Path) -> str:
    """axe-core's source, from the locked packages. shared: a folder that all test processes use."""
    return (frontend.shared(shared) / "node_modules" / "axe-core" / "axe.min.js").read_text()


def violations(page: Page, axe: str) -> list[str]:
    """What axe finds in light, and of what depends on colours in dark.

    It is evaluated and not inserted as a script, since the policy forbids that.
    """
    page.evaluate(axe)
    page.evaluate(_AT_ONCE)
    found = _run(page, {"type": "tag", "values": _TAGS})
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {each}" for each in _run(page, {"type": "rule", "values": _COLOURS})]
    page.emulate_media(color_scheme="light")
    return found


def _run(page: Page, only: dict[str, Any]) -> list[str]:
    found: dict[str, Any] = page.evaluate(
        "only => axe.run(document, {runOnly: only, resultTypes: ['violations']})", only
    )
    return [
        f"{violation['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
