"""Preferences refuse what would lose or mix up recordings."""

import pytest
from pydantic import ValidationError

from hub.config import HubPreferences, MediaPolicy, StoredForm


def test_by_default_a_minute_takes_about_100_kilobytes_and_the_original_stays():
    policy = MediaPolicy()
    assert policy.stored_form is StoredForm.OPUS
    assert policy.keep_original
    assert policy.opus_bitrate_bps * 60 / 8 == pytest.approx(100_000, rel=0.01)


def test_a_policy_that_stores_nothing_is_refused():
    with pytest.raises(ValidationError, match="keep the original"):
        MediaPolicy(stored_form=StoredForm.KEEP, keep_original=False)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "Asia/Shanghai"])
def test_time_zones_are_taken_by_name(zone):
    assert HubPreferences(timezone=zone).timezone == zone


@pytest.mark.parametrize("zone", ["Berlin", "", "../../etc/passwd", "/etc/localtime", "Europe"])
def test_an_unknown_time_zone_is_refused(zone):
    with pytest.raises(ValidationError, match="no such time zone"):
        HubPreferences(timezone=zone)


def test_a_copy_into_the_primary_storage_is_refused():
    with pytest.raises(ValidationError, match="another store"):
        HubPreferences(primary_store=1, copy_stores=(2, 1))


def test_a_country_has_two_letters():
    assert HubPreferences(country="DE").country == "DE"
    with pytest.raises(ValidationError):
        HubPreferences(country="Germany")


def test_preferences_survive_storage_as_json():
    preferences = HubPreferences(timezone="Asia/Shanghai", primary_store=7, copy_stores=(8,))
    assert HubPreferences.model_validate_json(preferences.model_dump_json()) == preferences
