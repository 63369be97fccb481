"""Calls that are unlike others: names that turn around, very long and very short ones; in a real browser."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from hub import ids
from hub.clock import utc_now
from hub.sdk import Direction, Kind, Party
from tests.doubles.browser import PHONE, visiting
from tests.doubles.hub import until
from tests.doubles.sample_calls import SampleCall
from tests.doubles.services import add_calls
from tests.doubles.site import Site

HEBREW = "\u202eevil \u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd"
ARABIC = "\u0641\u0627\u0637\u0645\u0629 \u0627\u0644\u0632\u0647\u0631\u0627\u0621"
YEAR_MINUTES = 375 * 24 * 60
# where the given character of a text stands on the screen
PLACES = """(box, wanted) => {
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const at = node.data.indexOf(wanted);
    if (at < 0) continue;
    return [...wanted].map((_, step) => {
      const range = document.createRange();
      range.setStart(node, at + step);
      range.setEnd(node, at + step + 1);
      return range.getBoundingClientRect().left;
    });
  }
  return [];
}"""
LABELS = """() => [...(document.querySelector('.wave-box > div')?.shadowRoot?.querySelectorAll('[part~=timeline-notch]') ?? [])]
  .filter((notch) => notch.textContent)
  .map((notch) => {
    const range = document.createRange();
    range.selectNodeContents(notch);
    const box = range.getBoundingClientRect();
    return { left: box.left, right: box.right, opacity: Number(getComputedStyle(notch).opacity) };
  })"""

# whether nothing around the text of an element cuts it off
WHOLE = """(number) => {
  const range = document.createRange();
  range.selectNodeContents(number);
  const { right } = range.getBoundingClientRect();
  for (let box = number; box.tagName !== "TR"; box = box.parentElement) {
    const shape = getComputedStyle(box).display;
    if (!["inline", "contents"].includes(shape) && right > box.getBoundingClientRect().right + 1) return false;
  }
  return true;
}"""


def _add(site: Site, *parties: Party, length_s: float = 25, minutes_ago: float = 0.2, lanes: int = 2) -> str:
    call = SampleCall(
        minutes_ago=minutes_ago, length_s=length_s, direction=Direction.UNKNOWN, parties=parties, lanes=lanes
    )
    devices = [device.id for device in site.services.instances.list(Kind.SOURCE)]
    store = site.services.instances.list(Kind.CONNECTOR)[0].id
    return ids.to_text(add_calls(site.services, [call], devices, store, utc_now())[0])


def _runs_from_left(box: Locator, wanted: str) -> bool:
    places = box.evaluate(PLACES, wanted)
    return len(places) == len(wanted) and places == sorted(places)


def test_a_name_from_right_to_left_leaves_all_numbers_as_they_are(page: Page, site: Site) -> None:
    call = _add(
        site, Party(number="8014", name=ARABIC, channel=0), Party(number="+97235551234", name=HEBREW, channel=1)
    )
    page.goto(f"/r/{call}")
    expect(page.locator(".lane")).to_have_count(2)
    boxes = (page.locator("h1"), page.locator(".people"), page.locator(".dock-title .who"), page.locator(".lanes"))
    for box in boxes:
        assert _runs_from_left(box, "+97235551234")
        assert _runs_from_left(box, "8014")
        assert "\u202e" not in box.inner_text()
        assert "evil" in box.inner_text()
    numbers = [page.locator(".dock-title .who").evaluate(PLACES, number)[0] for number in ("8014", "+97235551234")]
    assert numbers == sorted(numbers)


@pytest.fixture(params=[{"width": 1440, "height": 900}, PHONE], ids=["desktop", "phone"])
def long_call(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Page]:
    """A call of five hours, as a screen and as a telephone show it."""
    call = _add(site, Party(number="205"), Party(number="+4366412345678"), length_s=18_000)
    with visiting(browser, site, f"/r/{call}", viewport=request.param) as opened:
        yield opened


def test_the_times_below_a_long_call_stand_apart_and_can_be_read(long_call: Page) -> None:
    labels = until(lambda: long_call.evaluate(LABELS), 20, "times below the waveform")
    assert len(labels) >= 3
    for one, following in pairwise(labels):
        assert one["right"] + 6 <= following["left"]
    assert {label["opacity"] for label in labels} == {1}
    edge = long_call.locator(".wave-box").evaluate("box => box.getBoundingClientRect().right")
    assert labels[-1]["right"] <= edge + 1


@pytest.mark.parametrize("width", [1440, 1200, 1024, 900])
def test_date_and_length_of_an_old_long_call_stand_apart(page: Page, site: Site, width: int) -> None:
    _add(site, Party(number="205"), Party(number="206"), length_s=35_999, minutes_ago=YEAR_MINUTES)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/recordings")
    row = page.locator("tr[data-id]", has_text="9:59:59")
    edges = [
        row.locator(f"{cell}").evaluate(
            "cell => { const range = document.createRange(); range.selectNodeContents(cell);"
            " const box = range.getBoundingClientRect(); return [box.left, box.right]; }"
        )
        for cell in ("td.col-date time", "td.col-length")
    ]
    assert edges[0][1] + 8 <= edges[1][0]


@pytest.mark.parametrize("width", [1440, 1280, 1024, 900])
def test_numbers_are_whole_where_names_are_shortened(page: Page, site: Site, width: int) -> None:
    _add(
        site,
        Party(number="+4366499991234", name="Wunschkonzert"),
        Party(number="207", name="Bartholomäus von Hohenstaufen-Würzburg"),
    )
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/recordings")
    numbers = page.locator("tr[data-id]").first.locator(".parties b")
    expect(numbers).to_have_count(2)
    for number in numbers.all():
        assert number.evaluate(WHOLE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_call_shorter_than_half_a_second_has_a_length(page: Page, site: Site) -> None:
    call = _add(site, Party(number="203"), Party(number="204"), length_s=0.3)
    page.goto("/recordings")
    expect(page.locator("tr[data-id]").first.locator("td.col-length")).to_have_text("< 1 s")
    page.goto(f"/r/{call}")
    expect(page.locator("dd", has_text="< 1 s")).to_have_count(1)
    expect(page.locator(".dock-bar [data-part=length]")).to_have_text("< 1 s")


def test_a_conference_counts_its_channels_and_what_is_not_known_comes_from_nowhere(page: Page, site: Site) -> None:
    parties = [Party(number=str(201 + at), channel=at) for at in range(5)]
    page.goto(f"/r/{_add(site, *parties, lanes=5)}")
    expect(page.locator(".media-form", has_text="Original")).to_contain_text("5 channels")
    direction = page.locator(".facts > div", has=page.get_by_text("Direction", exact=True))
    expect(direction).to_contain_text("Unknown")
    expect(direction.locator(".rule")).to_have_count(0)
