from hub.sdk import Health, HealthState
from plugins.ipoffice.status import Statuses


def test_the_worst_part_decides_and_speaks() -> None:
    told: list[Health] = []
    statuses = Statuses(told.append)
    statuses.ok("folder", "Watched.")
    statuses.degraded("SMDR", "Lost.", "Look at the network.")
    assert (told[-1].state, told[-1].summary, told[-1].hint) == (HealthState.DEGRADED, "Lost.", "Look at the network.")
    statuses.down("folder", "Gone.", "Mount it.")
    assert (told[-1].state, told[-1].summary) == (HealthState.DOWN, "Gone.")
    statuses.ok("folder", "Watched.")
    statuses.forget("SMDR")
    assert (told[-1].state, told[-1].summary) == (HealthState.OK, "Watched.")


def test_the_same_again_is_not_told_again() -> None:
    told: list[Health] = []
    statuses = Statuses(told.append)
    for _ in range(3):
        statuses.ok("folder", "Watched.")
    assert len(told) == 1


def test_counts_of_several_doors_add_up_and_waits_do_not() -> None:
    statuses = Statuses(lambda _: None)
    statuses.ok("folder", "Watched.")
    statuses.counters["a"] = lambda: {"files_waiting": 2.0, "lag_s": 5.0}
    statuses.counters["b"] = lambda: {"files_waiting": 3.0, "lag_s": 9.0}
    assert statuses.health().numbers == {"files_waiting": 5.0, "lag_s": 9.0}
