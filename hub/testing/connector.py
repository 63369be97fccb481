"""Checks of a storage connector."""

import hashlib
import io
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, BinaryIO, ClassVar, cast

import pytest

from hub.sdk import BadRecording, Connector, Deletes, Kind, NotFound, PluginError, StoredObject
from hub.testing.fakes import FakeContext
from hub.testing.plugin import PluginConformance

KEY = "2026/11/21/05T3KZ8Q1WM2X.opus"
NASTY_KEYS = (
    "2026/11/21/05T3KZ8Q1WM2X-1.orig.wav",
    "with space/and plus+and comma,.opus",
    "per%20cent/100%.opus",
    "hash#question?and&amp;=.opus",
    "quotes'\"/`back`.opus",
    "ünïcode/世界/אב.opus",
    "emoji/\N{PERFORMING ARTS}.opus",
    "dots..in...name.opus",
    "-dash/--first.opus",
    "a/b/c/d/e/f/g/h/deep.opus",
    "long/" + "x" * 180 + ".opus",
)
STRANGE_KEYS = ("", "/", "/absolute", "../outside", "a/../../outside", "a//b", "a/./b", "a/", "nul\0byte", "new\nline")
_BIG_BYTES = 24 << 20
_MOST_BYTES = 12 << 20


class ConnectorConformance(PluginConformance):
    """Set `plugin`, and override the fixture `settings` so that each test gets an empty storage of its own."""

    kind: ClassVar[Kind] = Kind.CONNECTOR

    @pytest.mark.parametrize("size_bytes", [0, 1, 65_537, (5 << 20) + 3])
    def test_what_is_put_comes_out_again(self, it: Connector[Any], size_bytes: int) -> None:
        """Byte by byte, whatever its size."""
        data = pattern(size_bytes)
        stored = put(it, KEY, data)
        assert (stored.key, stored.size_bytes) == (KEY, size_bytes)
        assert read(it, KEY) == data

    def test_stat_tells_size_and_checksum(self, it: Connector[Any]) -> None:
        """A storage that knows no checksum says "", and never a wrong one."""
        data = pattern(1000)
        put(it, KEY, data)
        found = it.stat(KEY)
        assert (found.key, found.size_bytes) == (KEY, 1000)
        assert found.sha256 in {"", sha256_of(data)}

    @pytest.mark.parametrize(
        ("offset", "length"), [(0, 10), (990, None), (500, 100), (999, 1), (990, 100), (1000, None), (1000, 5), (0, 0)]
    )
    def test_a_range_is_read(self, it: Connector[Any], offset: int, length: int | None) -> None:
        """A player asks for parts; past the end there is nothing."""
        data = pattern(1000)
        put(it, KEY, data)
        end = None if length is None else offset + length
        with it.open(KEY, offset, length) as stream:
            assert stream.read() == data[offset:end]

    def test_a_stream_can_be_read_in_pieces_and_left_early(self, it: Connector[Any]) -> None:
        """A listener who skips does not read to the end."""
        data = pattern(300_000)
        put(it, KEY, data)
        with it.open(KEY, 100) as stream:
            assert stream.read(7) + stream.read(70_000) == data[100:70_107]
        with it.open(KEY) as first, it.open(KEY, 10) as second:
            assert first.read(5) == data[:5]
            assert second.read(5) == data[10:15]

    def test_a_missing_key_is_not_found(self, it: Connector[Any]) -> None:
        """By stat and by open, in an empty storage and beside others."""
        for _ in range(2):
            for key in (KEY, "2026/11/21/other.opus", "2026/11"):
                with pytest.raises(NotFound):
                    it.stat(key)
                with pytest.raises(NotFound):
                    it.open(key)
            put(it, "2026/11/21/stored.opus", b"x")

    def test_the_same_again_changes_nothing(self, it: Connector[Any]) -> None:
        """The hub repeats a put whose answer it did not get."""
        assert put(it, KEY, b"same") == put(it, KEY, b"same")
        assert [found.key for found in it.list()] == [KEY]

    def test_other_bytes_under_a_taken_key_are_refused(self, it: Connector[Any]) -> None:
        """A recording is never overwritten, be the new bytes longer, shorter or of the same length."""
        put(it, KEY, b"first")
        for other in (b"other", b"longer than it", b"x", b""):
            with pytest.raises(BadRecording):
                put(it, KEY, other)
            assert read(it, KEY) == b"first"

    @pytest.mark.parametrize("change", ["hash", "short", "long"])
    def test_bytes_that_are_not_what_was_said_leave_nothing(self, it: Connector[Any], change: str) -> None:
        """A wrong hash, or more or fewer bytes than announced."""
        data = pattern(70_000)
        size = len(data) + {"hash": 0, "short": 1, "long": -1}[change]
        digest = "0" * 64 if change == "hash" else sha256_of(data)
        with pytest.raises(BadRecording):
            it.put(KEY, io.BytesIO(data), size, digest)
        self._assert_empty(it)

    def test_a_reader_that_breaks_leaves_nothing(self, it: Connector[Any]) -> None:
        """Half an object is no object."""
        data = pattern(200_000)
        with pytest.raises((OSError, PluginError)):
            it.put(KEY, _reader(data, breaks_at=150_000), len(data), sha256_of(data))
        self._assert_empty(it)
        put(it, KEY, data)
        assert read(it, KEY) == data

    def test_a_reader_may_give_little_at_a_time_and_cannot_be_rewound(self, it: Connector[Any]) -> None:
        """It may be a network stream."""
        data = pattern(10_000)
        it.put(KEY, _reader(data, most=777), len(data), sha256_of(data))
        assert read(it, KEY) == data

    def test_a_large_object_is_not_held_in_memory(self, it: Connector[Any]) -> None:
        """A call of five hours passes through in pieces, in and out."""
        data = pattern(1 << 20) * (_BIG_BYTES >> 20)
        digest, reader = sha256_of(data), _reader(data, most=1 << 20)
        tracemalloc.start()
        try:
            it.put(KEY, reader, len(data), digest)
            with it.open(KEY) as stream:
                while stream.read(1 << 16):
                    pass
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak_bytes < _MOST_BYTES, f"{peak_bytes >> 20} MB were held for an object of {_BIG_BYTES >> 20} MB"

    @pytest.mark.parametrize("key", NASTY_KEYS)
    def test_a_nasty_key_is_a_key(self, it: Connector[Any], key: str) -> None:
        """Stored, found and listed under exactly this name."""
        put(it, key, b"nasty")
        assert read(it, key) == b"nasty"
        assert it.stat(key).size_bytes == 5
        assert [found.key for found in it.list()] == [key]

    @pytest.mark.parametrize("key", STRANGE_KEYS)
    def test_a_strange_key_is_refused_or_kept_exactly_and_never_leads_elsewhere(
        self, it: Connector[Any], key: str
    ) -> None:
        """Where names are paths, some keys would lead out of the storage or onto another key."""
        try:
            put(it, key, b"strange")
        except PluginError:
            self._assert_empty(it)
            with pytest.raises(NotFound):
                it.stat(key)
            with pytest.raises(NotFound):
                it.open(key)
        else:
            assert [found.key for found in it.list()] == [key]
            assert read(it, key) == b"strange"

    def test_keys_that_begin_alike_are_apart(self, it: Connector[Any]) -> None:
        """One may look like the folder of another."""
        for key in ("a/b", "a/bc", "a/b.c", "ab"):
            put(it, key, key.encode())
        assert {found.key: read(it, found.key) for found in it.list()} == {
            key: key.encode() for key in ("a/b", "a/bc", "a/b.c", "ab")
        }

    def test_a_list_tells_all_below_a_prefix(self, it: Connector[Any]) -> None:
        """A prefix is a beginning of text, not a folder."""
        assert list(it.list()) == []
        sizes = {"2026/01/a": 1, "2026/01/b": 2, "2026/02/c": 3, "2025/c": 4}
        for key, size_bytes in sizes.items():
            put(it, key, pattern(size_bytes))
        for prefix in ("", "2026", "2026/0", "2026/01/", "2026/01/a", "2024", "2026/01/ab"):
            expected = {key: size for key, size in sizes.items() if key.startswith(prefix)}
            assert {found.key: found.size_bytes for found in it.list(prefix)} == expected, prefix

    def test_a_list_of_many_is_whole(self, it: Connector[Any]) -> None:
        """Storages answer in pages; each object is told once."""
        keys = [f"many/{number:04}.opus" for number in range(130)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: put(it, key, key.encode()), keys))
        assert sorted(found.key for found in it.list("many/")) == keys

    def test_puts_at_the_same_time_do_not_disturb_each_other(self, it: Connector[Any]) -> None:
        """The worker stores several recordings at once."""
        datas = {f"parallel/{number}.opus": pattern(100_000 + number) for number in range(12)}
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda item: put(it, *item), datas.items()))
        assert {key: read(it, key) for key in datas} == datas

    def test_the_same_put_twice_at_the_same_time_is_one_object(self, it: Connector[Any]) -> None:
        """Two workers after a crash of the first one's claim."""
        data = pattern(300_000)
        results = _race(it, [data] * 4)
        assert [result for result in results if isinstance(result, Exception)] == []
        assert read(it, KEY) == data
        assert len(list(it.list())) == 1

    def test_of_different_puts_at_the_same_time_one_wins_whole(self, it: Connector[Any]) -> None:
        """The others are refused, and no object is made of two."""
        datas = [bytes([65 + number]) * 200_000 for number in range(4)]
        results = _race(it, datas)
        lost = [result for result in results if isinstance(result, Exception)]
        assert all(isinstance(result, BadRecording) for result in lost), lost
        assert len(lost) == 3
        winner = next(number for number, result in enumerate(results) if isinstance(result, StoredObject))
        assert read(it, KEY) == datas[winner]

    def test_an_object_is_not_seen_before_it_is_whole(self, it: Connector[Any]) -> None:
        """Whoever reads meanwhile finds nothing, not a part."""
        data = pattern(400_000)
        seen: list[str] = []

        def look() -> None:
            with pytest.raises(NotFound):
                it.stat(KEY)
            seen.extend(found.key for found in it.list())

        it.put(KEY, _reader(data, look_at=200_000, look=look), len(data), sha256_of(data))
        assert seen == []
        assert read(it, KEY) == data

    def test_a_fresh_instance_finds_what_was_stored(
        self, it: Connector[Any], settings: dict[str, Any], ctx: FakeContext
    ) -> None:
        """The hub was restarted; a second process has its own."""
        put(it, KEY, b"kept")
        again = self.make(settings, ctx)
        assert read(again, KEY) == b"kept"
        with pytest.raises(BadRecording):
            put(again, KEY, b"other")
        again.close()

    def test_check_stores_nothing(self, it: Connector[Any]) -> None:
        """A trial object would be found by an auditor."""
        it.check()
        assert list(it.list()) == []

    def test_what_is_deleted_is_gone_and_its_neighbours_are_not(self, it: Connector[Any]) -> None:
        """Of connectors that can delete."""
        if not isinstance(it, Deletes):
            pytest.skip("it does not delete")
        for key in (KEY, f"{KEY}.peaks", "2026/11/21/other.opus"):
            put(it, key, b"x")
        it.delete(KEY)
        it.delete(KEY)
        it.delete("never/was")
        with pytest.raises(NotFound):
            it.stat(KEY)
        assert sorted(found.key for found in it.list()) == sorted([f"{KEY}.peaks", "2026/11/21/other.opus"])
        put(it, KEY, b"new bytes under the freed key")
        assert read(it, KEY) == b"new bytes under the freed key"

    def _assert_empty(self, it: Connector[Any]) -> None:
        assert list(it.list()) == []
        with pytest.raises(NotFound):
            it.stat(KEY)


class _Reader(io.RawIOBase):
    """A stream that cannot be rewound, gives `most` bytes at once, and calls `look` or breaks on its way."""

    def __init__(
        self,
        data: bytes,
        *,
        most: int = 65_536,
        breaks_at: int | None = None,
        look_at: int | None = None,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self._data = data
        self._place = 0
        self._most = most
        self._breaks_at = breaks_at
        self._look_at = look_at
        self._look = look

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._breaks_at is not None and self._place >= self._breaks_at:
            raise OSError("the source broke off")
        if self._look_at is not None and self._place >= self._look_at:
            self._look_at = None
            self._look()
        part = memoryview(self._data)[self._place : self._place + min(self._most, len(buffer))]
        buffer[: len(part)] = part
        self._place += len(part)
        return len(part)


def _reader(data: bytes, **habits: Any) -> BinaryIO:
    return cast("BinaryIO", _Reader(data, **habits))


def pattern(size_bytes: int) -> bytes:
    """Bytes that repeat with no power of two, so that exchanged blocks are noticed."""
    period = bytes(number * 31 % 251 for number in range(251))
    return (period * (size_bytes // 251 + 1))[:size_bytes]


def sha256_of(data: bytes) -> str:
    """Lowercase hex."""
    return hashlib.sha256(data).hexdigest()


def put(connector: Connector[Any], key: str, data: bytes) -> StoredObject:
    """Store `data` as the hub does."""
    return connector.put(key, io.BytesIO(data), len(data), sha256_of(data))


def read(connector: Connector[Any], key: str) -> bytes:
    """The whole object."""
    with connector.open(key) as stream:
        return stream.read()


def _race(connector: Connector[Any], datas: list[bytes]) -> list[StoredObject | Exception]:
    """Put all under one key at the same time; what each returned or raised.

    In the middle of its object each put waits for the others, for a while: a connector may also let them queue.
    """
    middle = threading.Barrier(len(datas))

    def wait() -> None:
        with suppress(threading.BrokenBarrierError):
            middle.wait(0.5)

    def go(data: bytes) -> StoredObject | Exception:
        reader = _reader(data, look_at=len(data) // 2, look=wait)
        try:
            return connector.put(KEY, reader, len(data), sha256_of(data))
        except Exception as exc:  # noqa: BLE001 - looked at by the test
            return exc

    with ThreadPoolExecutor(len(datas)) as pool:
        return list(pool.map(go, datas))
