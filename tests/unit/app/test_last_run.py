from hub.app import last_run
from hub.config import HubConfig


def test_a_hub_that_was_shut_down_starts_and_one_that_was_killed_restarts(tmp_data: HubConfig) -> None:
    assert not last_run.begin(tmp_data)
    last_run.end(tmp_data)
    assert not last_run.begin(tmp_data)
    assert last_run.begin(tmp_data)
