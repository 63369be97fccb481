"""The list of recordings in a real browser."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from hub import ids
from hub.audit.action import Action
from hub.audit.listing import AuditFilter, list_entries
from hub.clock import utc_now
from hub.sdk import Direction, Kind
from tests.doubles.browser import PHONE, visiting
from tests.doubles.sample_calls import SampleCall, pair
from tests.doubles.services import add_calls
from tests.doubles.site import Site

ROWS = "tbody tr[data-id]"


def _ids(page: Page) -> list[str]:
    return page.locator(ROWS).evaluate_all("rows => rows.map(row => row.dataset.id)")


def _new_call(site: Site, minutes_ago: float = 0.2, caller: str = "+41 44 123 45 67", count: int = 1) -> list[int]:
    """One more call comes in, as the worker would commit it."""
    calls = [
        SampleCall(minutes_ago=minutes_ago, length_s=12, direction=Direction.INCOMING, parties=pair(caller, "8001"))
        for _ in range(count)
    ]
    devices = [device.id for device in site.services.instances.list(Kind.SOURCE)]
    store = site.services.instances.list(Kind.CONNECTOR)[0].id
    return add_calls(site.services, calls, devices, store, utc_now())


def test_the_list_has_the_columns_of_the_reference(page: Page) -> None:
    page.set_viewport_size({"width": 1900, "height": 900})
    headings = page.locator("thead th").all_inner_texts()
    for heading in (
        "Call date",
        "Length",
        "Parties",
        "Direction",
        "Agent",
        "Owner",
        "Target",
        "Skill",
        "Call ID",
        "Device",
    ):
        assert heading in headings
    expect(page.locator(ROWS)).to_have_count(38)
    first = page.locator(ROWS).first
    expect(first).to_contain_text("João Pereira")
    expect(first.get_by_role("button", name=re.compile("Play .*8005"))).to_be_enabled()
    expect(page.locator("#total")).to_contain_text("38 recordings")


def test_where_more_than_a_page_match_their_number_follows_the_rows(page: Page, site: Site) -> None:
    _new_call(site, count=20)
    answered = page.request.get("/recordings").text()
    assert "<b>50+</b> recordings" in answered
    with page.expect_response("**/recordings/total"):
        page.reload()
    expect(page.locator("#total")).to_have_text("58 recordings")
    assert page.url.endswith("/recordings")


def test_a_new_recording_appears_by_itself_and_disturbs_nothing(page: Page, site: Site) -> None:
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    page.locator(ROWS).nth(2).locator("[data-select]").check()
    before = _ids(page)
    page.locator(ROWS).nth(30).scroll_into_view_if_needed()
    seen = page.locator(ROWS).nth(30).bounding_box()
    _new_call(site)
    expect(page.locator(ROWS)).to_have_count(39)
    assert _ids(page)[1:] == before
    expect(page.locator(ROWS).first).to_contain_text("+41 44 123 45 67")
    expect(page.locator("#total")).to_contain_text("39 recordings")
    expect(page.locator(ROWS).nth(3).locator("[data-select]")).to_be_checked()
    expect(page.locator("#arrivals")).to_contain_text("1 new")
    moved = page.locator(ROWS).nth(31).bounding_box()
    assert seen is not None
    assert moved is not None
    assert abs(seen["y"] - moved["y"]) < 2


def test_a_recording_that_arrives_late_takes_its_place_by_date(page: Page, site: Site) -> None:
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    _new_call(site, minutes_ago=30, caller="+41 79 000 00 00")
    expect(page.locator(ROWS)).to_have_count(39)
    expect(page.locator(ROWS).first).not_to_contain_text("+41 79 000 00 00")
    starts = [int(row.get_attribute("data-start") or 0) for row in page.locator(ROWS).all()]
    assert starts == sorted(starts, reverse=True)


def test_only_what_matches_the_filters_appears(page: Page, site: Site) -> None:
    page.goto("/recordings?direction=outgoing")
    expect(page.locator("html")).to_have_attribute("data-live", "on")
    shown = page.locator(ROWS).count()
    _new_call(site)
    _new_call(site, caller="8002")
    page.wait_for_timeout(1200)  # nothing must come
    assert page.locator(ROWS).count() == shown


def test_a_search_is_in_the_address_and_in_the_trail(page: Page, site: Site) -> None:
    page.get_by_role("searchbox").fill("8005, 李伟")
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url("**/recordings?q=8005%2C+%E6%9D%8E%E4%BC%9F")
    expect(page.locator("#total")).not_to_contain_text("38")
    for text in page.locator(ROWS).all_inner_texts():
        assert "8005" in text or "李伟" in text
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("8005, 李伟")
    with site.services.db.read() as session:
        found = list_entries(session, AuditFilter(actions=frozenset({Action.SEARCH})))
    assert any("8005" in str(entry.details) for entry in found.items)


def test_filters_narrow_the_list_and_show_what_they_do(page: Page) -> None:
    page.locator("#filter-direction summary").click()
    page.get_by_label("Internal").check()
    page.wait_for_url("**/recordings?direction=internal")
    assert set(page.locator("td.col-direction").all_inner_texts()) == {"Internal"}
    expect(page.locator("#filter-direction")).to_contain_text("Internal")
    page.locator("#filter-length summary").click()
    page.get_by_label("At least").fill("5:00")
    page.locator("#filter-length").get_by_role("button", name="Apply").click()
    page.wait_for_url("**/recordings?direction=internal&min=5%3A00")
    page.get_by_role("link", name="Show all").click()
    page.wait_for_url("**/recordings")
    expect(page.locator(ROWS)).to_have_count(38)


def test_a_preset_range_wins_over_dates(page: Page) -> None:
    page.goto("/recordings?from=2020-01-01T00:00&to=2020-02-01T00:00")
    expect(page.get_by_role("heading", name="No recording matches")).to_be_visible()
    page.locator("#filter-date summary").click()
    page.get_by_role("button", name="Last 7 days").click()
    page.wait_for_url("**/recordings?range=7d")
    expect(page.locator(ROWS)).to_have_count(38)


def test_zero_results_name_the_filter_that_excludes(page: Page) -> None:
    page.goto("/recordings?direction=incoming&q=nobody-has-this")
    culprit = page.get_by_role("link", name=re.compile("nobody-has-this"))
    expect(culprit).to_be_visible()
    culprit.click()
    page.wait_for_url("**/recordings?direction=incoming")
    expect(page.locator(ROWS).first).to_be_visible()


@pytest.mark.parametrize("width", [1000, 1280, 1600])
def test_columns_are_as_wide_with_more_rows_to_come_as_without(page: Page, site: Site, width: int) -> None:
    def party_width() -> float:
        box = page.locator(f"{ROWS} td.col-parties").first.bounding_box()
        assert box is not None
        return box["width"]

    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/recordings")
    expect(page.locator("[data-more]")).to_have_count(0)
    before = party_width()
    _new_call(site, minutes_ago=3000, count=60)
    page.route("**/recordings?*before=*", lambda route: route.abort())  # nothing more comes while this is looked at
    page.goto("/recordings")
    expect(page.locator("[data-more]")).to_have_count(1)
    assert party_width() == pytest.approx(before, abs=16)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_more_rows_come_while_scrolling_and_by_a_button(page: Page, site: Site) -> None:
    _new_call(site, minutes_ago=3000, count=60)
    page.goto("/recordings")
    expect(page.locator(ROWS)).to_have_count(50)
    page.locator("[data-more]").scroll_into_view_if_needed()
    expect(page.locator(ROWS)).to_have_count(98)
    expect(page.locator("[data-more]")).to_have_count(0)
    ids = _ids(page)
    assert len(ids) == len(set(ids))


def test_columns_can_be_chosen_and_stay_chosen(page: Page) -> None:
    page.locator("#columns-menu summary").click()
    page.locator("#columns-menu").get_by_text("Agent", exact=True).click()
    expect(page.get_by_role("columnheader", name="Agent")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("columnheader", name="Agent")).to_be_hidden()
    expect(page.get_by_role("columnheader", name="Skill")).to_be_visible()


def test_rows_can_be_selected_with_shift_and_played_one_after_the_other(page: Page) -> None:
    boxes = page.locator("[data-select]")
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(page.locator("#selection")).to_contain_text("4 selected")
    page.get_by_role("button", name="Play these").click()
    expect(page.locator("tr.current")).to_contain_text("Anna Berg")
    page.keyboard.press("n")
    expect(page.locator("tr.current")).to_contain_text("广州客服")


def test_on_a_phone_the_rows_are_cards_that_fit(browser: Browser, site: Site) -> None:
    with visiting(browser, site, viewport=PHONE) as page:
        expect(page.locator(ROWS).first.get_by_role("button")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator(ROWS).first.get_by_role("button").click()
        expect(page.locator("#dock")).to_be_visible()
        page.locator("#filter-direction summary").click()
        expect(page.get_by_label("Incoming")).to_be_in_viewport()


def test_the_page_of_a_call_with_a_number_without_end_is_no_wider_than_the_screen(
    page: Page, site: Site, browser: Browser
) -> None:
    [recording_id] = _new_call(site, caller="4" * 400)
    path = f"/r/{ids.to_text(recording_id)}"
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("h1")).to_contain_text("8001")
    with visiting(browser, site, path, viewport=PHONE) as phone:
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        lane = phone.locator(".lane").first
        expect(lane).to_be_visible()
        assert lane.evaluate("lane => lane.getBoundingClientRect().right") <= PHONE["width"]
