"""Checks that hold for a plug-in of any kind."""

import asyncio
import re
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr, ValidationError

from hub.sdk import API_VERSION, Health, Kind, Plugin, PluginError, PluginSettings, is_secret
from hub.testing.fakes import FakeContext

_NAME = re.compile("[a-z][a-z0-9_]{1,39}")
_SECRET_NAME = re.compile("password|passphrase|secret|token|private_key")
_CHECK_S = 10.0


class PluginConformance:
    """Set `plugin` in the subclass, and override the fixture `settings` where it needs any."""

    plugin: ClassVar[type[Plugin[Any]]]
    kind: ClassVar[Kind]

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        """Settings with which the plug-in works, as JSON values."""
        return {}

    def wrong_settings(self, tmp_path: Path) -> Iterable[tuple[dict[str, Any], type[PluginError]]]:  # noqa: ARG002
        """Settings with which `check` must raise, and what: override it to prove your error messages."""
        return ()

    @pytest.fixture
    def ctx(self, tmp_path: Path) -> Iterator[FakeContext]:
        """What the hub gives the plug-in."""
        given = FakeContext(tmp_path / "hub")
        yield given
        assert given.faults == [], "the hub refuses such recordings"

    @pytest.fixture
    def it(self, settings: dict[str, Any], ctx: FakeContext) -> Iterator[Any]:
        """The plug-in, closed twice at the end."""
        made = self.make(settings, ctx)
        yield made
        made.close()
        made.close()

    def make(self, settings: dict[str, Any], ctx: FakeContext) -> Any:
        """An instance of the plug-in."""
        return self.plugin(self.plugin.info.settings(**settings), ctx)

    def test_it_says_who_it_is(self) -> None:
        """Name, title and summary stand on the Plug-ins page."""
        info = self.plugin.info
        assert _NAME.fullmatch(info.name), "a name has lowercase letters, digits and _, 2 to 40 of them"
        assert info.title.strip()
        assert info.summary.strip()
        assert len(info.summary) <= 200
        assert info.kind is self.kind

    def test_its_api_version_is_accepted(self) -> None:
        """Same major as the hub, minor not above it."""
        assert API_VERSION.accepts(self.plugin.info.api)

    def test_every_setting_has_a_title_and_an_explanation(self) -> None:
        """They are the form, the command line and the documentation."""
        fields = self.plugin.info.settings.model_fields
        assert [name for name, field in fields.items() if not (field.title and field.description)] == []

    def test_settings_that_sound_secret_are_secret(self) -> None:
        """A SecretStr is sealed in the database and shown to nobody."""
        fields = self.plugin.info.settings.model_fields
        assert [name for name, field in fields.items() if _SECRET_NAME.search(name) and not is_secret(field)] == []

    def test_an_unknown_setting_is_refused(self, settings: dict[str, Any]) -> None:
        """A typing error must not be taken for a setting."""
        with pytest.raises(ValidationError):
            self.plugin.info.settings(**{**settings, "no_such_setting": 1})

    def test_settings_cannot_be_changed_afterwards(self, settings: dict[str, Any]) -> None:
        """Several threads read them."""
        made = self.plugin.info.settings(**settings)
        name = next(iter(type(made).model_fields), "any")
        with pytest.raises((ValidationError, AttributeError)):
            setattr(made, name, None)

    def test_secrets_do_not_show_in_text(self, settings: dict[str, Any]) -> None:
        """Logs and error messages print settings."""
        made = self.plugin.info.settings(**settings)
        secrets = [value for _, value in made if isinstance(value, SecretStr)]
        told = f"{made!r} {made}"
        assert [secret for secret in secrets if secret.get_secret_value() and secret.get_secret_value() in told] == []

    def test_settings_of_this_version_pass_the_upgrade_unchanged(self, settings: dict[str, Any]) -> None:
        """What was stored today is read tomorrow."""
        model: type[PluginSettings] = self.plugin.info.settings
        assert model(**model.upgrade(dict(settings), model.settings_version)) == model(**settings)

    def test_making_an_instance_does_nothing_yet(self, settings: dict[str, Any], ctx: FakeContext) -> None:
        """No threads, no memory, no words: all that begins with check(), run() or the first call."""
        threads = threading.active_count()
        made = self.make(settings, ctx)
        assert threading.active_count() == threads
        assert list(ctx.state.items()) == []
        assert (ctx.health, ctx.alarm_history) == ([], [])
        made.close()

    def test_an_instance_that_never_worked_can_be_closed_twice(
        self, settings: dict[str, Any], ctx: FakeContext
    ) -> None:
        """The hub closes what failed to start."""
        made = self.make(settings, ctx)
        made.close()
        made.close()

    def test_two_instances_live_side_by_side(self, settings: dict[str, Any], tmp_path: Path) -> None:
        """Nothing is kept in module variables."""
        first = self.make(settings, FakeContext(tmp_path / "one", "One"))
        second = self.make(settings, FakeContext(tmp_path / "two", "Two"))
        first.close()
        assert isinstance(second.check(), Health)
        second.close()

    def test_check_says_how_it_is_within_ten_seconds(self, it: Plugin[Any]) -> None:
        """With settings that work."""
        began_s = time.monotonic()
        health = it.check()
        assert time.monotonic() - began_s < _CHECK_S
        assert isinstance(health, Health)
        assert health.state.value in {"ok", "degraded"}, health.summary

    def test_check_can_be_repeated(self, it: Plugin[Any]) -> None:
        """The hub asks again and again."""
        assert it.check().state is it.check().state

    def test_check_leaves_the_hub_as_it_was(self, it: Plugin[Any], ctx: FakeContext) -> None:
        """It submits nothing, remembers nothing and raises no alarm."""
        it.check()
        assert (ctx.attempts, ctx.details, ctx.alarm_history, list(ctx.state.items())) == (0, {}, [], [])

    def test_wrong_settings_are_told_with_a_hint(self, ctx: FakeContext, tmp_path: Path) -> None:
        """An error is an instruction: its class tells the hub what to do, its hint tells the person."""
        for settings, error in self.wrong_settings(tmp_path):
            made = self.make(settings, ctx)
            try:
                with pytest.raises(error) as caught:
                    made.check()
                assert str(caught.value)
                assert caught.value.hint, f"{caught.value} has no hint"
            finally:
                made.close()


def files_below(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below `folder` with its size and time of change, for seeing whether anything was touched."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            about = path.stat()
            found[str(path.relative_to(folder))] = (about.st_size, about.st_mtime_ns)
    return found


async def until(condition: Any, timeout_s: float, what: str) -> None:
    """Wait until `condition()` is true.

    Raises: AssertionError after `timeout_s`, saying `what` did not happen.
    """
    ends_s = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        assert asyncio.get_running_loop().time() < ends_s, f"{what} did not happen within {timeout_s:g} s"
        await asyncio.sleep(0.02)
