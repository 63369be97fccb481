import hashlib
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest

from hub import ids
from hub.catalog.prepared import MediaKind, Verified
from hub.sdk import BadRecording, RetryLater
from hub.vault.placement import make_key, make_stem, place, stem_of
from hub.vault.stores import Stores
from tests.doubles.stores import FakeStore, local_store

CONTENT = b"RIFF" + bytes(1000)
SEAL = (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def opener():
    return io.BytesIO(CONTENT)


@pytest.fixture
def fake():
    return FakeStore()


@pytest.fixture
def stores(fake):
    return Stores(lambda _: fake)


def test_a_key_is_made_of_the_day_in_utc_and_the_id():
    moment = datetime(2026, 11, 21, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    stem = make_stem(5, moment, 0)
    assert stem == f"2026/11/20/{ids.to_text(5)}"
    assert make_stem(5, moment, 2) == f"{stem}-2"
    assert make_key(stem, MediaKind.ORIGINAL, "wav") == f"{stem}.orig.wav"
    assert make_key(stem, MediaKind.DERIVED, "opus") == f"{stem}.opus"
    assert make_key(stem, MediaKind.PEAKS, "") == f"{stem}.peaks"
    assert stem_of(make_key(stem, MediaKind.ORIGINAL, "wav")) == stem
    assert make_stem(5, datetime(1969, 1, 2, tzinfo=UTC), 0).startswith("1969/01/02/")


def test_a_checksum_of_the_store_is_enough(stores, fake):
    assert place(stores, 1, "a", opener, SEAL, read_back=False).verified_by is Verified.SHA256
    assert fake.calls == ["put"]


def test_without_a_checksum_all_of_it_is_read_back(stores, fake):
    fake.tells_checksum = False
    assert place(stores, 1, "a", opener, SEAL, read_back=False).verified_by is Verified.READ_BACK
    assert fake.calls == ["put", "open"]


def test_policy_can_ask_for_reading_back(stores, fake):
    assert place(stores, 1, "a", opener, SEAL, read_back=True).verified_by is Verified.READ_BACK


def test_a_store_that_keeps_other_bytes_than_it_got_is_found_out(stores, fake):
    fake.corrupt = True
    with pytest.raises(RetryLater, match="were sent"):
        place(stores, 1, "a", opener, SEAL, read_back=True)


def test_the_same_again_changes_nothing(stores, fake):
    first = place(stores, 1, "a.opus", opener, SEAL, read_back=False)
    assert place(stores, 1, "a.opus", opener, SEAL, read_back=False) == first
    assert list(fake.objects) == ["a.opus"]


def test_a_key_that_is_taken_by_other_bytes_is_left_alone_and_stands_beside_it(stores, fake):
    fake.objects["2026/11/21/ID.orig.wav"] = b"what an earlier attempt left"
    stored = place(stores, 1, "2026/11/21/ID.orig.wav", opener, SEAL, read_back=False)
    assert stored.key == f"2026/11/21/ID~{SEAL[1][:8]}.orig.wav"
    assert fake.objects[stored.key] == CONTENT
    assert fake.objects["2026/11/21/ID.orig.wav"] == b"what an earlier attempt left"
    assert stem_of(stored.key) == f"2026/11/21/ID~{SEAL[1][:8]}"


def test_bytes_that_changed_since_their_seal_are_refused(tmp_path):
    stores = Stores(lambda _: local_store(tmp_path))
    with pytest.raises(BadRecording, match="announced"):
        place(stores, 1, "a", lambda: io.BytesIO(b"rotten"), SEAL, read_back=False)
    stores.close()
