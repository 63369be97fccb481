"""Debian's Chromium, driven by Playwright; it collects what pages complain about."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.doubles.services import LOGIN, PASSWORD
from tests.doubles.site import Site

DEBIAN = "/usr/bin/chromium"
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def chromium() -> str:
    """The browser's path.

    Raises: AssertionError naming the package that is missing.
    """
    path = os.environ.get("CHROMIUM", DEBIAN)
    assert Path(path).exists() or shutil.which(path), f"{path} is missing: install the Debian package chromium"
    return path


@contextmanager
def launched() -> Iterator[Browser]:
    """A running browser."""
    arguments = ["--autoplay-policy=no-user-gesture-required", "--mute-audio", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield browser
        browser.close()


@dataclass
class Complaints:
    """What the console and the scripts of one page said."""

    lines: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Collect errors, and everything about the content security policy."""
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.lines.append(f"script: {error.stack or error}"))

    def _note(self, message: ConsoleMessage) -> None:
        text = message.text
        is_answer = text.startswith("Failed to load resource") and " 5" not in text
        # axe clones elements with a style of their own to measure colours; it is evaluated and so has no address
        is_axe = "inline style" in text and not message.location["url"]
        if message.type == "error" and not is_answer and not is_axe:
            self.lines.append(f"console: {text} at {message.location}")


@contextmanager
def visiting(browser: Browser, site: Site, path: str = "/recordings", **options: Any) -> Iterator[Page]:
    """A page of somebody who is signed in; the test fails if scripts fail or the policy is violated."""
    context = browser.new_context(
        **{"base_url": site.address, "viewport": DESKTOP, "timezone_id": "Europe/Vienna"} | options
    )
    context.set_default_timeout(30_000)
    if site.token:
        context.add_cookies([{"name": "sid", "value": site.token, "url": site.address}])
    page = context.new_page()
    complaints = Complaints()
    complaints.watch(page)
    page.goto(path)
    yield page
    context.close()
    assert not complaints.lines, "\n".join(complaints.lines)


def sign_in(page: Page, login: str = LOGIN, password: str = PASSWORD) -> None:
    """Through the form, as people do."""
    page.goto("/sign-in")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/recordings*")
