"""From the one-time link to the first recording, in a real browser."""

import re

from playwright.sync_api import Browser, expect

from hub.audit.actor import SYSTEM
from hub.clock import to_ms, utc_now
from hub.runtime.instance import InstanceHealth, InstanceState
from hub.sdk import Direction, Kind
from tests.doubles import services as doubles
from tests.doubles.browser import visiting
from tests.doubles.sample_calls import SampleCall, pair
from tests.doubles.services import LOGIN, PASSWORD
from tests.doubles.site import Site


def test_the_first_administrator_comes_in_by_the_link_that_works_once(browser: Browser, fresh_site: Site) -> None:
    fresh_site.token = ""
    token = fresh_site.services.accounts.issue_setup_token()
    with visiting(browser, fresh_site, f"/setup?token={token}") as page:
        page.get_by_label("Your name").fill("Maria Huber")
        page.get_by_label("Login").fill("maria.huber")
        page.get_by_label("Password", exact=True).fill("password1234")
        page.get_by_role("button", name="Create my account").click()
        expect(page.get_by_text("tried first")).to_be_visible()
        expect(page.get_by_label("Password", exact=True)).to_be_focused()
        expect(page.get_by_label("Login")).to_have_value("maria.huber")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Create my account").click()
        page.wait_for_url("**/recordings")
        expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
        page.goto(f"/setup?token={token}")
        expect(page.get_by_role("heading", name="This link does not hold")).to_be_visible()


def test_a_wrong_password_says_nothing_about_the_login(browser: Browser, site: Site) -> None:
    site.token = ""
    with visiting(browser, site, "/account") as page:
        page.wait_for_url("**/sign-in?next=/account")
        for login in (LOGIN, "nobody"):
            page.get_by_label("Login").fill(login)
            page.get_by_label("Password", exact=True).fill("not the password")
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("alert")).to_have_text("The login or the password is wrong.")
        page.get_by_label("Login").fill(LOGIN)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/account")


def test_signing_out_ends_the_session(browser: Browser, site: Site) -> None:
    with visiting(browser, site) as page:
        page.locator(".user-menu summary").click()
        page.locator(".user-menu").get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in")
        page.goto("/recordings")
        page.wait_for_url("**/sign-in?next=/recordings")


def test_a_session_that_ended_leads_to_sign_in_and_back(browser: Browser, site: Site) -> None:
    with visiting(browser, site) as page:
        person = site.services.sessions.find(site.token)
        assert person is not None
        site.services.sessions.revoke_others(person, "", SYSTEM)
        page.get_by_role("link", name="Devices").first.click()
        page.wait_for_url(re.compile("/sign-in"))


def test_the_checklist_follows_what_is_done_until_the_first_recording_is_there(
    browser: Browser, empty_site: Site
) -> None:
    services = empty_site.services
    with visiting(browser, empty_site) as page:
        expect(page.locator(".steps .current h3")).to_have_text("Add a device")
        page.get_by_role("link", name="Add a device").click()
        page.get_by_role("link", name="Avaya IP Office").click()
        page.get_by_label("What people call it").fill("Head office")
        page.get_by_label("Hand-off folder").fill("/tmp")
        page.get_by_role("button", name="Save and start").click()
        page.wait_for_url("**/devices/*?done=added")
        page.get_by_role("link", name="Recordings").first.click()
        expect(page.locator(".steps .current h3")).to_have_text("Test it")
        device = services.instances.list(Kind.SOURCE)[0]
        services.instances.record_health({device.id: InstanceHealth(state=InstanceState.OK, since_ms=to_ms(utc_now()))})
        page.reload()
        expect(page.locator(".steps .current h3")).to_have_text("Watch recordings arrive")
        expect(page.locator("html")).to_have_attribute("data-live", "on")
        call = SampleCall(
            minutes_ago=1, length_s=8, direction=Direction.INCOMING, parties=pair("+49 30 123456", "8001")
        )
        doubles.add_calls(services, [call], [device.id], 1, utc_now())
        expect(page.locator("tr[data-id]")).to_have_count(1, timeout=4000)
