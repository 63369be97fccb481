"""Checks of a notifier."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hub.sdk import AlarmNotice, Kind, Notifier, Severity
from hub.testing.plugin import PluginConformance

AT = datetime(2026, 11, 21, 13, 5, 59, tzinfo=UTC)


def notice(**changes: Any) -> AlarmNotice:
    """An alarm on its way out."""
    values: dict[str, Any] = {
        "key": "instance:7/folder.gone",
        "code": "DEVICE_DOWN",
        "severity": Severity.MAJOR,
        "title": "Device does not work",
        "text": "Device Head office does not work: the folder is gone",
        "at": AT,
        "hint": "Mount it again.",
    }
    return AlarmNotice(**{**values, **changes})


class NotifierConformance(PluginConformance):
    """Say in `delivered` what has arrived at the other end."""

    kind: ClassVar[Kind] = Kind.NOTIFIER

    @abstractmethod
    def delivered(self, tmp_path: Path) -> Sequence[str]:
        """The whole text of each message that has arrived, in order."""

    def test_each_notice_arrives_once_with_what_people_need(self, it: Notifier[Any], tmp_path: Path) -> None:
        """What happened, and what to do."""
        it.send(notice())
        it.send(notice(key="other", text="Another trouble"))
        first, second = self.delivered(tmp_path)
        assert "the folder is gone" in first
        assert "Mount it again." in first
        assert "Another trouble" in second

    @pytest.mark.parametrize("severity", list(Severity))
    def test_every_severity_is_told(self, it: Notifier[Any], tmp_path: Path, severity: Severity) -> None:
        """By its name."""
        it.send(notice(severity=severity))
        assert severity.value in self.delivered(tmp_path)[0].lower()

    def test_the_end_of_an_alarm_reads_otherwise_than_its_begin(self, it: Notifier[Any], tmp_path: Path) -> None:
        """Nobody should get up at night for good news."""
        it.send(notice())
        it.send(notice(cleared=True))
        begun, over = self.delivered(tmp_path)
        assert begun != over

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "ünïcode 世界 \N{PERFORMING ARTS}",
            "<script>alert('x')</script> & \"quotes\"",
            "two\nlines\r\nof it",
            "x" * 20_000,
        ],
    )
    def test_any_text_is_carried(self, it: Notifier[Any], tmp_path: Path, text: str) -> None:
        """It holds what people typed and what machines said."""
        it.send(notice(text=text, title=text[:100]))
        assert len(self.delivered(tmp_path)) == 1

    def test_check_tells_nobody(self, it: Notifier[Any], tmp_path: Path) -> None:
        """The Test button has its own message, sent by the hub."""
        it.check()
        assert list(self.delivered(tmp_path)) == []
