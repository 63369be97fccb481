"""A plug-in's own memory."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.runtime.state import KeyedState
from hub.sdk import RetryLater

anything = st.text(st.characters(codec=None, exclude_categories=[]), max_size=20)


def test_what_was_kept_is_there_after_a_restart(tmp_path):
    with KeyedState(tmp_path / "state") as state:
        state.put("cursor", {"file": "a.wav", "n": 3})
        state.put("cursor", [1, None, "ü"])
    with KeyedState(tmp_path / "state") as state:
        assert state.get("cursor") == [1, None, "ü"]
        assert state.get("nothing") is None


def test_many_are_kept_together_or_not_at_all(tmp_path):
    with KeyedState(tmp_path / "state") as state:
        state.put_many({"a": 1, "b": 2})
        with pytest.raises(TypeError):
            state.put_many({"a": 5, "c": object()})
        assert list(state.items()) == [("a", 1), ("b", 2)]


def test_keys_are_forgotten(tmp_path):
    with KeyedState(tmp_path / "state") as state:
        state.put_many({"a": 1, "b": 2, "c": 3})
        state.delete("a", "c", "never was")
        assert list(state.items()) == [("b", 2)]


def test_items_of_a_prefix_come_in_order_however_many(tmp_path):
    with KeyedState(tmp_path / "state") as state:
        state.put_many({f"seen/{number:05}": number for number in range(1201)})
        state.put_many({"seem": 0, "seen": 0, "seen0": 0})
        assert [value for _, value in state.items("seen/")] == list(range(1201))


def test_items_may_be_deleted_while_they_are_read(tmp_path):
    with KeyedState(tmp_path / "state") as state:
        state.put_many({f"{number:05}": number for number in range(1201)})
        for item in state.items():
            state.delete(item[0])
        assert list(state.items()) == []


@given(st.dictionaries(anything, st.integers() | anything, max_size=5))
def test_any_text_is_a_key_even_a_name_that_is_no_unicode(tmp_path_factory, values):
    with KeyedState(tmp_path_factory.mktemp("state") / "state") as state:
        state.put_many(values)
        assert dict(state.items()) == values
        assert [key for key, _ in state.items()] == sorted(values)


def test_threads_share_it(tmp_path):
    with KeyedState(tmp_path / "state") as state:
        threads = [threading.Thread(target=lambda n=n: [state.put(f"{n}/{i}", i) for i in range(20)]) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(list(state.items())) == 80


def test_a_file_that_is_no_database_is_set_aside_and_a_fresh_one_begun(tmp_path):
    (tmp_path / "state").write_bytes(b"this is no database, but it is long enough to be looked at" * 20)
    with KeyedState(tmp_path / "state") as state:
        assert state.set_aside is not None
        assert state.set_aside.read_bytes().startswith(b"this is no database")
        state.put("a", 1)
        assert state.get("a") == 1


def test_a_disk_that_refuses_is_a_reason_to_try_later(tmp_path):
    with KeyedState(tmp_path / "state") as state:
        state.put("a", 1)
        state._database.execute("PRAGMA query_only = 1")
        with pytest.raises(RetryLater, match="memory cannot be used"):
            state.put("a", 2)
        assert state.get("a") == 1
