import errno
import hashlib
import io
import time

import pytest

from hub.errors import HubError
from hub.sdk import AuthError, NotFound, RetryLater
from hub.vault.stores import StoreFault, Stores, Trouble, name_trouble
from tests.doubles.stores import FakeStore, local_store


@pytest.fixture
def fake():
    store = FakeStore()
    yield store
    store.go.set()


@pytest.fixture
def stores(fake):
    stores = Stores({1: fake}.__getitem__, calls_max=2, deadline_s=0.3)
    yield stores
    fake.go.set()
    stores.close()


def put(stores, key="a/b", content=b"hello"):
    return stores.put(1, key, io.BytesIO(content), len(content), hashlib.sha256(content).hexdigest())


def test_objects_go_in_and_out(stores):
    assert put(stores).size_bytes == 5
    assert stores.stat(1, "a/b").size_bytes == 5
    with stores.open(1, "a/b", 1, 3) as reader:
        assert reader.read() == b"ell"
    assert stores.delete(1, "a/b")
    with pytest.raises(NotFound):
        stores.stat(1, "a/b")


def test_a_connector_is_opened_once_and_anew_after_it_was_forgotten(fake):
    opened = []

    def open_instance(store_id):
        opened.append(store_id)
        return fake

    stores = Stores(open_instance)
    put(stores)
    put(stores)
    assert opened == [1]
    stores.forget(1)
    assert fake.closed == 1
    put(stores)
    assert opened == [1, 1]
    stores.close()
    assert fake.closed == 2


def test_an_instance_that_cannot_be_opened_is_tried_again_the_next_time(fake):
    answers = iter([HubError("gone"), fake])

    def open_instance(_):
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    stores = Stores(open_instance)
    with pytest.raises(StoreFault, match="cannot be opened: gone"):
        put(stores)
    assert put(stores).size_bytes == 5


def test_a_plug_in_that_cannot_even_be_made_is_a_fault_of_the_store():
    stores = Stores({}.__getitem__)
    with pytest.raises(StoreFault, match="KeyError"):
        put(stores)


@pytest.mark.parametrize("error", [RetryLater("away"), AuthError("refused"), NotFound("no")])
def test_what_the_contract_allows_passes_as_it_is(stores, fake, error):
    fake.fail = error
    with pytest.raises(type(error)):
        stores.stat(1, "a")


def test_what_no_contract_allows_is_a_fault_that_names_the_store(stores, fake):
    fake.fail = KeyError("bucket")
    with pytest.raises(StoreFault, match="Fake storage: KeyError"):
        stores.stat(1, "a")


def test_a_store_that_hangs_is_given_up(stores, fake):
    fake.go.clear()
    for call in (lambda: put(stores), lambda: stores.stat(1, "a")):
        with pytest.raises(RetryLater, match="did not answer"):
            call()
    with pytest.raises(RetryLater, match="owes"):
        stores.open(1, "a")


def test_a_read_that_hangs_is_given_up(stores, fake):
    put(stores)
    reader = stores.open(1, "a/b")
    fake.open = None

    class Hanging(io.BytesIO):
        def read(self, size=-1):
            fake.go.wait()
            return b""

    reader.raw._opened = Hanging()
    fake.go.clear()
    with pytest.raises(RetryLater):
        reader.read(10)
    fake.go.set()
    reader.close()


def test_a_slow_store_that_keeps_reading_gets_all_the_time_it_needs(fake):
    class Slow(FakeStore):
        def put(self, key, reader, size_bytes, sha256):
            while reader.read(1000):
                time.sleep(0.1)
            return super().put(key, io.BytesIO(b"x" * size_bytes), size_bytes, sha256)

    stores = Stores(lambda _: Slow(), deadline_s=0.35)
    assert put(stores, content=b"x" * 12_000).size_bytes == 12_000


def test_full_is_told_from_away_by_the_systems_error_under_it(tmp_path):
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as exc:
            raise RetryLater("full") from exc
    except RetryLater as exc:
        assert name_trouble(exc) is Trouble.FULL
    assert name_trouble(RetryLater("away")) is Trouble.DOWN
    assert name_trouble(AuthError("refused")) is Trouble.AUTH


def test_a_real_folder_works_behind_it_too(tmp_path):
    stores = Stores(lambda _: local_store(tmp_path / "store"))
    content = bytes(range(256)) * 5000
    seal = hashlib.sha256(content).hexdigest()
    assert stores.put(1, "2026/a", io.BytesIO(content), len(content), seal).sha256 == seal
    with stores.open(1, "2026/a", 1000, 700_000) as reader:
        assert reader.read() == content[1000:701_000]
    stores.close()
