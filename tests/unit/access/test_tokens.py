import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from hub.access import opaque
from hub.access.accounts import Accounts
from hub.access.errors import InvalidEntry, NotThere
from hub.access.models import ApiTokenRow, PersonRow
from hub.access.permissions import PERMISSIONS, allows
from hub.access.person import Person
from hub.access.scope import visible
from hub.access.tokens import ApiTokens
from hub.db.database import Database
from tests.unit.access.conftest import ACTOR, SetClock


@pytest.fixture
def tokens(db: Database, clock: SetClock) -> ApiTokens:
    return ApiTokens(db, clock=clock)


def test_a_token_is_recognisable_and_only_its_hash_is_stored(
    tokens: ApiTokens, administrator: Person, clock: SetClock, db: Database
) -> None:
    made = tokens.create(administrator, "export", ["recording.list"], clock.now + timedelta(days=1), ACTOR)
    assert re.fullmatch(r"rh_[0-9A-Za-z]{49}", made.plain)
    assert made.plain.endswith(made.token.ending)
    with db.read() as session:
        row = session.scalars(select(ApiTokenRow)).one()
    assert row.token_hash == opaque.digest(made.plain)
    assert made.plain not in str(vars(row))


def test_a_token_does_only_what_it_was_made_for_even_for_an_administrator(
    tokens: ApiTokens, administrator: Person, clock: SetClock
) -> None:
    made = tokens.create(administrator, "player", ["recording.play"], clock.now + timedelta(days=1), ACTOR)
    bearer = tokens.find(made.plain)
    assert bearer is not None
    assert bearer.person.permissions == {"recording.play", "recording.list"}
    assert not allows(bearer.person, "recording.download")
    assert str(visible(bearer.person).where) == str(visible(administrator).where)


def test_a_token_carries_no_permission_that_its_person_has_lost(
    tokens: ApiTokens, accounts: Accounts, listener: Person, clock: SetClock, db: Database
) -> None:
    made = tokens.create(listener, "t", ["recording.play"], clock.now + timedelta(days=1), ACTOR)
    with db.write() as session:
        session.get_one(PersonRow, listener.id).permissions = ["recording.list"]
    bearer = tokens.find(made.plain)
    assert bearer is not None
    assert bearer.person.permissions == {"recording.list"}


def test_nobody_gives_a_token_what_they_do_not_have(tokens: ApiTokens, listener: Person, clock: SetClock) -> None:
    ends = clock.now + timedelta(days=1)
    for keys, text in (
        (["device.add"], "do not have"),
        (["recording.fly"], "no permission"),
        ([], "at least one"),
    ):
        with pytest.raises(InvalidEntry, match=text) as refused:
            tokens.create(listener, "t", keys, ends, ACTOR)
        assert refused.value.field == "permissions"


def test_a_token_ends(tokens: ApiTokens, administrator: Person, clock: SetClock) -> None:
    made = tokens.create(administrator, "t", ["recording.list"], clock.now + timedelta(days=1), ACTOR)
    clock.move(hours=23)
    assert tokens.find(made.plain)
    clock.move(hours=1)
    assert tokens.find(made.plain) is None


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_a_token_without_an_end_in_the_next_year_is_not_made(
    tokens: ApiTokens, administrator: Person, clock: SetClock, days: int
) -> None:
    with pytest.raises(InvalidEntry) as refused:
        tokens.create(administrator, "t", ["recording.list"], clock.now + timedelta(days=days), ACTOR)
    assert refused.value.field == "expires_at"


def test_a_revoked_token_and_that_of_a_disabled_person_find_nobody(
    tokens: ApiTokens, accounts: Accounts, administrator: Person, listener: Person, clock: SetClock
) -> None:
    ends = clock.now + timedelta(days=1)
    hers = tokens.create(administrator, "t", ["recording.list"], ends, ACTOR)
    his = tokens.create(listener, "t", ["recording.list"], ends, ACTOR)
    with pytest.raises(NotThere):
        tokens.revoke(listener, hers.token.id, ACTOR)
    tokens.revoke(administrator, hers.token.id, ACTOR)
    tokens.revoke(administrator, hers.token.id, ACTOR)
    accounts.disable(listener.id, ACTOR)
    assert tokens.find(hers.plain) is None
    assert tokens.find(his.plain) is None
    assert [token.revoked_at for token in tokens.list(administrator)] == [clock.now]


def test_when_a_token_was_last_used_is_known_to_the_minute(
    tokens: ApiTokens, administrator: Person, clock: SetClock
) -> None:
    made = tokens.create(administrator, "t", ["recording.list"], clock.now + timedelta(days=1), ACTOR)
    assert tokens.list(administrator)[0].last_used_at is None
    tokens.find(made.plain)
    first = clock.now
    clock.move(seconds=59)
    tokens.find(made.plain)
    assert tokens.list(administrator)[0].last_used_at == first
    clock.move(seconds=1)
    tokens.find(made.plain)
    assert tokens.list(administrator)[0].last_used_at == clock.now


def test_a_person_has_a_limited_number_of_tokens(tokens: ApiTokens, administrator: Person, clock: SetClock) -> None:
    ends = clock.now + timedelta(days=1)
    for number in range(50):
        tokens.create(administrator, f"t{number}", ["recording.list"], ends, ACTOR)
    with pytest.raises(InvalidEntry, match="50 tokens"):
        tokens.create(administrator, "one more", ["recording.list"], ends, ACTOR)
    clock.move(days=1)
    assert tokens.create(administrator, "one more", ["recording.list"], ends + timedelta(days=1), ACTOR).plain


@given(st.text(max_size=80))
def test_no_text_by_chance_has_the_form_of_a_token(text: str) -> None:
    assert not opaque.is_api_token(text)


def test_a_mistyped_token_is_known_without_asking_the_database() -> None:
    token = opaque.new_api_token()
    assert opaque.is_api_token(token)
    other = "A" if token[20] != "A" else "B"
    assert not opaque.is_api_token(token[:20] + other + token[21:])


def test_an_administrator_may_do_everything_that_has_a_key(administrator: Person) -> None:
    assert all(allows(administrator, key) for key in PERMISSIONS.keys)
