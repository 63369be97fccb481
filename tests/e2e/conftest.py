"""A real hub, pages over sample calls, and a real browser."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.app.services import Services
from hub.audit.actor import SYSTEM
from hub.config import load_config
from hub.db.database import Database
from tests.doubles import browser as browsers
from tests.doubles import services as doubles
from tests.doubles.hub import Hub
from tests.doubles.site import Site


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """`recording-hub serve` on a free port, in a folder of its own."""
    with Hub(tmp_path / "data") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a module; Playwright's event loop would stand in the way of other modules' own."""
    expect.set_options(timeout=20_000)  # a busy machine is slow, and is not wrong
    with browsers.launched() as running:
        yield running


@dataclass(frozen=True)
class Template:
    """A data folder to copy, and the token of a browser that is signed in there."""

    folder: Path
    token: str

    def copy(self, target: Path) -> Services:
        """Services over a copy of it."""
        shutil.copytree(self.folder, target)
        config = load_config({}, data=target)
        return doubles.build(config, Database(config.database_url))


def _template(folder: Path, *, samples: bool, administrator: bool = True) -> Template:
    config = load_config({}, data=folder)
    config.make_folders()
    with closing(Database(config.database_url)) as db:
        db.upgrade()
        services = doubles.build(config, db)
        if not administrator:
            services.board.close()
            return Template(folder, "")
        doubles.add_administrator(services)
        if samples:
            doubles.add_samples(services)
        token = services.accounts.sign_in(doubles.LOGIN, doubles.PASSWORD, SYSTEM).session_token
        services.board.close()
    return Template(folder, token)


@pytest.fixture(scope="module")
def sample_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A hub with sample calls, devices and alarms, made a moment ago: its calls and its sign-in grow old in a long run."""
    return _template(tmp_path_factory.mktemp("samples") / "data", samples=True)


@pytest.fixture(scope="module")
def empty_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A hub with an administrator and nothing else."""
    return _template(tmp_path_factory.mktemp("empty") / "data", samples=False)


def _serving(template: Template, folder: Path) -> Iterator[Site]:
    services = template.copy(folder)
    with Site(services, token=template.token) as running:
        yield running
    services.board.close()
    services.db.close()


@pytest.fixture
def empty_site(empty_template: Template, tmp_path: Path) -> Iterator[Site]:
    """The pages of a hub that has no device yet."""
    yield from _serving(empty_template, tmp_path / "empty")


@pytest.fixture
def fresh_site(tmp_path: Path) -> Iterator[Site]:
    """The pages of a hub that has no administrator yet."""
    yield from _serving(_template(tmp_path / "template", samples=False, administrator=False), tmp_path / "fresh")


@pytest.fixture
def site(sample_template: Template, tmp_path: Path) -> Iterator[Site]:
    """The pages over sample calls, devices and alarms."""
    yield from _serving(sample_template, tmp_path / "samples")


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """The administrator's list of recordings, on a desktop; scripts that fail and violations of the policy fail the test."""
    with browsers.visiting(browser, site) as opened:
        yield opened
