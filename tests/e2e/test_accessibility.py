"""Every page, light and dark, by axe; by keyboard alone; at phone width; without a word that bypasses translation."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.audit.actor import SYSTEM
from hub.catalog.query import RecordingQuery
from hub.sdk import Kind
from tests.doubles.axe import source, violations
from tests.doubles.browser import DESKTOP, PHONE, visiting
from tests.doubles.site import Site

PAGES = (
    "/recordings",
    "/recordings?q=nobody-has-this",
    "/live",
    "/live?q=nobody",
    "/r/{recording}",
    "/r/{problem}",
    "/devices",
    "/devices/new",
    "/devices/new/ipoffice",
    "/devices/{device}",
    "/devices/{device}/delete",
    "/storage",
    "/storage/new/local",
    "/plugins",
    "/quarantine",
    "/alarms",
    "/alarms?tab=history",
    "/audit",
    "/account",
    "/rules",
    "/rules/new",
    "/rules/{rule}",
    "/rules/otherwise",
    "/rules/test",
    "/rules/test?device={device}&direction=incoming&groups=Sales",
    "/rules/profiles",
    "/rules/profiles/{profile}",
    "/rules/calendars",
    "/rules/calendars/{calendar}",
    "/absent-calls",
    "/absent-calls?tab=all",
    "/api/docs",
    "/there-is-no-such-page",
)


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core's source, from the locked packages."""
    return source(tmp_path_factory.getbasetemp().parent)


def addresses(site: Site) -> Iterator[str]:
    """Every page of this site."""
    person = site.services.sessions.find(site.token)
    assert person is not None
    rows = site.services.reader.search(person, RecordingQuery(), SYSTEM).items
    device = site.services.instances.list(Kind.SOURCE)[0].id
    problem = next(row.text_id for row in rows if row.problem)
    book = site.services.rules.load()
    entries = {"rule": book.rules[2].id, "profile": book.profiles[0].id, "calendar": book.calendars[0].id}
    for path in PAGES:
        yield path.format(recording=rows[1].text_id, problem=problem, device=device, **entries)


def test_axe_finds_nothing_on_any_page(browser: Browser, site: Site, axe: str) -> None:
    with visiting(browser, site, reduced_motion="reduce") as page:
        page.locator("[data-play]").first.click()
        expect(page.locator(".lane")).to_have_count(2)
        found = {}
        for address in addresses(site):
            page.goto(address)
            page.wait_for_load_state("load")
            if wrong := violations(page, axe):
                found[address] = wrong
        assert found == {}


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_in_the_course_of_a_recording(
    browser: Browser, site: Site, axe: str, viewport: dict[str, int]
) -> None:
    with visiting(browser, site, viewport=viewport, reduced_motion="reduce") as page:
        page.goto(list(addresses(site))[PAGES.index("/r/{recording}")])
        expect(page.locator(".moment").first).to_be_visible()
        assert violations(page, axe) == []
        page.locator(".moment").first.focus()
        expect(page.locator(".course-bubble")).to_be_visible()
        assert violations(page, axe) == []


def test_axe_finds_nothing_in_what_opens(browser: Browser, site: Site, axe: str) -> None:
    with visiting(browser, site, reduced_motion="reduce") as page:
        page.locator("[data-play]").first.click()
        expect(page.locator(".lane")).to_have_count(2)
        found = {}
        for opener in (
            "#filter-date",
            "#filter-direction",
            "#filter-device",
            "#filter-length",
            "#filter-more",
            "#columns-menu",
            ".user-menu",
        ):
            page.locator(f"{opener} > summary").click()
            if wrong := violations(page, axe):
                found[opener] = wrong
            page.keyboard.press("Escape")
        page.keyboard.press("?")
        if wrong := violations(page, axe):
            found["keys"] = wrong
        assert found == {}


def test_axe_finds_nothing_before_sign_in(browser: Browser, fresh_site: Site, axe: str) -> None:
    fresh_site.token = ""
    token = fresh_site.services.accounts.issue_setup_token()
    with visiting(browser, fresh_site, "/sign-in", reduced_motion="reduce") as page:
        for address in ("/sign-in", f"/setup?token={token}", "/setup?token=wrong"):
            page.goto(address)
            assert violations(page, axe) == [], address


def test_every_page_fits_a_phone(browser: Browser, site: Site) -> None:
    with visiting(browser, site, viewport=PHONE) as page:
        for address in addresses(site):
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address


def test_targets_are_at_least_24_pixels(browser: Browser, site: Site) -> None:
    script = """() => [...document.querySelectorAll('button, summary, select, input:not([type=hidden]), .button, .nav a')]
      .filter(e => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}))
      .map(e => [e.closest('label.check, .segmented label, .choice') ?? e, e])
      .filter(([e]) => { const b = e.getBoundingClientRect(); return b.width > 0 && (b.width < 24 || b.height < 24) })
      .filter(([, e]) => !e.matches('[type=checkbox], [type=radio]') || e.getBoundingClientRect().width < 16)
      .map(([, e]) => e.outerHTML.slice(0, 140))"""
    with visiting(browser, site) as page:
        page.locator("[data-play]").first.click()
        expect(page.locator(".lane")).to_have_count(2)
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            for address in addresses(site):
                page.goto(address)
                assert page.evaluate(script) == [], address


def test_the_way_to_a_recording_and_back_by_keyboard_alone(browser: Browser, site: Site) -> None:
    with visiting(browser, site) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_text("Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()
        page.keyboard.type("8005")
        page.keyboard.press("Enter")
        page.wait_for_url("**/recordings?q=8005")
        _tab_to(page, "tr[data-id]:first-of-type [data-play]")
        page.keyboard.press("Enter")
        expect(page.locator(".lane")).to_have_count(2)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/r/*")
        expect(page.locator("h1")).to_be_focused()
        page.go_back()
        expect(page.get_by_role("heading", name="Recordings", level=1)).to_be_visible()
        _tab_to(page, "#filter-direction summary")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.wait_for_url("**/recordings?**direction=incoming**")
        page.keyboard.press("Escape")
        expect(page.locator("#filter-direction summary")).to_be_focused()


def test_what_has_the_focus_is_never_under_the_player(browser: Browser, site: Site) -> None:
    with visiting(browser, site) as page:
        page.locator("[data-play]").first.click()
        expect(page.locator(".lane")).to_have_count(2)
        script = """() => { const f = document.activeElement.getBoundingClientRect();
          const d = document.getElementById('dock').getBoundingClientRect();
          return document.activeElement.closest('#dock, .sidebar') !== null || f.top < d.top - 8 }"""
        page.locator("tr[data-id] a").first.focus()
        for _ in range(70):
            page.keyboard.press("Tab")
            assert page.evaluate(script), page.evaluate("document.activeElement.outerHTML.slice(0, 120)")


def test_forced_colours_keep_controls_visible(browser: Browser, site: Site) -> None:
    with visiting(browser, site, forced_colors="active") as page:
        expect(page.locator("[data-play]").first).to_be_visible()
        border = page.locator("[data-select]").first.evaluate("e => getComputedStyle(e).borderTopWidth")
        assert float(border.removesuffix("px")) > 0


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(80):
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached with Tab")
