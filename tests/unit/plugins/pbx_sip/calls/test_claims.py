"""Whose media is between two endpoints, when several calls have asked for one of them."""

from plugins.pbx_sip.calls.claims import Claims

PHONE, GATEWAY, LINE, STRANGER = 1, 2, 3, 4


def claimed(**calls: tuple[int, int, int]) -> Claims:
    """Claims of calls, each of two endpoints since a moment."""
    claims = Claims()
    for call_id, (one, other, since_ns) in calls.items():
        for endpoint in (one, other):
            claims.claim(endpoint, call_id, since_ns)
    return claims


def test_media_between_two_endpoints_is_of_the_call_that_has_asked_for_both() -> None:
    claims = claimed(first=(PHONE, GATEWAY, 10), second=(PHONE, LINE, 20))
    assert not claims.is_anothers("first", GATEWAY, PHONE)
    assert claims.is_anothers("first", PHONE, LINE)
    assert not claims.is_anothers("first", STRANGER, PHONE)


def test_a_call_keeps_what_comes_from_its_own_peer_when_another_one_takes_its_endpoint() -> None:
    claims = claimed(first=(PHONE, GATEWAY, 10), second=(PHONE, LINE, 20))
    assert claims.taken_ns(PHONE, "first", 10) == 20
    assert claims.taken_ns(PHONE, "first", 10, STRANGER) == 20
    assert claims.taken_ns(PHONE, "first", 10, GATEWAY) > 20


def test_what_is_kept_for_a_call_that_goes_on_is_known_until_it_is_over() -> None:
    claims = claimed(first=(PHONE, GATEWAY, 10), second=(PHONE, LINE, 20))
    assert claims.held_by_others_ns(PHONE, "second") == 10
    claims.forget("second")
    assert claims.is_anothers("first", LINE, PHONE)
    assert {call_id for _, call_id, _ in claims.beside("first")} == {"first", "second"}
    claims.forget("first")
    assert (claims._claims, claims._places, claims._done) == ({}, {}, set())


def test_what_was_before_a_call_is_forgotten_with_it() -> None:
    claims = claimed(first=(PHONE, GATEWAY, 10), second=(PHONE, LINE, 20))
    claims.forget("first")
    assert claims.held(PHONE) == [(20, "second")]
    assert claims.held_by_others_ns(PHONE, "second") > 20


def test_whose_media_it_is_stays_known_of_any_number_of_calls_from_one_port() -> None:
    claims = Claims()
    for number in range(500):
        for endpoint in (PHONE, 1000 + number):
            claims.claim(endpoint, f"call {number}", number + 1)
    assert all(claims.held_by_others_ns(PHONE, f"call {number}") == (2 if number == 0 else 1) for number in range(500))
    assert claims.ways_beside(["call 7", "call 8"]) == {
        (PHONE, 1000 + each) for each in range(500) if each not in {7, 8}
    }
    assert {call_id for _, call_id, _ in claims.beside("call 7")} == {f"call {number}" for number in range(500)}
    for number in range(500):
        claims.forget(f"call {number}")
    assert (claims._claims, claims._places, claims._done) == ({}, {}, set())


def test_calls_that_are_over_are_not_remembered_for_ever_because_of_one_that_goes_on() -> None:
    claims = claimed(first=(PHONE, GATEWAY, 10))
    for number in range(1000):
        for endpoint in (PHONE, 1000 + number):
            claims.claim(endpoint, f"call {number}", 20 + number)
        claims.forget(f"call {number}")
    assert len(claims._places) < 100
    assert claims.held_by_others_ns(PHONE, "call 999") == 10
    claims.forget("first")
    assert (claims._claims, claims._places, claims._done) == ({}, {}, set())
