"""Checks of a migrator."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hub.sdk import Kind, LegacyItem, Migrator
from hub.testing.fakes import check_draft
from hub.testing.plugin import PluginConformance, files_below


class MigratorConformance(PluginConformance):
    """Give settings that lead to a legacy recorder with `expected` recordings, at least three."""

    kind: ClassVar[Kind] = Kind.MIGRATOR
    expected: ClassVar[int]

    def snapshot(self, tmp_path: Path) -> Callable[[], object]:
        """How the legacy recorder looks, for proving that nothing is written to it; override it for a database."""
        return lambda: files_below(tmp_path)

    def test_the_survey_counts_what_is_read(self, it: Migrator[Any]) -> None:
        """The administrator plans by it."""
        survey = it.survey()
        assert survey.recordings == self.expected
        assert survey.media_bytes is None or survey.media_bytes >= 0
        assert len(_all(it)) == self.expected

    def test_cursors_rise_strictly(self, it: Migrator[Any]) -> None:
        """A run goes on after the last one that was committed."""
        cursors = [item.cursor for item in _all(it, batch=2)]
        assert all(cursors)
        assert all(earlier < later for earlier, later in pairwise(cursors)), cursors

    @pytest.mark.parametrize("batch", [1, 2, 1000])
    def test_batches_are_no_larger_than_asked_for_and_none_is_empty(self, it: Migrator[Any], batch: int) -> None:
        """Each is committed at once."""
        sizes = [len(items) for items in it.read("", batch)]
        assert all(0 < size <= batch for size in sizes), sizes
        assert sum(sizes) == self.expected

    def test_reading_goes_on_after_any_cursor(self, it: Migrator[Any]) -> None:
        """Whatever was committed is not read again, and nothing is missed."""
        everything = _all(it)
        for place, item in enumerate(everything):
            rest = [later.cursor for later in _all(it, after=item.cursor)]
            assert rest == [later.cursor for later in everything[place + 1 :]]

    def test_reading_twice_gives_the_same(self, it: Migrator[Any]) -> None:
        """The second run of a migration finds duplicates by origin id."""
        assert [item.draft.origin_id for item in _all(it)] == [item.draft.origin_id for item in _all(it)]

    def test_origin_ids_are_unique_and_drafts_whole(self, it: Migrator[Any]) -> None:
        """What is wrong with one item stands in its draft's `problem`."""
        items = _all(it)
        for item in items:
            check_draft(item.draft)
        origin_ids = [item.draft.origin_id for item in items]
        assert len(set(origin_ids)) == len(origin_ids)

    def test_nothing_is_written_to_the_legacy_recorder(self, it: Migrator[Any], tmp_path: Path) -> None:
        """It may still be in use, and it is evidence."""
        look = self.snapshot(tmp_path)
        before = look()
        it.check()
        it.survey()
        _all(it)
        assert look() == before


def _all(migrator: Migrator[Any], after: str = "", batch: int = 100) -> list[LegacyItem]:
    return [item for items in migrator.read(after, batch) for item in items]
