"""Checks that hold for a plug-in of any kind."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hub.sdk import API_VERSION, HealthState, Plugin, PluginSettings, is_secret
from hub.testing.context import FakeContext

CHECK_S = 10.0


class PluginConformance:
    """Set `plugin`, and `settings` if it needs any; both may be fixtures of the subclass instead.

    Every check makes instances of its own.
    """

    plugin: type[Any]

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        """Settings of an instance that works; override it."""
        return {}

    @pytest.fixture
    def ctx(self, tmp_path: Path) -> FakeContext:
        """What the hub gives it."""
        return FakeContext(tmp_path / "hub")

    @pytest.fixture
    def it(self, ctx: FakeContext, settings: dict[str, Any]) -> Iterator[Any]:
        """A working instance, closed twice afterwards."""
        made = self.make(settings, ctx)
        yield made
        made.close()
        made.close()

    def make(self, settings: dict[str, Any], ctx: FakeContext) -> Any:
        """One more instance."""
        return self.plugin(self.plugin.info.settings.model_validate(settings), ctx)

    def test_it_is_built_for_this_api(self) -> None:
        assert API_VERSION.accepts(self.plugin.info.api)

    def test_it_introduces_itself(self) -> None:
        info = self.plugin.info
        assert info.name.isidentifier()
        assert info.name == info.name.lower()
        assert info.title
        assert info.summary

    def test_every_setting_has_a_title_and_says_what_it_is_for(self) -> None:
        fields = self.plugin.info.settings.model_fields
        assert [name for name, field in fields.items() if not (field.title and field.description)] == []

    def test_an_unknown_setting_is_refused(self, settings: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            self.plugin.info.settings.model_validate({**settings, "no_such_setting": 1})

    def test_settings_survive_being_stored(self, settings: dict[str, Any]) -> None:
        model = self.plugin.info.settings
        made = model.model_validate(settings)
        assert model.model_validate(model.upgrade(_plain(made), model.settings_version)) == made

    def test_secrets_do_not_show(self, settings: dict[str, Any]) -> None:
        made = self.plugin.info.settings.model_validate(settings)
        shown = f"{made!r} {made}"
        for name, field in type(made).model_fields.items():
            value = getattr(made, name)
            if is_secret(field) and value is not None and value.get_secret_value():
                assert value.get_secret_value() not in shown

    def test_making_one_touches_nothing(self, settings: dict[str, Any], ctx: FakeContext) -> None:
        first, second = self.make(settings, ctx), self.make(settings, ctx)
        assert ctx.healths == []
        assert ctx.taken == []
        first.close()
        second.close()

    def test_it_can_be_closed_without_ever_being_used(self, settings: dict[str, Any], ctx: FakeContext) -> None:
        made = self.make(settings, ctx)
        made.close()
        made.close()

    def test_the_check_says_how_it_is(self, it: Plugin[Any]) -> None:
        health = it.check()
        assert health.state is not HealthState.DOWN, health.summary
        assert health.summary

    def test_the_check_can_be_repeated(self, it: Plugin[Any]) -> None:
        assert it.check().state is it.check().state

    def test_it_is_not_abstract(self) -> None:
        assert not inspect.isabstract(self.plugin)


def _plain(settings: PluginSettings) -> dict[str, Any]:
    values = settings.model_dump(mode="json")
    for name, field in type(settings).model_fields.items():
        secret = getattr(settings, name)
        if is_secret(field) and secret is not None:
            values[name] = secret.get_secret_value()
    return values
