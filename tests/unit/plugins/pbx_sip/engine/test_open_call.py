"""A call that goes on, and the states that it enters."""

from hub.sdk import LiveState
from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.engine.open_call import OpenCall

S = 1_000_000_000
BEGAN_NS = 1_790_000_000 * S


def call_in(*states: LiveState) -> OpenCall:
    """A call that enters a state every ten seconds."""
    call = OpenCall(dialog=Dialog(call_id="c", first_ns=BEGAN_NS))
    for turn, state in enumerate(states, start=1):
        call.go(state, BEGAN_NS + 10 * turn * S)
    return call


def test_a_recording_that_is_ended_in_a_pause_ends_where_it_was_ended() -> None:
    call = call_in(LiveState.PAUSED, LiveState.STOPPED)
    assert call.stopped_ns == BEGAN_NS + 20 * S
    assert [(first - BEGAN_NS) // S for first, _ in call.closed_pauses(BEGAN_NS + 60 * S)] == [10, 20]


def test_one_silence_after_another_is_one_pause() -> None:
    call = call_in(LiveState.LEFT_OUT, LiveState.PAUSED, LiveState.PAUSED, LiveState.RECORDING)
    assert call.pauses == [(BEGAN_NS + 10 * S, BEGAN_NS + 40 * S)]
    assert call.stopped_ns == 0
