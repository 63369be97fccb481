import os
import subprocess
import sys
import threading

from hub.jobs.identity import is_gone, worker_name

_TELL = "from hub.jobs.identity import worker_name; print(worker_name(), flush=True); input()"


def test_every_worker_has_a_name_of_its_own() -> None:
    assert worker_name() != worker_name()
    assert len(worker_name()) < 230


def test_a_live_process_is_not_gone_and_a_dead_one_is() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert not is_gone(name)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(name), "a process that nobody has waited for yet is dead too"
    assert is_gone(name)


def test_a_process_that_got_the_number_of_a_dead_one_is_not_taken_for_it() -> None:
    host, birthplace, pid, _, chance = worker_name().split(":")
    assert is_gone(f"{host}:{birthplace}:{pid}:1:{chance}")


def test_what_cannot_be_seen_from_here_is_not_gone() -> None:
    host, _, pid, started, chance = worker_name().split(":")
    assert not is_gone(f"{host}:another-boot.4026531836:{pid}:{started}:{chance}")
    assert not is_gone("thief")
    assert not is_gone("")


def test_a_worker_in_any_thread_is_its_process() -> None:
    names: list[str] = []
    thread = threading.Thread(target=lambda: names.append(worker_name()))
    thread.start()
    thread.join()
    assert not is_gone(names[0])
