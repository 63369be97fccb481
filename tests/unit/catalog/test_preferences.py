"""The hub's preferences are one value that two people cannot overwrite for each other unseen."""

import pytest

from hub.audit import AuditFilter, list_entries
from hub.audit.actor import Actor
from hub.catalog import preferences
from hub.catalog.errors import RevisionConflict
from hub.config import HubPreferences

ANNA = Actor(1, "anna", "web")


def _save(db, chosen, revision):
    with db.write() as session:
        return preferences.save(session, chosen, ANNA, revision)


def test_there_are_defaults_before_anyone_chose(db):
    with db.read() as session:
        assert preferences.load(session) == HubPreferences()
        assert preferences.revision(session) == 0


def test_what_is_saved_is_loaded(db):
    chosen = HubPreferences(timezone="Europe/Berlin", country="DE", primary_store=3, copy_stores=(4,))
    assert _save(db, chosen, 0) == 1
    with db.read() as session:
        assert preferences.load(session) == chosen
        assert preferences.revision(session) == 1


@pytest.mark.parametrize("stale", [0, 2])
def test_a_change_by_someone_else_is_not_overwritten(db, stale):
    _save(db, HubPreferences(country="DE"), 0)
    with pytest.raises(RevisionConflict) as caught:
        _save(db, HubPreferences(country="FR"), stale)
    assert caught.value.found == 1
    with db.read() as session:
        assert preferences.load(session).country == "DE"


def test_the_trail_says_what_was_changed(db):
    _save(db, HubPreferences(country="DE"), 0)
    _save(db, HubPreferences(country="FR"), 1)
    with db.read() as session:
        newest = list_entries(session, AuditFilter()).items[0]
    assert (newest.action, newest.login, newest.details) == ("settings.change", "anna", {"country": ["DE", "FR"]})
