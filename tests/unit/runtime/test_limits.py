"""Back-off and the count of crashes."""

from hub.runtime.limits import BackOff, Limits


def test_pauses_double_from_one_second_to_five_minutes():
    back_off = BackOff(Limits())
    assert [back_off.pause_s() for _ in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_long_life_starts_the_pauses_anew_and_a_short_one_does_not():
    back_off = BackOff(Limits())
    assert [back_off.pause_s(), back_off.pause_s()] == [1, 2]
    back_off.lived(59)
    assert back_off.pause_s() == 4
    back_off.lived(61)
    assert [back_off.pause_s(), back_off.pause_s(), back_off.pause_s()] == [0, 1, 2]


def test_five_crashes_in_ten_minutes_are_one_too_many():
    back_off = BackOff(Limits())
    assert [back_off.crashed(at) for at in (0, 100, 200, 300, 599)] == [False, False, False, False, True]


def test_crashes_far_apart_are_forgiven():
    back_off = BackOff(Limits())
    assert not any(back_off.crashed(at) for at in range(0, 10_000, 160))


def test_a_person_who_asks_for_a_restart_wipes_the_slate():
    back_off = BackOff(Limits())
    for at in range(4):
        back_off.crashed(at)
        back_off.pause_s()
    back_off.forget()
    assert back_off.pause_s() == 1
    assert not back_off.crashed(5)


def test_what_worked_and_dies_is_started_at_once_and_again_only_after_a_pause() -> None:
    back_off = BackOff(Limits())
    pauses = []
    for _ in range(5):
        back_off.lived(10, has_worked=True)
        pauses.append(back_off.pause_s())
    assert pauses == [0, 1, 2, 4, 8]


def test_what_never_worked_is_not_started_at_once() -> None:
    back_off = BackOff(Limits())
    back_off.lived(10)
    assert back_off.pause_s() == 1
