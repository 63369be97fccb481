import pytest

from hub.sdk import RetryLater
from hub.testing import FakeState
from plugins.ipoffice.folder import Look
from plugins.ipoffice.memory import HeldFile, HeldFiles, LazyWriter, SeenFiles, mark

LOOK = Look(1000, 5, 7)


def test_seen_files_are_known_after_a_restart_and_changed_ones_are_new() -> None:
    state = FakeState()
    writer = LazyWriter(state)
    seen = SeenFiles(state, writer, "main")
    seen.add("a.wav", LOOK)
    writer.flush()
    again = SeenFiles(state, writer, "main")
    assert again.has("a.wav", LOOK)
    assert again.has("a.wav", Look(1000, 5, 99))  # a restored copy of the folder has other inodes
    assert not again.has("a.wav", Look(1001, 5, 7))
    assert not SeenFiles(state, writer, "other").has("a.wav", LOOK)


def test_seen_files_that_are_gone_are_forgotten() -> None:
    state = FakeState()
    writer = LazyWriter(state)
    seen = SeenFiles(state, writer, "main")
    for number in range(10):
        seen.add(f"{number}.wav", LOOK)
    seen.keep_only({mark("3.wav", LOOK)})
    writer.flush()
    assert len(seen) == len(list(state.items("seen:"))) == 1


def test_a_name_of_strange_bytes_is_remembered() -> None:
    state = FakeState()
    writer = LazyWriter(state)
    held = HeldFiles(state, writer, "main")
    file = HeldFile("r1", "\udcff.wav", "/in", "t/r/\udcff.wav", LOOK, ("t/s/x.xml",))
    held.add("t", file)
    writer.flush()
    assert list(HeldFiles(state, writer, "main").list()) == [("t", file)]
    held.remove("t")
    assert list(held.list()) == []


def test_what_cannot_be_written_now_is_written_later() -> None:
    class FullDisk(FakeState):
        full = True

        def put_many(self, values: dict) -> None:  # type: ignore[override]
            if self.full:
                raise RetryLater("full")
            super().put_many(values)

    state = FullDisk()
    writer = LazyWriter(state)
    writer.put("a", 1)
    with pytest.raises(RetryLater):
        writer.flush()
    state.full = False
    writer.flush()
    assert state.get("a") == 1
