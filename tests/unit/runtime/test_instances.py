"""Configured plug-ins in the catalog, on both databases."""

import pytest
from sqlalchemy import select

from hub.audit.actor import Actor
from hub.audit.models import AuditLine, AuditPrivate
from hub.config.secrets import SecretBox
from hub.runtime.forms import MASK, FormErrors
from hub.runtime.instance import InstanceHealth, InstanceOptions, InstanceState, Startup
from hub.runtime.instances import InstanceConflict, InstanceMissing, Instances, SealStatus
from hub.runtime.loader import Found, Refused, Scan
from hub.runtime.models import InstanceEntry
from hub.runtime.plugins import PluginMissing, Plugins
from hub.sdk import Health, HealthState, Kind, PluginInfo, PluginSettings, Source, setting
from tests.doubles.outbox import newest, told
from tests.unit.runtime.forms_model import Everything

ADMIN = Actor(1, "ada", "web", "192.0.2.1", "r1")
INPUT = {
    "folder": "/in",
    "password": "hunter2",
    "servers": [{"name": "a", "password": "s3cret"}, {"name": "b"}],
}


class Box(Source):
    info = PluginInfo(name="box", kind=Kind.SOURCE, title="Box", summary="A box.", settings=Everything)

    def check(self):
        return Health(HealthState.OK)

    async def run(self):
        return


def plugins_with(cls=Box):
    refused = [Refused(Kind.SOURCE, "broken", "ImportError: no", "rechub-x", "1")]
    return Plugins({Kind.SOURCE: Scan({"box": Found(cls, "rechub-box", "1")}, refused)})


@pytest.fixture
def box():
    return SecretBox({"k1": b"1" * 32}, "k1")


@pytest.fixture
def instances(db, box):
    return Instances(db, box, plugins_with())


@pytest.fixture
def office(instances):
    return instances.create(Kind.SOURCE, "box", "  Head   office ", INPUT, ADMIN)


def lines(db, action):
    with db.read() as session:
        return list(session.scalars(select(AuditLine).where(AuditLine.action == action)))


def test_an_instance_is_kept_with_its_settings(instances, office):
    assert office.name == "Head office"
    assert (office.revision, office.enabled, office.health.state) == (1, True, InstanceState.STARTING)
    assert instances.get(office.id) == office
    assert instances.list() == [office]
    assert instances.list(Kind.CONNECTOR) == []
    settings = instances.settings_of(office.id)
    assert settings.password.get_secret_value() == "hunter2"
    assert settings.servers[0].password.get_secret_value() == "s3cret"


def test_secrets_are_masked_for_people_and_sealed_in_the_database(db, instances, office):
    assert office.settings["password"] == MASK
    assert office.settings["servers"][0] == {"name": "a", "port": 22, "trusted": False, "password": MASK}
    with db.read() as session:
        row = session.scalars(select(InstanceEntry)).one()
    assert "hunter2" not in repr((row.settings, row.secrets))
    assert "s3cret" not in repr((row.settings, row.secrets))
    assert set(row.secrets) == {"password", "servers.0.password"}


def test_wrong_settings_and_wrong_names_are_errors_by_field(instances, office):
    with pytest.raises(FormErrors) as caught:
        instances.create(Kind.SOURCE, "box", "Branch", {"folder": "x"}, ADMIN)
    assert "folder" in caught.value.by_field
    for name in ("", "  ", "Head office"):
        with pytest.raises(FormErrors) as caught:
            instances.create(Kind.SOURCE, "box", name, INPUT, ADMIN)
        assert set(caught.value.by_field) == {"name"}
    assert len(instances.list()) == 1


def test_a_plug_in_that_is_missing_or_refused_makes_no_instance(instances):
    with pytest.raises(PluginMissing) as missing:
        instances.create(Kind.SOURCE, "nothing", "X", {}, ADMIN)
    assert "when the hub starts again" in missing.value.hint
    with pytest.raises(PluginMissing, match="ImportError: no"):
        instances.create(Kind.SOURCE, "broken", "X", {}, ADMIN)


def test_a_change_raises_the_revision_and_keeps_blank_secrets(instances, office):
    changed = instances.change(office.id, 1, ADMIN, settings={**office.settings, "name": "other"})
    assert changed.revision == 2
    settings = instances.settings_of(office.id)
    assert settings.name == "other"
    assert settings.password.get_secret_value() == "hunter2"
    assert settings.servers[0].password.get_secret_value() == "s3cret"
    assert instances.revisions() == {office.id: 2}


def test_a_change_on_an_old_revision_is_a_conflict_and_changes_nothing(instances, office):
    instances.change(office.id, 1, ADMIN, name="Branch")
    with pytest.raises(InstanceConflict, match="changed by somebody else"):
        instances.change(office.id, 1, ADMIN, name="Other")
    assert instances.get(office.id).name == "Branch"


def test_a_name_that_is_taken_is_refused_in_a_change_too(instances, office):
    branch = instances.create(Kind.SOURCE, "box", "Branch", INPUT, ADMIN)
    with pytest.raises(FormErrors) as caught:
        instances.change(branch.id, 1, ADMIN, name="Head office")
    assert caught.value.by_field == {"name": ("Another one has this name.",)}


def test_options_and_switching_off_are_changes_too(instances, office):
    options = InstanceOptions(startup=Startup.STOP, memory_limit_mb=256, timezone="Europe/London")
    changed = instances.change(office.id, 1, ADMIN, enabled=False, options=options)
    assert (changed.options, changed.enabled, changed.health.state) == (options, False, InstanceState.DISABLED)
    assert instances.revisions() == {}
    assert instances.roster() == []
    assert instances.change(office.id, 2, ADMIN, enabled=True).health.state is InstanceState.STARTING


def test_a_time_zone_must_exist():
    with pytest.raises(ValueError, match="no such time zone"):
        InstanceOptions(timezone="Mars/Olympus")


def test_a_deleted_instance_leaves_its_name_and_nothing_else(db, instances, office):
    instances.delete(office.id, ADMIN)
    assert instances.list() == []
    assert instances.names() == {office.id: "Head office"}
    for call in (instances.get, instances.settings_of):
        with pytest.raises(InstanceMissing):
            call(office.id)
    with pytest.raises(InstanceMissing):
        instances.delete(office.id, ADMIN)
    with db.read() as session:
        row = session.scalars(select(InstanceEntry)).one()
    assert (row.settings, row.secrets) == ({}, {})
    again = instances.create(Kind.SOURCE, "box", "Head office", INPUT, ADMIN)
    assert again.id != office.id


def test_every_change_is_on_the_trail_without_secrets_in_the_same_transaction(db, instances, office):
    instances.change(office.id, 1, ADMIN, settings={**office.settings, "password": "swordfish"}, name="Branch")
    instances.delete(office.id, ADMIN)
    found = [line for action in ("device.add", "device.change", "device.delete") for line in lines(db, action)]
    assert [(line.action, line.subject) for line in found] == [
        ("device.add", f"instance:{office.id}"),
        ("device.change", f"instance:{office.id}"),
        ("device.delete", f"instance:{office.id}"),
    ]
    with pytest.raises(FormErrors):
        instances.create(Kind.SOURCE, "box", "Bad", {}, ADMIN)
    assert len(lines(db, "device.add")) == 1


def test_the_trail_tells_what_changed_and_masks_secrets(db, instances, office):
    instances.change(office.id, 1, ADMIN, settings={**office.settings, "password": "swordfish", "name": "other"})
    line = lines(db, "device.change")[0]
    with db.read() as session:
        private = {
            row.key: row.value for row in session.scalars(select(AuditPrivate).where(AuditPrivate.line_id == line.id))
        }
    assert private["changed"] == f'{{"name":["recorder","other"],"password":["{MASK}","{MASK}"]}}'
    with db.read() as session:
        assert "swordfish" not in repr([row.value for row in session.scalars(select(AuditPrivate))])


def test_health_is_written_and_told_once_per_change_of_the_lamp(db, instances, office):
    with db.read() as session:
        start = newest(session)
    well = InstanceHealth(state=InstanceState.OK, summary="Fine \x00.", since_ms=5, numbers={"queue_items": 1})
    for numbers in ({"queue_items": 1.0}, {"queue_items": 2.0}):
        instances.record_health({office.id: InstanceHealth(state=well.state, summary="Fine", numbers=numbers)})
    instances.record_health({office.id: well, 999: well})
    found = instances.get(office.id).health
    assert (found.state, found.since_ms, found.numbers) == (InstanceState.OK, 5, {"queue_items": 1})
    with db.read() as session:
        heard = [event for event in told(session, start) if event.topic == "instance.health"]
    assert [event.payload["summary"] for event in heard] == ["Fine", "Fine \\x00."]


def test_since_when_is_known_for_plug_ins_that_are_called(instances, office):
    instances.report_health(office.id, Health(HealthState.DOWN, "Away"))
    first = instances.get(office.id).health
    instances.report_health(office.id, Health(HealthState.DOWN, "Still away"))
    second = instances.get(office.id).health
    assert first.since_ms == second.since_ms > 0
    assert second.summary == "Still away"


def test_the_roster_opens_without_database_and_plug_ins(instances, office):
    sealed = instances.roster()
    assert "hunter2" not in repr(sealed)
    entry = instances.open_roster(sealed)[0]
    assert (entry.id, entry.name, entry.revision, entry.problem) == (office.id, "Head office", 1, "")
    assert entry.settings["password"] == "hunter2"
    assert entry.settings["servers"][0]["password"] == "s3cret"
    assert "hunter2" not in repr(entry)


def test_a_lost_master_key_is_a_problem_of_the_entry_and_not_a_crash(db, instances, office):
    other = Instances(db, SecretBox({"k2": b"2" * 32}, "k2"), plugins_with())
    entry = other.open_roster(other.roster())[0]
    assert "master key k1" in entry.problem
    assert other.seal_status() == SealStatus(lost=2)
    renewed = other.change(office.id, 1, ADMIN, settings={**INPUT, "password": "anew"})
    assert renewed.settings["password"] == MASK
    assert other.seal_status() == SealStatus(current=2)


def test_rotation_reseals_every_secret_and_running_processes_follow(db, box, office, instances):
    rotated = SecretBox({"k2": b"2" * 32, "k1": b"1" * 32}, "k2")
    running = Instances(db, box, plugins_with(), reopen=lambda: rotated)
    rotating = Instances(db, rotated, plugins_with())
    assert rotating.seal_status() == SealStatus(older=2)
    assert rotating.reseal(ADMIN) == 1
    assert rotating.reseal(ADMIN) == 0
    assert rotating.seal_status() == SealStatus(current=2)
    assert len(lines(db, "secrets.rotate")) == 2
    assert running.settings_of(office.id).password.get_secret_value() == "hunter2"
    assert running.open_roster(running.roster())[0].problem == ""


def test_a_process_that_runs_on_seals_under_the_key_that_another_one_made(db, box, office):
    rotated = SecretBox({"k2": b"2" * 32, "k1": b"1" * 32}, "k2")
    running = Instances(db, box, plugins_with(), reopen=lambda: rotated)
    running.change(office.id, 1, ADMIN, settings={**INPUT, "password": "anew"})
    alone = Instances(db, SecretBox({"k2": b"2" * 32}, "k2"), plugins_with())
    assert alone.settings_of(office.id).password.get_secret_value() == "anew"


def test_a_secret_copied_to_another_instance_does_not_open(db, instances, office):
    other = instances.create(Kind.SOURCE, "box", "Branch", {"folder": "/in"}, ADMIN)
    with db.write() as session:
        stolen = session.get_one(InstanceEntry, office.id).secrets
        session.get_one(InstanceEntry, other.id).secrets = stolen
    assert {entry.name for entry in instances.open_roster(instances.roster()) if entry.problem} == {"Branch"}


class Newer(PluginSettings):
    settings_version = 4
    path: str = setting("Path", "Where.", default="")
    password: str = setting("Password", "P.", default="")

    @classmethod
    def upgrade(cls, stored, from_version):
        assert from_version == 3
        return {"path": stored["folder"]}


def test_stored_settings_are_upgraded_when_they_are_read(db, box, office):
    newer = type("Newer", (Box,), {"info": PluginInfo(**{**_info(), "settings": Newer})})
    assert Instances(db, box, plugins_with(newer)).settings_of(office.id).path == "/in"


def test_stored_settings_that_do_not_fit_any_more_are_errors_by_field(db, box, office):
    class Stricter(Everything):
        region: str = setting("Region", "Where.", max_length=3)

    stricter = type("Stricter", (Box,), {"info": PluginInfo(**{**_info(), "settings": Stricter})})
    with pytest.raises(FormErrors) as caught:
        Instances(db, box, plugins_with(stricter)).settings_of(office.id)
    assert set(caught.value.by_field) == {"region"}


def _info():
    return {name: getattr(Box.info, name) for name in ("name", "kind", "title", "summary")}
