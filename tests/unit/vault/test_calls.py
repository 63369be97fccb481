import threading
import time

import pytest

from hub.sdk import RetryLater
from hub.vault.calls import Calls


@pytest.fixture
def hang():
    release = threading.Event()
    yield release
    release.set()


def test_the_result_and_the_error_of_a_call_come_back():
    calls = Calls("nas", 2)
    assert calls.run(lambda: 42, 5) == 42
    with pytest.raises(ZeroDivisionError):
        calls.run(lambda: 1 / 0, 5)


def test_a_call_without_an_answer_is_given_up_in_time(hang):
    calls = Calls("nas", 2)
    began_s = time.monotonic()
    with pytest.raises(RetryLater, match="nas did not answer within 0 s") as caught:
        calls.run(hang.wait, 0.05)
    assert time.monotonic() - began_s < 2
    assert caught.value.hint


def test_while_all_calls_hang_further_ones_fail_at_once(hang):
    calls = Calls("nas", 2)
    for _ in range(2):
        with pytest.raises(RetryLater):
            calls.run(hang.wait, 0.02)
    began_s = time.monotonic()
    with pytest.raises(RetryLater, match="owes"):
        calls.run(lambda: 1, 30)
    assert time.monotonic() - began_s < 2


def test_a_store_that_comes_back_is_called_again(hang):
    calls = Calls("nas", 1)
    with pytest.raises(RetryLater):
        calls.run(hang.wait, 0.02)
    hang.set()
    for _ in range(500):
        try:
            assert calls.run(lambda: "back", 5) == "back"
            break
        except RetryLater:
            time.sleep(0.01)
    else:
        pytest.fail("it was not called again")


def test_a_late_answer_is_closed_as_nobody_waits_for_it(hang):
    closed = threading.Event()

    class Opened:
        def close(self):
            closed.set()

    def open_late():
        hang.wait()
        return Opened()

    with pytest.raises(RetryLater):
        Calls("nas", 1).run(open_late, 0.02)
    hang.set()
    assert closed.wait(5)


def test_work_that_moves_gets_more_time(hang):
    moves = iter([True, True, True, False])
    began_s = time.monotonic()
    with pytest.raises(RetryLater):
        Calls("nas", 1).run(hang.wait, 0.05, lambda: next(moves))
    assert time.monotonic() - began_s >= 0.2


def test_no_more_calls_than_the_limit_run_at_once():
    calls, running, most = Calls("nas", 3), [], []
    lock = threading.Lock()

    def work():
        with lock:
            running.append(1)
            most.append(len(running))
        time.sleep(0.005)
        with lock:
            running.pop()

    threads = [threading.Thread(target=calls.run, args=(work, 30)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= max(most) <= 3


def test_idle_threads_end():
    calls = Calls("idle test", 4, idle_s=0.02)
    calls.run(lambda: 1, 5)
    for _ in range(500):
        if not any(thread.name == "store idle test" for thread in threading.enumerate()):
            break
        time.sleep(0.01)
    else:
        pytest.fail("a thread lives on")
    assert calls.run(lambda: 2, 5) == 2
