"""Conformance of a notifier: an alarm arrives, and so does its end."""

from abc import abstractmethod
from datetime import UTC, datetime
from typing import Any

from hub.sdk import AlarmNotice, Notifier, Severity
from hub.testing.plugin import PluginConformance


def notice(
    key: str = "device.down", *, cleared: bool = False, text: str = "The hand-off folder is gone."
) -> AlarmNotice:
    """An alarm on its way out."""
    return AlarmNotice(
        key=key,
        code="DEVICE_DOWN",
        severity=Severity.MAJOR,
        title="Device down",
        text=text,
        at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
        hint="Look whether it is mounted.",
        cleared=cleared,
    )


class NotifierConformance(PluginConformance):
    """Say in `delivered` what has arrived at the other side."""

    @abstractmethod
    def delivered(self) -> list[str]:
        """The texts that arrived, oldest first."""

    def test_a_notice_arrives_once(self, it: Notifier[Any]) -> None:
        it.send(notice())
        assert len(self.delivered()) == 1
        assert "The hand-off folder is gone." in self.delivered()[0]

    def test_the_end_of_the_trouble_arrives_as_well(self, it: Notifier[Any]) -> None:
        it.send(notice())
        it.send(notice(cleared=True))
        first, second = self.delivered()
        assert first != second

    def test_text_in_any_language_arrives_whole(self, it: Notifier[Any]) -> None:
        text = 'Gerät "Zürich" 录音 <b>&amp;</b>'
        it.send(notice(text=text))
        assert text in self.delivered()[0]

    def test_the_check_sends_nothing(self, it: Notifier[Any]) -> None:
        it.check()
        assert self.delivered() == []
