"""Conformance of a connector: what was put is there, whole, and nothing else is."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from hub.sdk import BadRecording, Connector, Deletes, Links, NotFound, Retains, RetryLater
from hub.testing.context import FakeContext
from hub.testing.plugin import PluginConformance

NASTY_KEYS = (
    "2026/11/21/0SA50JRK0705P.opus",
    "a b/c d.wav",
    "quotes ' and \".wav",
    "percent %41 and plus + and #.wav",
    "umlaute äöü/中文/Здравствуй.wav",
    "question ? star * and ; & =.wav",
    "many/" * 20 + "folders.wav",
    "-rf.wav",
    "x" * 200 + ".wav",
)


def content_of(size_bytes: int, seed: int = 0) -> bytes:
    """Bytes that repeat nowhere soon; the same for the same arguments."""
    blocks = (hashlib.sha256(f"{seed}:{number}".encode()).digest() for number in range(size_bytes // 32 + 1))
    return b"".join(blocks)[:size_bytes]


def put(it: Connector[Any], key: str, content: bytes) -> Any:
    """Put `content` as the vault does."""
    return it.put(key, io.BytesIO(content), len(content), hashlib.sha256(content).hexdigest())


def read(opened: BinaryIO) -> bytes:
    """All of what was opened, closed afterwards."""
    with opened:
        return opened.read()


class ConnectorConformance(PluginConformance):
    """The fixture `settings` names an empty place. Abilities are seen by `isinstance`; one that is not there skips."""

    nasty_keys: tuple[str, ...] = NASTY_KEYS

    @pytest.mark.parametrize("size_bytes", [0, 1, 4095, 65_536, 65_537, 3_000_001])
    def test_what_was_put_comes_back(self, it: Connector[Any], size_bytes: int) -> None:
        content = content_of(size_bytes)
        stored = put(it, "d/a.opus", content)
        assert stored.key == "d/a.opus"
        assert stored.size_bytes == size_bytes
        assert stored.sha256 in {"", hashlib.sha256(content).hexdigest()}
        assert read(it.open("d/a.opus")) == content

    def test_every_key_keeps_its_own_content(self, it: Connector[Any]) -> None:
        for seed, key in enumerate(self.nasty_keys):
            put(it, key, content_of(100, seed))
        for seed, key in enumerate(self.nasty_keys):
            assert read(it.open(key)) == content_of(100, seed), key
        assert {found.key for found in it.list()} == set(self.nasty_keys)

    @pytest.mark.parametrize("key", ["../outside", "/absolute", "a/../../outside", "a//b", "", ".", "a/./b", "a\0b"])
    def test_a_key_that_leads_elsewhere_is_refused(self, it: Connector[Any], key: str) -> None:
        with pytest.raises(BadRecording):
            put(it, key, b"x")
        assert list(it.list()) == []

    @pytest.mark.parametrize(
        ("offset", "length"), [(0, 10), (990, None), (990, 10), (990, 100), (500, 1), (1000, None)]
    )
    def test_a_range_is_just_that_range(self, it: Connector[Any], offset: int, length: int | None) -> None:
        content = content_of(1000)
        put(it, "a", content)
        end = None if length is None else offset + length
        assert read(it.open("a", offset, length)) == content[offset:end]

    def test_reading_piece_by_piece_gives_the_whole(self, it: Connector[Any]) -> None:
        content = content_of(100_000)
        put(it, "a", content)
        with it.open("a") as opened:
            pieces = list(iter(lambda: opened.read(7777), b""))
        assert b"".join(pieces) == content

    def test_a_missing_key_is_not_found(self, it: Connector[Any]) -> None:
        with pytest.raises(NotFound):
            it.stat("no/such/key")
        with pytest.raises(NotFound):
            read(it.open("no/such/key"))

    def test_a_part_of_a_key_is_not_found(self, it: Connector[Any]) -> None:
        put(it, "folder/a.wav", b"x")
        with pytest.raises(NotFound):
            it.stat("folder")
        with pytest.raises(NotFound):
            it.stat("folder/a")

    def test_stat_says_what_put_said(self, it: Connector[Any]) -> None:
        stored = put(it, "a", content_of(10))
        assert it.stat("a").size_bytes == stored.size_bytes
        assert it.stat("a").key == "a"

    def test_the_same_again_changes_nothing(self, it: Connector[Any]) -> None:
        content = content_of(10)
        assert put(it, "a", content) == put(it, "a", content)
        assert [found.key for found in it.list()] == ["a"]

    def test_other_bytes_under_a_key_that_is_taken_are_refused(self, it: Connector[Any]) -> None:
        put(it, "a", b"first")
        with pytest.raises(BadRecording):
            put(it, "a", b"other")
        assert read(it.open("a")) == b"first"

    def test_bytes_that_are_not_what_was_announced_leave_nothing(self, it: Connector[Any]) -> None:
        with pytest.raises(BadRecording):
            it.put("a", io.BytesIO(b"other"), 5, hashlib.sha256(b"these").hexdigest())
        with pytest.raises(NotFound):
            it.stat("a")
        assert list(it.list()) == []

    @pytest.mark.parametrize("announced_bytes", [3, 9])
    def test_a_length_that_is_not_what_was_announced_leaves_nothing(
        self, it: Connector[Any], announced_bytes: int
    ) -> None:
        with pytest.raises(BadRecording):
            it.put("a", io.BytesIO(b"these"), announced_bytes, hashlib.sha256(b"these").hexdigest())
        assert list(it.list()) == []

    def test_a_reader_that_breaks_leaves_nothing(self, it: Connector[Any]) -> None:
        with pytest.raises((OSError, RetryLater)):
            it.put("a", io.BufferedReader(_Breaking()), 100_000, hashlib.sha256(b"").hexdigest())
        with pytest.raises(NotFound):
            it.stat("a")
        put(it, "a", b"later")
        assert read(it.open("a")) == b"later"

    def test_a_list_has_what_begins_with_the_prefix(self, it: Connector[Any]) -> None:
        for key in ("2026/11/21/a", "2026/11/22/b", "2026/11/2", "2025/11/21/c"):
            put(it, key, b"x")
        assert {found.key for found in it.list("2026/11/2")} == {"2026/11/21/a", "2026/11/22/b", "2026/11/2"}
        assert {found.key for found in it.list("2026/11/21/")} == {"2026/11/21/a"}
        assert {found.key for found in it.list("1999")} == set()

    def test_a_list_knows_sizes(self, it: Connector[Any]) -> None:
        put(it, "a", content_of(1234))
        assert [found.size_bytes for found in it.list()] == [1234]

    def test_several_threads_may_put_at_once(self, it: Connector[Any]) -> None:
        contents = {f"d{number % 3}/{number}": content_of(20_000, number) for number in range(24)}
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: put(it, key, contents[key]), contents))
        assert {found.key for found in it.list()} == set(contents)
        assert all(read(it.open(key)) == content for key, content in contents.items())

    def test_one_key_put_by_several_threads_is_there_once(self, it: Connector[Any]) -> None:
        content = content_of(200_000)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _: put(it, "a", content), range(6)))
        assert [found.key for found in it.list()] == ["a"]
        assert read(it.open("a")) == content

    def test_another_instance_finds_what_was_put(
        self, it: Connector[Any], settings: dict[str, Any], tmp_path: Path
    ) -> None:
        put(it, "a", b"kept")
        other = self.make(settings, FakeContext(tmp_path / "another hub"))
        assert read(other.open("a")) == b"kept"
        other.close()

    def test_the_check_leaves_nothing_behind(self, it: Connector[Any]) -> None:
        it.check()
        assert list(it.list()) == []

    def test_what_was_deleted_is_gone(self, it: Connector[Any]) -> None:
        deleting = _able(it, Deletes)
        put(it, "d/a", b"x")
        put(it, "d/b", b"y")
        deleting.delete("d/a")
        deleting.delete("d/a")
        with pytest.raises(NotFound):
            it.stat("d/a")
        assert read(it.open("d/b")) == b"y"
        put(it, "d/a", b"again")
        assert read(it.open("d/a")) == b"again"

    def test_a_link_is_an_address(self, it: Connector[Any]) -> None:
        linking = _able(it, Links)
        put(it, "a", b"x")
        assert linking.link("a", timedelta(minutes=5)).startswith(("http://", "https://"))

    def test_what_is_retained_cannot_be_deleted(self, it: Connector[Any]) -> None:
        retaining = _able(it, Retains)
        put(it, "a", b"x")
        retaining.retain("a", datetime.now(UTC) + timedelta(days=1))
        if isinstance(it, Deletes):
            with pytest.raises(Exception):  # noqa: B017, PT011 - each store refuses in its own words
                it.delete("a")
        assert read(it.open("a")) == b"x"


def _able(it: Any, ability: type[Any]) -> Any:
    if not isinstance(it, ability):
        pytest.skip(f"{type(it).__name__} has no ability {ability.__name__}")
    return it


class _Breaking(io.RawIOBase):
    """Gives some bytes, then fails."""

    def __init__(self) -> None:
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._given >= 50_000:
            raise OSError("unplugged")
        count = min(len(buffer), 10_000)
        buffer[:count] = bytes(count)
        self._given += count
        return count
