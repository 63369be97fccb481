"""The kit must catch a connector that breaks its contract."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from hub.sdk import BadRecording, Health, HealthState, Kind, NotFound, PluginInfo, PluginSettings, StoredObject, setting
from hub.testing import ConnectorConformance, FakeContext, FolderStore
from hub.testing.connector import KEY, sha256_of


class Overwrites(FolderStore):
    def put(self, key: str, reader: BinaryIO, size_bytes: int, sha256: str) -> StoredObject:
        self.delete(key)
        return super().put(key, reader, size_bytes, sha256)


class Replaces(FolderStore):
    """Takes the name without looking."""

    def _link(self, aside: Path, target: Path, sha256: str) -> None:
        aside.replace(target)


class Trusting(FolderStore):
    """Believes the announced size and hash."""

    def put(self, key: str, reader: BinaryIO, size_bytes: int, sha256: str) -> StoredObject:
        data = reader.read()
        return super().put(key, io.BytesIO(data), len(data), sha256_of(data))


class Early(FolderStore):
    """Shows an object while it is still being written."""

    def put(self, key: str, reader: BinaryIO, size_bytes: int, sha256: str) -> StoredObject:
        path = self._path(key)
        assert path is not None
        with path.open("wb") as file:
            while part := reader.read(1 << 16):
                file.write(part)
        if path.stat().st_size != size_bytes or sha256_of(path.read_bytes()) != sha256:
            path.unlink()
            raise BadRecording("no")
        return StoredObject(key=key, size_bytes=size_bytes)


class Swallows(FolderStore):
    """Holds everything in memory."""

    def put(self, key: str, reader: BinaryIO, size_bytes: int, sha256: str) -> StoredObject:
        return super().put(key, io.BytesIO(reader.read()), size_bytes, sha256)


class Lies(FolderStore):
    def stat(self, key: str) -> StoredObject:
        found = super().stat(key)
        return StoredObject(key=key, size_bytes=found.size_bytes, sha256="0" * 64)


class Ignores(FolderStore):
    """Does not mind offset and length."""

    def open(self, key: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        return super().open(key)


class Crashes(FolderStore):
    def open(self, key: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        path = self._path(key)
        assert path is not None
        return path.open("rb")


class Pages(FolderStore):
    """Tells only the first page."""

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        return (found for _, found in zip(range(100), super().list(prefix), strict=False))


class Forgets(FolderStore):
    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        return (found for found in super().list() if found.key.startswith(prefix.rpartition("/")[0]))


class Leaves(FolderStore):
    """Its check leaves a trial object."""

    def check(self) -> Health:
        self.put("trial", io.BytesIO(b""), 0, sha256_of(b""))
        return Health(HealthState.OK)


class Strict(FolderStore):
    def delete(self, key: str) -> None:
        path = self._path(key)
        assert path is not None
        try:
            path.unlink()
        except FileNotFoundError:
            raise NotFound(key) from None


class Wide(FolderStore):
    """Deletes by prefix."""

    def delete(self, key: str) -> None:
        for found in list(self.list(key)):
            super().delete(found.key)


class Talks(FolderStore):
    def __init__(self, settings: Any, ctx: Any) -> None:
        super().__init__(settings, ctx)
        ctx.state.put("made", 1)


class Bare(FolderStore):
    class Settings(PluginSettings):
        folder: str
        api_token: str = setting("Token", "Should be a secret.", default="")

    info = PluginInfo(name="Bare Store", kind=Kind.SOURCE, title=" ", summary="S.", settings=Settings)


@pytest.mark.parametrize(
    ("mutant", "check", "arguments"),
    [
        (Overwrites, "test_other_bytes_under_a_taken_key_are_refused", {}),
        (Replaces, "test_of_different_puts_at_the_same_time_one_wins_whole", {}),
        (Trusting, "test_bytes_that_are_not_what_was_said_leave_nothing", {"change": "hash"}),
        (Trusting, "test_bytes_that_are_not_what_was_said_leave_nothing", {"change": "short"}),
        (Trusting, "test_bytes_that_are_not_what_was_said_leave_nothing", {"change": "long"}),
        (Early, "test_an_object_is_not_seen_before_it_is_whole", {}),
        (Early, "test_a_reader_that_breaks_leaves_nothing", {}),
        (Swallows, "test_a_large_object_is_not_held_in_memory", {}),
        (Lies, "test_stat_tells_size_and_checksum", {}),
        (Ignores, "test_a_range_is_read", {"offset": 990, "length": None}),
        (Crashes, "test_a_missing_key_is_not_found", {}),
        (Crashes, "test_a_range_is_read", {"offset": 0, "length": 10}),
        (Pages, "test_a_list_of_many_is_whole", {}),
        (Forgets, "test_a_list_tells_all_below_a_prefix", {}),
        (Leaves, "test_check_stores_nothing", {}),
        (Strict, "test_what_is_deleted_is_gone_and_its_neighbours_are_not", {}),
        (Wide, "test_what_is_deleted_is_gone_and_its_neighbours_are_not", {}),
    ],
)
def test_a_connector_that_breaks_its_contract_is_caught(tmp_path, mutant, check, arguments):
    kit = type("Kit", (ConnectorConformance,), {"plugin": mutant})()
    (tmp_path / "store").mkdir()
    it = kit.make({"folder": str(tmp_path / "store")}, FakeContext(tmp_path))
    with pytest.raises((AssertionError, pytest.fail.Exception, FileNotFoundError, NotFound)):
        getattr(kit, check)(it, **arguments)


@pytest.mark.parametrize(
    ("mutant", "check"),
    [
        (Talks, "test_making_an_instance_does_nothing_yet"),
        (Bare, "test_it_says_who_it_is"),
        (Bare, "test_every_setting_has_a_title_and_an_explanation"),
        (Bare, "test_settings_that_sound_secret_are_secret"),
    ],
)
def test_a_plug_in_that_does_not_explain_itself_is_caught(tmp_path, mutant, check):
    kit = type("Kit", (ConnectorConformance,), {"plugin": mutant})()
    needed = {"settings": {"folder": str(tmp_path)}, "ctx": FakeContext(tmp_path)}
    wanted = getattr(kit, check).__code__.co_varnames[1 : getattr(kit, check).__code__.co_argcount]
    with pytest.raises(AssertionError):
        getattr(kit, check)(**{name: needed[name] for name in wanted})


def test_the_same_checks_pass_on_the_store_that_the_mutants_spoil(tmp_path):
    kit = type("Kit", (ConnectorConformance,), {"plugin": FolderStore})()
    (tmp_path / "store").mkdir()
    it = kit.make({"folder": str(tmp_path / "store")}, FakeContext(tmp_path))
    kit.test_other_bytes_under_a_taken_key_are_refused(it)
    assert [found.key for found in it.list()] == [KEY]
