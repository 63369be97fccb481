"""Rows of keys that ask for something, of two parties that press keys at the same time."""

from hub.sdk import CallControl
from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.engine.keypads import Keypads

CODES = (("*71", CallControl.PAUSE), ("*72", CallControl.RESUME))
ONE, OTHER = 100, 200  # endpoints


def test_keys_of_the_other_party_do_not_break_a_code():
    keypads = Keypads()
    asked = []
    for number, key in enumerate("*71"):
        for _ in range(3):  # both hold their keys at the same time, and each press is told of three times
            asked.append(keypads.press(CODES, ONE, key, (7, number)))
            asked.append(keypads.press(CODES, OTHER, "5", (8, number)))
    assert [each for each in asked if each] == [CallControl.PAUSE]


def test_keys_of_two_parties_make_no_code_together():
    keypads = Keypads()
    pressed = ((ONE, "*"), (OTHER, "7"), (ONE, "1"))
    assert not any(keypads.press(CODES, way, key, (7, number)) for number, (way, key) in enumerate(pressed))


def test_both_parties_may_press_a_code_and_info_tells_of_keys_as_well():
    keypads = Keypads()
    pressed = [(way, key) for key in "*72" for way in (Side.CALLER, Side.CALLED)]
    asked = [keypads.press(CODES, way, key) for way, key in pressed]
    assert asked == [None] * 4 + [CallControl.RESUME] * 2


def test_a_code_is_found_behind_other_keys_and_counts_once():
    keypads = Keypads()
    asked = [keypads.press(CODES, ONE, key, (7, number)) for number, key in enumerate("12**711")]
    assert asked == [None] * 5 + [CallControl.PAUSE, None]


def test_what_is_told_of_a_key_once_more_behind_the_next_one_does_not_break_a_code():
    keypads = Keypads()
    told = ("*", 0), ("7", 1), ("*", 0), ("7", 1), ("7", 1), ("*", 0), ("1", 2)
    assert [keypads.press(CODES, ONE, key, (7, number)) for key, number in told][-1] is CallControl.PAUSE


def test_an_event_for_which_no_telephone_has_a_key_does_not_break_a_code():
    keypads = Keypads()
    assert [keypads.press(CODES, ONE, key, (7, number)) for number, key in enumerate("*7D1")][-1] is CallControl.PAUSE
    spelled = (("*7D1", CallControl.KEEP),)
    assert [keypads.press(spelled, ONE, key, (8, number)) for number, key in enumerate("*7D1")][-1] is CallControl.KEEP


def test_without_codes_keys_ask_for_nothing_and_are_not_kept():
    keypads = Keypads()
    assert not any(keypads.press((), ONE, key, (7, number)) for number, key in enumerate("*71" * 100))
    assert not any(row.keys for row in keypads.rows.values())
