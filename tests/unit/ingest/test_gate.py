import threading
import time

from hub.ingest.gate import Gate


def test_an_open_gate_lets_everybody_through():
    gate = Gate(10, 100)
    assert all(gate.wait(0) for _ in range(5))
    assert gate.is_open
    assert gate.worked() is False


def test_a_closed_gate_lets_one_through_each_pause():
    gate = Gate(0.05, 1)
    gate.failed()
    assert not gate.may_try()
    assert gate.wait(5)
    assert not gate.may_try()


def test_failures_at_the_same_time_count_once_and_pauses_grow():
    gate = Gate(0.05, 0.2)
    for _ in range(5):
        gate.failed()
    began_s = time.monotonic()
    assert gate.wait(5)
    assert time.monotonic() - began_s < 0.1
    for expected_s in (0.1, 0.2, 0.2):
        gate.failed()
        began_s = time.monotonic()
        assert gate.wait(5)
        assert time.monotonic() - began_s >= expected_s * 0.9


def test_a_success_opens_the_gate_for_all_who_wait():
    gate = Gate(60, 60)
    gate.failed()
    through = []
    threads = [threading.Thread(target=lambda: through.append(gate.wait(30))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert gate.worked() is True
    for thread in threads:
        thread.join(5)
    assert through == [True] * 4


def test_a_change_of_settings_makes_the_next_try_now():
    gate = Gate(60, 60)
    gate.failed()
    assert not gate.wait(0.01)
    gate.hurry()
    assert gate.wait(0)
    assert not gate.is_open
