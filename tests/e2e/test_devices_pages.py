"""Devices, stores and plug-ins in a real browser."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from hub.audit.actor import SYSTEM
from hub.catalog import preferences
from hub.clock import to_ms, utc_now
from hub.runtime.instance import InstanceHealth, InstanceState
from hub.sdk import Kind
from tests.doubles.hub import until
from tests.doubles.site import Site


def _device(site: Site, name: str = "Head office") -> int:
    return next(found.id for found in site.services.instances.list(Kind.SOURCE) if found.name == name)


def test_a_lamp_turns_red_with_the_reason_without_a_reload(page: Page, site: Site) -> None:
    page.goto("/devices")
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    card = page.locator("article", has_text="Head office")
    expect(card.locator(".lamp")).to_have_text("Working")
    down = InstanceHealth(
        state=InstanceState.DOWN,
        summary="/opt/vmpro/0 has vanished.",
        hint="Mount it again.",
        since_ms=to_ms(utc_now()),
    )
    site.services.instances.record_health({_device(site): down})
    expect(card.locator(".lamp")).to_have_text("Not working", timeout=3000)
    expect(card).to_contain_text("has vanished")
    expect(card).to_contain_text("Mount it again.")
    expect(card).to_contain_text("since")
    site.services.instances.record_health({_device(site): InstanceHealth(state=InstanceState.OK, since_ms=1)})
    expect(card.locator(".lamp")).to_have_text("Working", timeout=3000)


def test_the_form_shows_what_matters_for_the_chosen_way(page: Page) -> None:
    page.goto("/devices/new/ipoffice")
    expect(page.get_by_label("Hand-off folder")).to_be_visible()
    expect(page.get_by_label("Host to fetch from")).to_be_hidden()
    page.get_by_text("Elsewhere: the hub fetches by SFTP", exact=True).click()
    expect(page.get_by_label("Hand-off folder")).to_be_hidden()
    expect(page.get_by_label("Host to fetch from")).to_be_visible()
    page.get_by_text("Elsewhere: every Voicemail Pro pushes by SFTP").click()
    expect(page.get_by_role("group", name="Sending servers")).to_be_visible()
    expect(page.get_by_label("Host to fetch from")).to_be_hidden()


def test_what_is_wrong_stands_at_its_field_and_the_test_says_what_saving_would(page: Page) -> None:
    page.goto("/devices/new/sip_recorder")
    page.get_by_label("What people call it").fill("Recorder")
    page.get_by_label("Telephone systems", exact=True).fill("192.0.2.7")
    page.get_by_label("First media port").fill("40000")
    page.get_by_label("Last media port").fill("30000")
    page.get_by_role("button", name="Test").click()
    verdict = page.locator("#verdict")
    expect(verdict.get_by_role("link", name="Last media port")).to_be_visible()
    expect(verdict).to_contain_text("The last media port is below the first one, 40000.")
    page.get_by_role("button", name="Save and start").click()
    field = page.locator(".field", has=page.get_by_label("Last media port"))
    expect(field).to_contain_text("The last media port is below the first one, 40000.")
    page.get_by_label("Last media port").fill("49999")
    page.locator("[name='options.timezone']").evaluate("field => { field.value = 'Vienna' }")
    page.get_by_role("button", name="Test").click()
    expect(verdict.get_by_role("link", name="Time zone")).to_be_visible()


def test_a_test_keeps_the_form_and_shows_reason_hint_and_warnings(page: Page) -> None:
    page.goto("/devices/new/ipoffice")
    page.get_by_label("What people call it").fill("Branch")
    page.get_by_label("Hand-off folder").fill("/nowhere/at/all")
    page.get_by_role("button", name="Test").click()
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("/nowhere/at/all does not exist.")
    expect(verdict).to_contain_text("press Test again")
    expect(verdict.get_by_role("link", name="Hand-off folder")).to_be_visible()
    expect(page.get_by_label("What people call it")).to_have_value("Branch")
    page.get_by_label("Hand-off folder").fill("/tmp")
    page.get_by_role("button", name="Test").click()
    expect(verdict).to_contain_text("It works")
    expect(verdict).to_contain_text("is Media Manager still running?")
    assert page.url.endswith("/devices/new/ipoffice")


def test_the_last_verdict_goes_when_another_test_begins(page: Page) -> None:
    page.goto("/devices/new/ipoffice")
    page.get_by_label("What people call it").fill("Branch")
    page.get_by_label("Hand-off folder").fill("/nowhere/at/all")
    page.get_by_role("button", name="Test").click()
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("/nowhere/at/all does not exist.")
    running: list[Route] = []
    page.route("**/devices/new/ipoffice/test", lambda route: running.append(route))  # noqa: PLW0108 - Playwright marks it
    page.get_by_label("Hand-off folder").fill("/tmp")
    page.get_by_role("button", name="Test").click()
    expect(verdict).to_be_empty()
    running[0].continue_()
    expect(verdict).to_contain_text("It works")


def test_every_wrong_entry_is_told_beside_its_field(page: Page, site: Site) -> None:
    page.goto("/devices/new/ipoffice")
    page.get_by_label("Hand-off folder").fill("relative/path")
    page.get_by_role("button", name="Save and start").click()
    folder = page.get_by_label("Hand-off folder")
    expect(folder).to_have_attribute("aria-invalid", "true")
    expect(folder).to_have_accessible_description(re.compile("start it with /"))
    expect(page.get_by_label("What people call it")).to_be_focused()
    assert len(site.services.instances.list(Kind.SOURCE)) == 3


def test_an_entry_that_was_wrong_is_red_until_it_is_changed(page: Page) -> None:
    page.goto("/devices/new/ipoffice")
    page.get_by_label("What people call it").fill("Branch")
    page.get_by_label("Hand-off folder").fill("relative/path")
    page.get_by_role("button", name="Save and start").click()
    folder = page.get_by_label("Hand-off folder")
    expect(folder).to_have_attribute("aria-invalid", "true")
    folder.fill("/tmp")
    expect(folder).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field .error")).to_have_count(0)


@pytest.mark.parametrize("height", [500, 640, 768])
def test_a_wrong_entry_and_what_is_wrong_with_it_are_clear_of_the_bar_that_saves(page: Page, height: int) -> None:
    page.set_viewport_size({"width": 1200, "height": height})
    page.goto("/devices/new/ipoffice")
    page.get_by_label("What people call it").fill("Branch")
    page.get_by_label("Hand-off folder").fill("relative/path")
    page.get_by_role("button", name="Save and start").click()
    folder = page.get_by_label("Hand-off folder")
    expect(folder).to_be_focused()
    bar = page.locator(".form-foot")

    def is_clear() -> bool:
        error, foot = page.locator(".field .error").first.bounding_box(), bar.bounding_box()
        return error is not None and foot is not None and error["y"] >= 0 and error["y"] + error["height"] <= foot["y"]

    until(is_clear, 20, "the error above the bar")


def test_a_secret_is_never_shown_and_kept_unless_replaced(page: Page, site: Site) -> None:
    page.goto("/devices/new/ipoffice")
    page.get_by_label("What people call it").fill("Far away")
    page.get_by_text("Elsewhere: the hub fetches by SFTP", exact=True).click()
    page.get_by_label("Host to fetch from").fill("vmpro.example.com")
    page.get_by_label("Login", exact=True).fill("rec")
    page.get_by_label("Password", exact=True).fill("s3cret-of-the-pbx")
    page.get_by_role("button", name="Save and start").click()
    page.wait_for_url("**/devices/*?done=added")
    assert "s3cret-of-the-pbx" not in page.content()
    expect(page.get_by_text("Set, and never shown").first).to_be_visible()
    page.get_by_label("Host to fetch from").fill("vmpro2.example.com")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/devices/*?done=saved")
    device = _device(site, "Far away")
    settings = site.services.instances.settings_of(device)
    assert settings.fetch_password.get_secret_value() == "s3cret-of-the-pbx"  # type: ignore[attr-defined]
    assert settings.fetch_host == "vmpro2.example.com"  # type: ignore[attr-defined]
    page.get_by_role("button", name="Replace").first.click()
    page.get_by_label("Password", exact=True).fill("another-one")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[name=revision]")).to_have_value("3")
    settings = site.services.instances.settings_of(device)
    assert settings.fetch_password.get_secret_value() == "another-one"  # type: ignore[attr-defined]


def test_who_comes_second_is_told_and_overwrites_nothing(page: Page, site: Site) -> None:
    device = _device(site)
    page.goto(f"/devices/{device}")
    stored = site.services.instances.get(device)
    site.services.instances.change(device, stored.revision, SYSTEM, name="Renamed meanwhile")
    page.get_by_label("What people call it").fill("My name")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("changed by somebody else")
    assert site.services.instances.get(device).name == "Renamed meanwhile"


def test_switching_off_and_on_and_starting_again(page: Page, site: Site) -> None:
    device = _device(site)
    page.goto(f"/devices/{device}")
    page.get_by_role("button", name="Switch off").click()
    expect(page.locator(".aside-column .lamp")).to_have_text("Switched off")
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator(".aside-column .lamp")).to_have_text("Starting")
    page.get_by_role("button", name="Start again").click()
    expect(page.get_by_text("Started again", exact=True)).to_be_visible()
    assert ("restart", device) in site.services.commands.told  # type: ignore[attr-defined]


def test_deleting_says_what_it_means_and_wants_a_tick(page: Page, site: Site) -> None:
    device = _device(site)
    page.goto(f"/devices/{device}")
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_text("Its recordings stay")).to_be_visible()
    expect(page.get_by_text("14 recordings keep its name")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    assert site.services.instances.get(device)
    page.get_by_label("Yes, delete it for good").check()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/devices?done=deleted")
    expect(page.locator("article")).to_have_count(2)
    page.goto("/recordings")
    expect(page.locator("td.col-device").first).to_have_text("Head office")


def test_the_policy_of_storage_is_saved_and_wrong_ones_are_told(page: Page, site: Site) -> None:
    page.goto("/storage")
    page.get_by_text("As it came").click()
    page.get_by_label("Keep the original as well").uncheck()
    page.locator("#policy").get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("Keep the original, or choose another stored form")
    page.get_by_label("Keep the original as well").check()
    page.locator("#policy").get_by_role("button", name="Save").click()
    page.wait_for_url("**/storage?done=policy")
    with site.services.db.read() as session:
        assert preferences.load(session).media.stored_form == "keep"


def test_leaving_with_unsaved_changes_is_asked_first(page: Page) -> None:
    page.goto("/devices/new/ipoffice")
    page.get_by_label("What people call it").fill("Unsaved")
    asked: list[str] = []

    def stay(dialog: object) -> None:
        asked.append(dialog.message)  # type: ignore[attr-defined]
        dialog.dismiss()  # type: ignore[attr-defined]

    page.once("dialog", stay)
    page.get_by_role("link", name="Alarms").first.click()
    expect(page.get_by_label("What people call it")).to_have_value("Unsaved")
    assert asked == ["Leave without saving your changes?"]
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("link", name="Alarms").first.click()
    page.wait_for_url("**/alarms")


def test_the_plug_ins_page_shows_what_is_loaded_and_parked(page: Page, site: Site) -> None:
    parked = InstanceHealth(state=InstanceState.PARKED, summary="It crashed 5 times in 10 minutes.", since_ms=1)
    site.services.instances.record_health({_device(site): parked})
    page.goto("/plugins")
    expect(page.locator("article", has_text="Avaya IP Office")).to_contain_text("3 in use")
    expect(page.get_by_text("It crashed 5 times in 10 minutes.")).to_be_visible()
    page.get_by_role("button", name="Start again").click()
    page.wait_for_url("**/devices/*?done=restarted")
