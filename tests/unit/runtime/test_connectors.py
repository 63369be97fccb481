"""Connectors in the worker's and the web's own process."""

import io
from collections.abc import Iterator

import pytest

from hub.alerts.board import Board
from hub.audit.actor import SYSTEM
from hub.config.secrets import SecretBox
from hub.runtime.connectors import Connectors
from hub.runtime.instances import Instances
from hub.runtime.plugins import Plugins
from hub.sdk import Alarm, Health, HealthState, Kind, RetryLater, Severity
from tests.doubles import plugins
from tests.doubles.supervision import wait_until


@pytest.fixture
def instances(site, tmp_data, sqlite_db):
    plugins.install_zoo(site)
    tmp_data.make_folders()
    return Instances(sqlite_db, SecretBox.open(tmp_data), Plugins())


@pytest.fixture
def board(sqlite_db):
    board = Board(sqlite_db)
    yield board
    board.close()


@pytest.fixture
def connectors(tmp_data, instances, board) -> Iterator[Connectors]:
    made = Connectors(tmp_data, instances, board, instances._plugins)
    yield made
    made.close()


@pytest.fixture
def shelf(instances, tmp_path):
    (tmp_path / "shelf").mkdir()
    settings = {"folder": str(tmp_path / "shelf"), "password": "pw"}
    return instances.create(Kind.CONNECTOR, "shelf", "Shelf", settings, SYSTEM).id


def test_a_connector_is_opened_with_its_secrets_and_works(connectors, shelf):
    connector = connectors.open(shelf)
    assert connector.settings.password.get_secret_value() == "pw"
    connector.put("a", io.BytesIO(b"abc"), 3, "")
    assert connector.open("a", 1).read() == b"bc"
    assert connector.ctx.instance == "Shelf"


def test_a_change_is_noticed_once_and_the_next_opening_has_it(connectors, instances, shelf, tmp_path):
    connectors.open(shelf)
    assert connectors.changed() == []
    (tmp_path / "other").mkdir()
    instances.change(shelf, 1, SYSTEM, settings={"folder": str(tmp_path / "other")})
    assert connectors.changed() == [shelf]
    assert connectors.changed() == []
    assert connectors.open(shelf).settings.folder == str(tmp_path / "other")


def test_whoever_holds_connectors_is_told_of_changes(connectors, instances, shelf):
    told = []
    connectors.open(shelf)
    connectors.watch(told.append)
    instances.delete(shelf, SYSTEM)
    wait_until(lambda: told == [shelf])


def test_what_is_off_gone_or_no_connector_is_tried_again_later(connectors, instances, shelf):
    instances.change(shelf, 1, SYSTEM, enabled=False)
    source = instances.create(Kind.SOURCE, "quiet", "Quiet", {}, SYSTEM).id
    for instance_id, text in ((shelf, "switched off"), (source, "switched off"), (999, "There is no instance")):
        with pytest.raises(RetryLater, match=text):
            connectors.open(instance_id)


def test_a_connector_keeps_memory_raises_alarms_and_says_how_it_is(connectors, instances, board, shelf):
    ctx = connectors.open(shelf).ctx
    ctx.state.put("seen", 1)
    assert connectors.open(shelf).ctx.state.get("seen") == 1
    assert ctx.scratch.is_dir()
    ctx.raise_alarm(Alarm(key="k", code="STORAGE_FULL", severity=Severity.MAJOR, text="Full."))
    board.flush()
    assert [alarm.source for alarm in board.list_open()] == [f"instance:{shelf}"]
    ctx.clear_alarm("k")
    board.flush()
    assert board.list_open() == []
    ctx.report(Health(HealthState.DEGRADED, "Nearly full."))
    wait_until(lambda: instances.get(shelf).health.summary == "Nearly full.")
