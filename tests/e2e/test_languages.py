"""The pages in other languages: chosen in two clicks, kept, whole, and within the screen."""

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.alerts.codes.system import DATABASE_DOWN
from tests.doubles.browser import PHONE, visiting
from tests.doubles.services import LOGIN, PASSWORD
from tests.doubles.site import Site
from tests.e2e.test_accessibility import addresses

# texts of two Latin words or more without one Chinese letter; what the PBX or the administrator named is marked
_NOT_CHINESE = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const said = walker.currentNode.parentElement.closest("script, style, template, code, pre, .mono, [translate=no]");
    if (!said && /[A-Za-z]{2,}[^A-Za-z]+[A-Za-z]{2,}/.test(text) && !/[\\u4e00-\\u9fff]/.test(text)) found.push(text);
  }
  return found;
}"""
_NAMES = {"Recording Hub", "Avaya IP Office"}


def _choose(page: Page, language: str) -> None:
    page.locator(".user-menu > summary").click()
    with page.expect_navigation():
        page.locator(".user-menu select").select_option(label=language)


def test_the_language_is_chosen_in_the_menu_and_the_page_stays(browser: Browser, site: Site) -> None:
    with visiting(browser, site, "/alarms?tab=history") as page:
        _choose(page, "中文 (简体)")
        expect(page.get_by_role("heading", level=1)).to_have_text("告警")
        expect(page).to_have_url(f"{site.address}/alarms?tab=history")
        assert page.locator("html").get_attribute("lang") == "zh-Hans"
        _choose(page, "Deutsch")
        expect(page.get_by_role("heading", level=1)).to_have_text("Alarme")
        _choose(page, "Wie im Browser")
        expect(page.get_by_role("heading", level=1)).to_have_text("Alarms")


def test_the_language_is_chosen_before_sign_in_and_holds_after_it(browser: Browser, site: Site) -> None:
    site.token = ""
    with visiting(browser, site, "/sign-in?next=/alarms") as page:
        with page.expect_navigation():
            page.get_by_label("Language").select_option(label="中文 (简体)")
        page.get_by_label("登录名").fill(LOGIN)
        page.get_by_label("密码", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("告警")


def test_the_set_up_link_holds_in_another_language(browser: Browser, fresh_site: Site) -> None:
    fresh_site.token = ""
    link = f"/setup?token={fresh_site.services.accounts.issue_setup_token()}"
    with visiting(browser, fresh_site, link) as page:
        with page.expect_navigation():
            page.get_by_label("Language").select_option(label="Deutsch")
        expect(page.get_by_role("button", name="Mein Konto anlegen")).to_be_visible()


def test_no_page_in_chinese_has_an_english_text(browser: Browser, site: Site) -> None:
    with visiting(browser, site, locale="zh-CN") as page:
        left = {}
        for address in addresses(site):
            page.goto(address)
            if found := set(page.evaluate(_NOT_CHINESE)) - _NAMES:
                left[address] = found
        assert left == {}


@pytest.mark.parametrize("locale", ["zh-CN", "de-AT"])
def test_every_page_fits_a_phone_in_other_languages_too(browser: Browser, site: Site, locale: str) -> None:
    with visiting(browser, site, viewport=PHONE, locale=locale) as page:
        for address in addresses(site):
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address


def test_a_new_alarm_is_told_in_the_language_of_the_page(browser: Browser, site: Site) -> None:
    with visiting(browser, site, "/audit", locale="zh-CN") as page:
        expect(page.locator("html[data-live=on]")).to_be_attached()
        site.services.board.raise_alarm("hub", DATABASE_DOWN.alarm("here", reason="It is away."))
        expect(page.locator("toast-stack")).to_contain_text("数据库没有响应")
