"""Recording rules and calls without recording in a real browser."""

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.audit import SYSTEM
from hub.rules.hours import HolidayHours
from hub.rules.rule import CallKind, Rule, Treatment
from tests.doubles.browser import PHONE, visiting
from tests.doubles.site import Site

TO = "\N{EN DASH}"
LATE = f"Tue{TO}Fri 20:00{TO}02:00; Sun 10:00{TO}24:00"


def _rule(site: Site, name: str) -> Rule:
    return next(rule for rule in site.services.rules.load().rules if rule.name == name)


def _names(page: Page) -> list[str]:
    return page.locator(".rule-row h2").all_inner_texts()


def test_each_rule_is_a_sentence_in_the_order_that_decides(page: Page) -> None:
    page.goto("/rules")
    assert _names(page) == [
        "Works council: never",
        "Trading desk",
        "Sales in office hours",
        "Payments",
        "Everybody else on demand",
        "Otherwise",
    ]
    sales = page.locator(".rule-row", has_text="Sales in office hours")
    expect(sales).to_contain_text("Incoming calls of group Sales or Support, on the device Head office")
    expect(sales).to_contain_text("in the hours “Office hours”")
    expect(sales).to_contain_text("Record 25%")


def test_a_rule_is_made_kept_and_deleted(page: Page, site: Site) -> None:
    page.goto("/rules")
    page.get_by_role("link", name="Add a rule").click()
    page.get_by_label("What people call it").fill("Reception")
    page.get_by_label("Outgoing").check()
    page.get_by_label("Numbers", exact=True).fill("201, +43*")
    page.get_by_label("When").select_option(label=f"Night shift (Fri, Sat 22:00{TO}06:00)")
    expect(page.get_by_label("Share of the calls")).to_be_hidden()
    page.get_by_text("Record a share").click()
    page.get_by_label("Share of the calls").fill("10")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/rules?done=added")
    expect(page.locator(".rule-row", has_text="Reception")).to_contain_text("with number 201 or +43*")
    rule = _rule(site, "Reception")
    assert (rule.calls, rule.numbers) == ((CallKind.OUTGOING,), ("201", "+43*"))
    assert (rule.treatment, rule.share_percent, rule.enabled) == (Treatment.SHARE, 10, True)
    page.get_by_role("link", name="Reception", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url("**/rules?done=deleted")
    assert "Reception" not in _names(page)


@pytest.mark.parametrize("path", ["/rules/new", "/rules/profiles/new", "/rules/calendars/new"])
def test_a_name_that_is_too_long_is_told_and_never_cut(page: Page, path: str) -> None:
    page.goto(path)
    name = page.get_by_label("What people call it")
    name.press_sequentially("x" * 101)
    page.locator(".form-foot").get_by_role("button").last.click()
    expect(name).to_have_accessible_description("Write at most 100 characters.")
    expect(name).to_have_value("x" * 101)


def test_a_rule_may_end_recordings_at_voicemail_which_the_list_and_the_test_say(page: Page, site: Site) -> None:
    page.goto("/rules/new")
    page.get_by_label("What people call it").fill("Hotline")
    page.get_by_label("Groups").fill("Hotline")
    page.get_by_text("Length, voicemail and keys").click()
    switch = page.get_by_label("End the recording at voicemail")
    expect(switch).not_to_be_checked()
    expect(page.get_by_text("The recording goes on if somebody is connected afterwards.")).to_be_visible()
    switch.check()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/rules?done=added")
    expect(page.locator(".rule-row", has_text="Hotline")).to_contain_text("Ends at voicemail")
    assert _rule(site, "Hotline").stops_at_voicemail
    page.get_by_role("link", name="Hotline", exact=True).click()
    expect(page.get_by_label("End the recording at voicemail")).to_be_checked()
    page.goto("/rules")
    page.get_by_role("button", name="Move Hotline up").press("Enter")  # above the rule for everybody
    page.wait_for_url("**/rules?done=moved")
    page.goto("/rules/test?device=1&direction=incoming&groups=Hotline")
    expect(page.locator("#decides")).to_contain_text("Hotline")
    expect(page.locator("#decides")).to_contain_text("Ends at voicemail")


def test_a_mistake_names_its_field_and_keeps_the_rest(page: Page) -> None:
    page.goto("/rules/new")
    page.get_by_label("Groups").fill("Sales")
    page.get_by_text("Length, voicemail and keys").click()
    page.get_by_label("Longest recording").fill("20000")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Write 18000 or less.")).to_be_visible()
    expect(page.get_by_text("This is needed.")).to_be_visible()
    expect(page.get_by_label("What people call it")).to_be_focused()
    expect(page.get_by_label("Groups")).to_have_value("Sales")
    expect(page.get_by_label("Longest recording")).to_have_value("20000")


def test_who_saves_second_is_told_and_loses_nothing_of_what_was_typed(page: Page, site: Site) -> None:
    rule = _rule(site, "Trading desk")
    page.goto(f"/rules/{rule.id}")
    page.get_by_label("Groups").fill("Trading, Brokers")
    site.services.rules.change(rule.model_copy(update={"enabled": False}), rule.revision, SYSTEM)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this in the meantime.")
    expect(page.get_by_label("Groups")).to_have_value("Trading, Brokers")
    assert _rule(site, "Trading desk").groups == ("Trading",)


def test_rules_are_moved_and_switched_by_keyboard(page: Page, site: Site) -> None:
    page.goto("/rules")
    page.get_by_role("button", name="Move Trading desk up").press("Enter")
    page.wait_for_url("**/rules?done=moved")
    assert _names(page)[:2] == ["Trading desk", "Works council: never"]
    expect(page.get_by_role("button", name="Move Trading desk up")).to_be_disabled()
    page.get_by_role("button", name="Switch Payments on").press("Enter")
    page.wait_for_url("**/rules?done=on")
    assert _rule(site, "Payments").enabled


def test_mandatory_says_that_a_recorder_cannot_refuse_a_call(page: Page) -> None:
    page.goto("/rules/new")
    note = page.get_by_text("A recorder cannot refuse a call")
    expect(note).to_be_hidden()
    page.get_by_role("radio", name="Mandatory").check()
    expect(note).to_be_visible()


def test_hours_are_edited_in_lines_and_shown_as_a_week(page: Page, site: Site) -> None:
    page.goto("/rules/profiles/new")
    page.get_by_label("What people call it").fill("Late")
    page.get_by_label("From", exact=True).fill("20:00")
    page.get_by_label("Until").fill("02:00")
    page.get_by_label("Monday").uncheck()
    page.get_by_role("button", name="Add a line").click()
    second = page.locator("[data-row='1']")
    second.get_by_label("Sunday").check()
    second.get_by_label("From").fill("10:00")
    second.get_by_label("Until").fill("00:00")
    page.get_by_label("Austria").check()
    page.get_by_text("On holidays they hold from midnight to midnight").click()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/rules/profiles?done=added")
    card = page.locator("article", has_text="Late")
    expect(card).to_contain_text(LATE)
    expect(card.get_by_role("img")).to_have_attribute("aria-label", LATE)
    assert card.locator(".bar").count() == 9
    kept = site.services.rules.load().profiles[-1]
    assert kept.on_holidays is HolidayHours.ALL_DAY


@pytest.mark.parametrize(
    ("path", "name", "user"),
    [("profiles", "Office hours", "Sales in office hours"), ("calendars", "Austria", "Office")],
)
def test_what_is_in_use_cannot_be_deleted(page: Page, path: str, name: str, user: str) -> None:
    page.goto(f"/rules/{path}")
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_contain_text(f"{name} is used by {user}")


def test_holidays_are_a_list_of_days(page: Page, site: Site) -> None:
    page.goto("/rules/calendars/new")
    page.get_by_label("What people call it").fill("Works holidays")
    for row, (date, name) in enumerate((("2026-12-24", "Christmas Eve"), ("", "Nothing"))):
        page.get_by_role("button", name="Add a day").click()
        line = page.locator(f"[data-row='{row}']")
        line.get_by_label("Day", exact=True).fill(date)
        line.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-row='1']")).to_contain_text("Write a date as 2026-12-25.")
    page.locator("[data-row='1']").get_by_role("button", name="Remove this day").click()
    page.locator("[data-row='0']").get_by_label("Every year").check()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/rules/calendars?done=added")
    [day] = site.services.rules.load().calendars[-1].days
    assert (day.day.isoformat(), day.name, day.yearly) == ("2026-12-24", "Christmas Eve", True)


def test_the_test_names_the_rule_that_decides_and_why_none_above_does(page: Page) -> None:
    page.goto("/rules/test")
    page.get_by_label("Device").select_option("Head office")
    page.get_by_label("Direction").select_option("Incoming")
    page.get_by_label("Groups").fill("Support")
    page.get_by_label("When").fill("2026-11-23T09:00")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#decides")).to_contain_text("Sales in office hours")
    expect(page.locator(".misses li", has_text="Trading desk")).to_contain_text("it is another group")
    page.get_by_label("When").fill("2026-11-23T20:00")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#decides")).to_contain_text("Everybody else on demand")
    expect(page.locator(".misses li", has_text="Sales in office hours")).to_contain_text("it is outside its hours")
    expect(page.locator(".misses li", has_text="Payments")).to_contain_text("it is switched off")


def test_what_holds_otherwise_can_be_changed(page: Page, site: Site) -> None:
    page.goto("/rules")
    page.get_by_role("link", name="Change what holds otherwise").click()
    page.get_by_text("Only what a rule asks for is recorded.").click()
    page.get_by_label("Remember them for").fill("0")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Write 1 or more.")).to_be_visible()
    page.get_by_label("Remember them for").fill("30")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/rules?done=saved")
    expect(page.locator(".otherwise")).to_contain_text("Do not record")
    otherwise = site.services.rules.load().otherwise
    assert (otherwise.records, otherwise.absent_days) == (False, 30)


def test_missing_calls_come_first_with_what_to_do(page: Page) -> None:
    page.goto("/absent-calls")
    expect(page.locator("article.alarm")).to_have_count(3)
    expect(page.locator("article.alarm", has_text="Refused")).to_have_count(1)
    silent = page.locator("article.alarm", has_text="No media came")
    expect(silent).to_contain_text("+43 1 555 0123 Anna Berger → 201 Front desk")
    expect(silent).to_contain_text("See whether the mirror port")
    expect(silent).to_contain_text("Mandatory")
    page.get_by_role("link", name="Left out").click()
    expect(page.locator("article.alarm")).to_have_count(4)
    page.locator("#filter-why summary").click()
    page.get_by_label("Discarded").check()
    expect(page.locator("article.alarm")).to_have_count(1)
    page.goto("/absent-calls?tab=all&number=9999")
    expect(page.get_by_text("No call matches")).to_be_visible()


def test_a_phone_shows_rules_and_hours_without_scrolling_sideways(browser: Browser, site: Site) -> None:
    book = site.services.rules.load()
    with visiting(browser, site, viewport=PHONE) as page:
        for path in ("/rules", f"/rules/profiles/{book.profiles[0].id}", "/absent-calls?tab=all"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path


def test_a_rule_is_dragged_to_its_place_by_its_number_and_escape_puts_it_back(page: Page) -> None:
    page.goto("/rules")
    before = _names(page)
    handles = page.locator(".rule-row[data-move] > .place")

    def hold_and_move(place: int, to: int) -> None:
        start, end = handles.nth(place).bounding_box(), handles.nth(to).bounding_box()
        assert start is not None
        assert end is not None
        page.mouse.move(start["x"] + 8, start["y"] + 8)
        page.mouse.down()
        page.mouse.move(start["x"] + 8, end["y"] + (40 if to > place else -4), steps=8)

    hold_and_move(0, 2)
    assert _names(page)[:3] == [before[1], before[2], before[0]]
    page.keyboard.press("Escape")
    assert _names(page) == before
    page.mouse.up()
    hold_and_move(0, 2)
    page.mouse.up()
    page.wait_for_url("**/rules?done=moved")
    moved = [before[1], before[2], before[0], *before[3:]]
    assert _names(page) == moved
    page.reload()
    assert _names(page) == moved
    hold_and_move(2, 0)
    with page.expect_response("**/move"):
        page.mouse.up()
    page.reload()
    assert _names(page) == before
