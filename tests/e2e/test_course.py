"""What happened in the course of a recording, in the player and on its page, in a real browser."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.doubles.hub import until

AUDIO = "document.getElementById('dock').audio"

FATIMA = "\u0641\u0627\u0637\u0645\u0629 \u0627\u0644\u0632\u0647\u0631\u0627\u0621"


@pytest.fixture
def conference(page: Page) -> Page:
    """The page of the conference, whose player stands at its beginning."""
    row = page.locator("tr[data-id]", has=page.locator("td.col-length", has_text="8:32"))
    row.locator("td.col-date a").click()
    expect(page.locator(".lane")).to_have_count(1)
    return page


def marks(page: Page) -> list[str]:
    return [mark.get_attribute("aria-label") or "" for mark in page.locator(".moment").all()]


def test_marks_tell_what_happened_and_those_on_one_another_are_one(conference: Page) -> None:
    expect(conference.get_by_role("group", name="Events")).to_be_visible()
    told = marks(conference)
    assert f"0:41 Joined the call · 8014 \u2068{FATIMA}\u2069" in told
    assert "2:30 Recording paused" in told
    assert "7:10 There was video, which is not recorded" in told
    together = next(text for text in told if "events from" in text)
    assert together.startswith(
        "9 events from 1:03: 1:03 Joined the call · +44 20 7183 8750, 1:10 Key pressed · 8002 李伟, "
    )
    assert together.endswith(", and 3 more")
    places = [mark.bounding_box() for mark in conference.locator(".moment").all()]
    lefts = sorted(place["x"] for place in places if place)
    assert all(after - before >= 24 for before, after in pairwise(lefts))


def test_pauses_holds_and_gaps_are_shaded_where_they_were(conference: Page) -> None:
    wave = conference.locator("[data-part=wave-box]").bounding_box()
    assert wave
    for kind, at_s, until_s in (("pause", 150, 205), ("hold", 230, 300), ("gap", 402, 409)):
        box = conference.locator(f".stretch.{kind}").bounding_box()
        assert box
        assert box["x"] - wave["x"] == pytest.approx(at_s / 512 * wave["width"], abs=2)
        assert box["width"] == pytest.approx((until_s - at_s) / 512 * wave["width"], abs=2)


def test_a_mark_says_more_when_pointed_at_and_leads_there_when_clicked(conference: Page) -> None:
    mark = conference.get_by_role("button", name="2:30 Recording paused")
    mark.hover()
    expect(conference.locator(".course-bubble")).to_have_text("2:30 Recording paused")
    mark.click()
    expect(conference.locator("[data-part=position]")).to_have_text("2:30")
    conference.mouse.move(5, 5)
    expect(conference.locator(".course-bubble")).to_be_hidden()


def test_marks_are_one_stop_of_the_tab_key_and_arrows_walk_them(conference: Page) -> None:
    conference.get_by_role("slider", name="Position").focus()
    conference.keyboard.press("Tab")
    expect(conference.get_by_role("button", name="0:41 Joined")).to_be_focused()
    expect(conference.locator(".course-bubble")).to_contain_text("Joined the call")
    conference.keyboard.press("End")
    expect(conference.get_by_role("button", name="7:10 There was video")).to_be_focused()
    conference.keyboard.press("ArrowLeft")
    expect(conference.get_by_role("button", name="6:42 Sound was lost")).to_be_focused()
    conference.keyboard.press("Enter")
    expect(conference.locator("[data-part=position]")).to_have_text("6:42")
    conference.keyboard.press("Escape")
    expect(conference.locator(".course-bubble")).to_be_hidden()
    expect(conference.locator(".moment[tabindex='0']")).to_have_count(1)


def test_marks_stay_with_the_waveform_while_one_zooms(conference: Page) -> None:
    before = len(marks(conference))
    for _ in range(6):
        conference.get_by_role("button", name="Zoom in").click()
    until(lambda: len(marks(conference)) > before, 20, "marks that part when there is room")
    conference.evaluate("document.getElementById('dock').wave.surfer.setScrollTime(230)")
    wave = conference.locator("[data-part=wave-box]").bounding_box()
    assert wave

    def is_there() -> bool:
        box = conference.locator(".stretch.hold").bounding_box()
        return bool(box) and box["x"] == pytest.approx(wave["x"], abs=3)  # type: ignore[index]

    until(is_there, 20, "the hold at the left edge")


def test_the_page_lists_it_and_each_time_plays_from_there(conference: Page) -> None:
    course = conference.get_by_role("region", name="During the call")
    expect(course.get_by_role("listitem")).to_have_count(18)
    expect(course).to_contain_text("Key # pressed 8001 Anna Berg")
    course.get_by_role("button", name=re.compile("Play from 2:30")).click()
    expect(conference.locator("#dock")).to_have_class(re.compile("sounding"))
    until(lambda: conference.evaluate(f"{AUDIO}.currentTime") >= 150, 20, "playing from the pause on")


def test_a_recording_in_which_nothing_happened_has_no_such_lane(page: Page) -> None:
    page.locator("[data-play]").first.click()
    expect(page.locator(".lane")).to_have_count(2)
    expect(page.locator("[data-part=course]")).to_be_hidden()
