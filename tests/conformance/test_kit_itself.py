"""The kit passes plug-ins that keep the contract: small whole ones of each kind."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hub.sdk import (
    AlarmNotice,
    BadRecording,
    Health,
    HealthState,
    Kind,
    LegacyItem,
    MediaFile,
    Migrator,
    Notifier,
    PluginInfo,
    PluginSettings,
    RecordingDraft,
    RetryLater,
    SettingsError,
    Source,
    Survey,
    setting,
)
from hub.testing import (
    ConnectorConformance,
    FolderStore,
    MigratorConformance,
    NotifierConformance,
    SourceConformance,
)
from hub.testing.tones import tone, write_wav


class FolderSettings(PluginSettings):
    folder: Path = setting("Folder", "Where it works.", widget="folder")


def draft_of(path: Path) -> RecordingDraft:
    started_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return RecordingDraft(origin_id=path.name, started_at=started_at, media=(MediaFile(path=path),))


class FolderSource(Source[FolderSettings]):
    info: ClassVar[PluginInfo] = PluginInfo(
        name="folder", kind=Kind.SOURCE, title="Folder", summary="Takes files.", settings=FolderSettings
    )

    def check(self) -> Health:
        if not self.settings.folder.is_dir():
            raise SettingsError("There is no such folder.", field="folder", hint="Make it.")
        return Health(HealthState.OK)

    async def run(self) -> None:
        bad: set[str] = set()
        while True:
            for path in sorted(self.settings.folder.glob("*.wav")):
                if path.name in bad:
                    continue
                try:
                    await self.ctx.submit(draft_of(path))
                    path.unlink()
                except BadRecording:
                    bad.add(path.name)
                except RetryLater:
                    break
            await asyncio.sleep(0.05)


class FileNotifier(Notifier[FolderSettings]):
    info: ClassVar[PluginInfo] = PluginInfo(
        name="file", kind=Kind.NOTIFIER, title="File", summary="Writes files.", settings=FolderSettings
    )

    def check(self) -> Health:
        return Health(HealthState.OK)

    def send(self, notice: AlarmNotice) -> None:
        number = len(list(self.settings.folder.iterdir()))
        state = "over" if notice.cleared else notice.severity.value
        text = f"{state} {notice.title}\n{notice.text}\n{notice.hint}"
        (self.settings.folder / f"{number:04}.txt").write_text(text)


class FolderMigrator(Migrator[FolderSettings]):
    info: ClassVar[PluginInfo] = PluginInfo(
        name="old_folder", kind=Kind.MIGRATOR, title="Old folder", summary="Reads files.", settings=FolderSettings
    )

    def check(self) -> Health:
        return Health(HealthState.OK)

    def survey(self) -> Survey:
        return Survey(recordings=len(self._files()))

    def read(self, after: str, batch: int) -> Iterator[Sequence[LegacyItem]]:
        items = [LegacyItem(path.name, draft_of(path)) for path in self._files() if path.name > after]
        for start in range(0, len(items), batch):
            yield items[start : start + batch]

    def _files(self) -> list[Path]:
        return sorted(self.settings.folder.glob("*.wav"))


class TestFolderSource(SourceConformance):
    plugin = FolderSource
    quiet_s = 0.2

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        (folder := tmp_path / "in").mkdir()
        return {"folder": str(folder)}

    def offer(self, number: int, tmp_path: Path) -> None:
        made = write_wav(tmp_path / f"{number}.tmp", [tone(200.0 * number, 0.1)])
        made.rename(tmp_path / "in" / f"{number}.wav")

    def wrong_settings(self, tmp_path):
        yield {"folder": str(tmp_path / "nothing")}, SettingsError


class TestFolderStore(ConnectorConformance):
    plugin = FolderStore

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        (folder := tmp_path / "store").mkdir()
        return {"folder": str(folder)}

    def wrong_settings(self, tmp_path):
        yield {"folder": str(tmp_path / "nothing")}, RetryLater


class TestFileNotifier(NotifierConformance):
    plugin = FileNotifier

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        (folder := tmp_path / "out").mkdir()
        return {"folder": str(folder)}

    def delivered(self, tmp_path: Path) -> list[str]:
        return [path.read_text() for path in sorted((tmp_path / "out").iterdir())]


class TestFolderMigrator(MigratorConformance):
    plugin = FolderMigrator
    expected = 5

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        (folder := tmp_path / "old").mkdir()
        for number in range(5):
            write_wav(folder / f"{number}.wav", [tone(200, 0.05)])
        return {"folder": str(folder)}
