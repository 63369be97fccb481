"""Conformance of a migrator: it counts what it reads, reads it in order, and can go on anywhere."""

from datetime import timedelta
from typing import Any

from hub.sdk import LegacyItem, Migrator
from hub.testing.plugin import PluginConformance


def read_all(it: Migrator[Any], after: str = "", batch: int = 100) -> list[LegacyItem]:
    """Every item after a cursor."""
    return [item for items in it.read(after, batch) for item in items]


class MigratorConformance(PluginConformance):
    """The fixture `settings` names a legacy recorder with at least three recordings."""

    def test_the_survey_counts_what_there_is(self, it: Migrator[Any]) -> None:
        assert it.survey().recordings == len(read_all(it)) >= 3

    def test_cursors_rise(self, it: Migrator[Any]) -> None:
        cursors = [item.cursor for item in read_all(it)]
        assert cursors == sorted(set(cursors))

    def test_batches_are_no_larger_than_asked(self, it: Migrator[Any]) -> None:
        assert all(1 <= len(items) <= 2 for items in it.read("", 2))

    def test_a_run_goes_on_after_any_item(self, it: Migrator[Any]) -> None:
        items = read_all(it)
        for number, item in enumerate(items):
            assert [later.cursor for later in read_all(it, item.cursor)] == [
                later.cursor for later in items[number + 1 :]
            ]

    def test_reading_again_gives_the_same(self, it: Migrator[Any]) -> None:
        assert read_all(it, batch=2) == read_all(it, batch=100)

    def test_every_recording_has_an_origin_of_its_own_and_a_time(self, it: Migrator[Any]) -> None:
        drafts = [item.draft for item in read_all(it)]
        assert len({draft.origin_id for draft in drafts}) == len(drafts)
        assert all(draft.started_at.utcoffset() == timedelta(0) for draft in drafts)
