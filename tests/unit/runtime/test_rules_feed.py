"""Recording rules reach the processes of devices, also while the database is away."""

import json

import pytest

from hub.audit.actor import SYSTEM
from hub.catalog import preferences
from hub.db.database import Database
from hub.db.errors import DatabaseAway
from hub.ingest.entry import read_entry
from hub.ingest.spool import Spool
from hub.rules.rule import Rule, Treatment
from hub.rules.rules import Rules
from hub.rules.snapshot import read_snapshot
from hub.runtime.instance import InstanceOptions
from hub.runtime.rules_feed import RulesFeed
from hub.sdk import AbsentCall
from tests.doubles import plugins
from tests.doubles.supervision import Supervised, wait_until

ASKING = '''
import asyncio
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from hub.clock import utc_now
from hub.sdk import (Absence, AbsentCall, CallOutline, Direction, Health, HealthState, Kind, PluginInfo, PluginSettings,
                     Recorded, Source, setting)


class Settings(PluginSettings):
    folder: str = setting("Folder", "Where it works.", default="")


class Asking(Source[Settings]):
    """Asks of a call every moment; hands over each that is left out."""

    info = PluginInfo(name="asking", kind=Kind.SOURCE, title="Asking", summary="For tests.", settings=Settings)

    def check(self):
        return Health(HealthState.OK, "All well.")

    async def run(self):
        number = 0
        while True:
            number += 1
            now = utc_now()
            verdict = self.ctx.decide(CallOutline(started_at=now, direction=Direction.INCOMING, called="201"))
            (Path(self.settings.folder) / "verdict").write_text(verdict.recorded + " " + verdict.rule)
            if verdict.recorded is Recorded.NO:
                call = AbsentCall(absence_id=str(number), why=Absence.LEFT_OUT, started_at=now, ended_at=now,
                                  rule=verdict.rule)
                await self.ctx.submit_absence(call)
            await asyncio.sleep(0.05)
'''


@pytest.fixture
def hub(tmp_data, sqlite_db, site):
    plugins.install(site, "asking", {"asking": ASKING}, {"source": {"asking": "asking:Asking"}})
    return Supervised(tmp_data, sqlite_db)


@pytest.fixture
def verdict(tmp_path):
    def read():
        path = tmp_path / "verdict"
        return path.read_text() if path.exists() else ""

    return read


def test_a_change_of_the_rules_reaches_a_device_that_runs(hub, tmp_path, verdict):
    rules = Rules(hub.db)
    hub.add("asking", folder=str(tmp_path))
    with hub.running():
        wait_until(lambda: verdict() == "yes ")
        rule = rules.add(Rule(name="Not 201", numbers=["201"], treatment="leave_out"), SYSTEM)
        wait_until(lambda: verdict() == "no Not 201")
        rules.change(rule.model_copy(update={"treatment": Treatment.ON_DEMAND}), 1, SYSTEM)
        wait_until(lambda: verdict() == "on_demand Not 201")
    spool = Spool(hub.config.spool)
    items = [read_entry(spool.ready / name).item for name in spool.entries()]
    assert items
    assert all(isinstance(item, AbsentCall) and item.rule == "Not 201" for item in items)


def test_the_last_rules_hold_while_the_database_is_away(hub, tmp_path, verdict, monkeypatch):
    Rules(hub.db).add(Rule(name="Not 201", numbers=["201"], treatment="leave_out"), SYSTEM)
    hub.add("asking", folder=str(tmp_path))
    with hub.running():
        wait_until(lambda: verdict() == "no Not 201")
    (tmp_path / "verdict").unlink()

    def away(*_arguments):
        raise DatabaseAway("The database is away.")

    monkeypatch.setattr(Database, "read", away)
    monkeypatch.setattr(Database, "write", away)
    again = Supervised(hub.config, hub.db)
    with again.running():
        wait_until(lambda: verdict() == "no Not 201")


def test_the_file_follows_rules_zones_and_the_hubs_own_zone(db, tmp_path):
    path, rules = tmp_path / "rules.json", Rules(db)
    feed = RulesFeed(db, path, dict)
    feed.look({})
    assert read_snapshot(path).book.rules == ()
    written_ns = path.stat().st_mtime_ns
    feed.look({})
    assert path.stat().st_mtime_ns == written_ns, "what did not change is not written again"
    rules.add(Rule(name="All"), SYSTEM)
    feed.look({7: "Asia/Tokyo"})
    with db.write() as session:
        wanted = preferences.load(session).model_copy(update={"timezone": "Europe/Vienna"})
        preferences.save(session, wanted, SYSTEM, 0)
    feed.look({7: "Asia/Tokyo"})
    snapshot = read_snapshot(path)
    assert [rule.name for rule in snapshot.book.rules] == ["All"]
    assert (snapshot.zone, snapshot.zones) == ("Europe/Vienna", {7: "Asia/Tokyo"})
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_device_of_its_own_time_zone_is_told_in_the_file(hub, tmp_path, verdict):
    device = hub.add("asking", options=InstanceOptions(timezone="Asia/Tokyo"), folder=str(tmp_path))
    with hub.running():
        path = hub.config.state / "rules.json"
        wait_until(lambda: path.exists() and json.loads(path.read_text())["zones"] == {str(device): "Asia/Tokyo"})
        wait_until(lambda: verdict() == "yes ")
