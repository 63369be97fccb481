import threading

import pytest
from sqlalchemy import select

from hub.access.models import RepeatRow
from hub.access.person import Person
from hub.access.repeats import Claim, Repeats, Turn
from hub.config.secrets import SecretBox
from hub.db.database import Database
from tests.unit.access.conftest import SetClock


@pytest.fixture
def repeats(db: Database, clock: SetClock) -> Repeats:
    return Repeats(db, SecretBox({"k": b"k" * 32}, "k"), clock=clock)


def test_the_first_request_is_carried_out_and_the_second_gets_its_answer(
    repeats: Repeats, administrator: Person, db: Database
) -> None:
    assert repeats.begin(administrator.id, "key", b"h" * 32) == Claim(Turn.DO)
    assert repeats.begin(administrator.id, "key", b"h" * 32) == Claim(Turn.BUSY)
    repeats.finish(administrator.id, "key", 201, "rh_secret")
    assert repeats.begin(administrator.id, "key", b"h" * 32) == Claim(Turn.REPLAY, 201, "rh_secret")
    with db.read() as session:
        assert "rh_secret" not in (session.scalars(select(RepeatRow)).one().answer or "")


def test_the_same_key_with_another_request_is_a_mismatch(repeats: Repeats, administrator: Person) -> None:
    repeats.begin(administrator.id, "key", b"h" * 32)
    assert repeats.begin(administrator.id, "key", b"x" * 32).turn is Turn.MISMATCH


def test_keys_of_two_people_have_nothing_to_do_with_each_other(
    repeats: Repeats, administrator: Person, listener: Person
) -> None:
    repeats.begin(administrator.id, "key", b"h" * 32)
    assert repeats.begin(listener.id, "key", b"x" * 32).turn is Turn.DO


def test_a_key_under_which_nothing_was_done_is_free_again(repeats: Repeats, administrator: Person) -> None:
    repeats.begin(administrator.id, "key", b"h" * 32)
    repeats.abandon(administrator.id, "key")
    assert repeats.begin(administrator.id, "key", b"h" * 32).turn is Turn.DO


def test_a_claim_that_died_with_its_process_is_free_after_a_minute(
    repeats: Repeats, administrator: Person, clock: SetClock
) -> None:
    repeats.begin(administrator.id, "key", b"h" * 32)
    clock.move(seconds=59)
    assert repeats.begin(administrator.id, "key", b"h" * 32).turn is Turn.BUSY
    clock.move(seconds=1)
    assert repeats.begin(administrator.id, "key", b"h" * 32).turn is Turn.DO
    assert repeats.begin(administrator.id, "key", b"h" * 32).turn is Turn.BUSY


def test_answers_are_kept_for_a_day(repeats: Repeats, administrator: Person, clock: SetClock) -> None:
    repeats.begin(administrator.id, "key", b"h" * 32)
    repeats.finish(administrator.id, "key", 200, "{}")
    clock.move(hours=23)
    assert repeats.begin(administrator.id, "key", b"h" * 32).turn is Turn.REPLAY
    clock.move(hours=1)
    assert repeats.begin(administrator.id, "key", b"h" * 32).turn is Turn.DO


def test_of_ten_at_once_one_is_carried_out(repeats: Repeats, administrator: Person) -> None:
    together = threading.Barrier(10)
    turns: list[Turn] = []

    def claim() -> None:
        together.wait()
        turns.append(repeats.begin(administrator.id, "key", b"h" * 32).turn)

    threads = [threading.Thread(target=claim) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turns) == sorted([Turn.DO, *[Turn.BUSY] * 9])
