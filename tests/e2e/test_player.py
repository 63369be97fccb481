"""The player at the bottom of every page, in a real browser."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from hub import ids
from hub.audit.action import Action
from hub.audit.listing import AuditFilter, list_entries
from hub.clock import utc_now
from hub.sdk import Direction, Kind, Party
from tests.doubles.browser import visiting
from tests.doubles.hub import until
from tests.doubles.sample_calls import SampleCall
from tests.doubles.services import LOGIN, add_calls
from tests.doubles.site import Site

AUDIO = "document.getElementById('dock').audio"


@pytest.fixture
def dock(page: Page) -> Page:
    """A page whose player plays the newest recording."""
    page.locator("[data-play]").first.click()
    expect(page.locator(".lane")).to_have_count(2)
    return page


def _time(page: Page) -> float:
    return float(page.evaluate(f"{AUDIO}.currentTime"))


def _settle(page: Page) -> Page:
    """Pause, so that times can be compared."""
    page.keyboard.press("k")
    expect(page.locator("#dock .play-pause")).to_have_accessible_name("Play")
    return page


def test_it_plays_with_a_lane_for_each_party(dock: Page) -> None:
    expect(dock.locator("#dock")).to_have_class(re.compile("sounding"))
    names = dock.locator(".lane .name strong").all_inner_texts()
    assert names == ["+86 138 1234 5678", "João Pereira"]
    expect(dock.locator(".wave-box canvas, .wave-box div").first).to_be_attached()
    expect(dock.locator("[data-part=length]")).to_have_text("0:43")
    expect(dock.locator("[data-part=position]")).not_to_have_text("0:00")
    expect(dock.locator("tr.current.sounding")).to_have_count(1)


def test_it_goes_on_while_one_moves_between_pages_and_back(dock: Page) -> None:
    dock.get_by_role("link", name="Devices").first.click()
    dock.wait_for_url("**/devices")
    expect(dock.get_by_role("heading", name="Devices", level=1)).to_be_visible()
    expect(dock.locator("#dock")).to_have_class(re.compile("sounding"))
    before = _time(dock)
    dock.go_back()
    expect(dock.get_by_role("heading", name="Recordings", level=1)).to_be_visible()
    expect(dock.locator("tr.current.sounding")).to_have_count(1)
    assert _time(dock) > before


def test_every_key_of_the_map_does_what_the_sheet_says(dock: Page) -> None:
    _settle(dock)
    start = _time(dock)
    dock.keyboard.press("l")
    assert _time(dock) == pytest.approx(start + 5, abs=0.3)
    dock.keyboard.press("j")
    assert _time(dock) == pytest.approx(start, abs=0.3)
    dock.keyboard.press("ArrowRight")
    assert _time(dock) == pytest.approx(start + 1, abs=0.3)
    dock.keyboard.press(">")
    assert dock.evaluate(f"{AUDIO}.playbackRate") == 1.25
    assert dock.evaluate(f"{AUDIO}.preservesPitch")
    dock.keyboard.press("<")
    dock.keyboard.press("m")
    assert dock.evaluate(f"{AUDIO}.muted")
    dock.keyboard.press("s")
    expect(dock.locator("[data-do=silence]")).to_have_attribute("aria-pressed", "true")
    dock.keyboard.press("n")
    expect(dock.locator(".dock-title")).to_contain_text("8001 Anna Berg")
    dock.keyboard.press("p")
    expect(dock.locator(".dock-title")).to_contain_text("João Pereira")
    dock.keyboard.press("/")
    expect(dock.get_by_role("searchbox")).to_be_focused()
    dock.get_by_role("searchbox").blur()
    dock.keyboard.press("?")
    sheet = dock.get_by_role("dialog", name="Keyboard keys")
    expect(sheet.locator("dt")).to_have_count(16)


def test_keys_can_be_switched_off_and_stay_off(dock: Page) -> None:
    dock.keyboard.press("?")
    dock.get_by_role("dialog").get_by_text("Keys are on").click()
    dock.keyboard.press("Escape")
    dock.keyboard.press("m")
    assert not dock.evaluate(f"{AUDIO}.muted")
    dock.goto("/account")
    expect(dock.get_by_label("Keys are on").first).not_to_be_checked()


def test_typing_in_a_field_is_no_key(dock: Page) -> None:
    dock.get_by_role("searchbox").press_sequentially("mk l")
    expect(dock.get_by_role("searchbox")).to_have_value("mk l")
    expect(dock.locator("#dock")).to_have_class(re.compile("sounding"))


def test_the_waveform_is_a_slider_for_keyboards_too(dock: Page) -> None:
    _settle(dock)
    slider = dock.get_by_role("slider", name="Position")
    slider.focus()
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "0")
    slider.press("PageUp")
    expect(slider).to_have_attribute("aria-valuetext", "0:30 of 0:43")


def test_speed_and_volume_are_kept_for_the_next_recording(dock: Page) -> None:
    dock.get_by_label("Speed").select_option("2")
    dock.get_by_role("slider", name="Volume").fill("0.5")
    dock.locator("[data-play]").nth(2).click()
    expect(dock.locator(".dock-title")).to_contain_text("8002")
    expect(dock.get_by_label("Speed")).to_have_value("2")
    assert dock.evaluate(f"{AUDIO}.playbackRate") == 2
    assert dock.evaluate(f"{AUDIO}.volume") == 0.5


def test_skipping_silence_jumps_over_a_pause(dock: Page) -> None:
    _settle(dock)
    spans = until(lambda: dock.evaluate("document.getElementById('dock').spans"), 20, "pauses found in the waveform")
    start, end = spans[0]
    dock.evaluate(f"document.getElementById('dock').seek({start} - 0.2)")
    dock.keyboard.press("s")
    dock.keyboard.press("k")
    heard_s: list[float] = []

    def is_behind_it() -> bool:
        heard_s.append(_time(dock))
        return heard_s[-1] >= end - 0.1

    until(is_behind_it, 20, "the end of the pause")
    assert [moment for moment in heard_s if start + 0.5 < moment < end - 0.1] == []


def test_each_party_of_a_conference_has_a_lane_and_all_others_are_silenced_together(page: Page, site: Site) -> None:
    names = ["Anna", "Bert", "Carl", "Dora", "Emil"]
    parties = tuple(Party(number=str(201 + at), name=name, channel=at) for at, name in enumerate(names))
    call = SampleCall(minutes_ago=1, length_s=60, direction=Direction.INTERNAL, parties=parties, lanes=5)
    devices = [device.id for device in site.services.instances.list(Kind.SOURCE)]
    add_calls(site.services, [call], devices, site.services.instances.list(Kind.CONNECTOR)[0].id, utc_now())
    page.reload()
    page.locator("[data-play]").first.click()
    lanes = page.locator(".lane")
    expect(lanes.locator(".name strong")).to_have_text(names)
    until(lambda: page.evaluate("document.getElementById('dock').wave?.lanes.length") == 5, 20, "the waveform")
    page.get_by_role("button", name="Silence Carl").click()
    expect(page.locator(".lane.muted .name strong")).to_have_text(names[1:])
    gains = page.evaluate("document.getElementById('dock').lanes.gains.map((gain) => gain.gain.value)")
    assert gains == [1, 0]
    page.get_by_role("button", name="Silence Emil").click()
    page.get_by_role("button", name="Silence Anna").click()
    expect(page.locator(".lane.muted .name strong")).to_have_text(names[:1])


def test_one_party_can_be_silenced(dock: Page) -> None:
    silence = dock.get_by_role("button", name="Silence João Pereira")
    silence.click()
    expect(silence).to_have_attribute("aria-pressed", "true")
    gains = dock.evaluate("document.getElementById('dock').lanes.gains.map((gain) => gain.gain.value)")
    assert gains == [1, 0]
    expect(dock.locator("#dock")).to_have_class(re.compile("sounding"))


def test_a_link_at_a_time_opens_the_recording_there(browser: Browser, site: Site, dock: Page) -> None:
    dock.context.grant_permissions(["clipboard-read", "clipboard-write"])
    _settle(dock)
    dock.evaluate("document.getElementById('dock').seek(17.4)")
    dock.get_by_role("button", name="Copy link").first.click()
    expect(dock.locator("[data-part=copy-label]")).to_have_text("Copied 0:17")
    link = dock.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(re.escape(site.address) + r"/r/\w{13}\?t=17", link)
    with visiting(browser, site, link) as other:
        expect(other.locator("[data-part=position]")).to_have_text("0:17")
        expect(other.locator("#dock .play-pause")).to_have_accessible_name("Play")
        expect(other.get_by_role("heading", level=1)).to_contain_text("João Pereira")


def _playhead(page: Page) -> float:
    """Where the waveform's playhead stands, as a share of the whole."""
    style = page.locator(".wave-box [part=cursor]").evaluate("(cursor) => cursor.style.left")
    return float(style.removesuffix("%") or 0) / 100


def test_the_playhead_stands_where_the_clock_says_before_it_plays(page: Page) -> None:
    page.goto(page.locator("td.col-date a").first.get_attribute("href") + "?t=10")  # type: ignore[operator]
    until(lambda: _playhead(page) == pytest.approx(10 / 43, abs=0.01), 20, "the playhead at 0:10")
    expect(page.locator("[data-part=position]")).to_have_text("0:10")
    page.keyboard.press("l")
    assert _playhead(page) == pytest.approx(15 / 43, abs=0.01)
    wave = page.locator("[data-part=wave]").bounding_box()
    assert wave
    page.mouse.click(wave["x"] + wave["width"] / 2, wave["y"] + 20)
    expect(page.locator("[data-part=position]")).to_have_text("0:21")
    page.keyboard.press("k")
    expect(page.locator("#dock")).to_have_class(re.compile("sounding"))
    until(lambda: 21 < _time(page) < 40, 20, "playing on from where the playhead stood")
    assert _playhead(page) > 21 / 43


def test_a_link_behind_the_end_stops_at_the_end(page: Page) -> None:
    page.goto(page.locator("td.col-date a").first.get_attribute("href") + "?t=99999")  # type: ignore[operator]
    expect(page.locator(".lane")).to_have_count(2)
    expect(page.locator("[data-part=position]")).to_have_text("0:43")
    until(lambda: _playhead(page) == pytest.approx(1, abs=0.01), 20, "the playhead at the end")


@pytest.mark.parametrize(("length_ms", "shown"), [(25_600, "0:26"), (26_500, "0:26"), (27_500, "0:28")])
def test_the_player_rounds_a_length_as_list_and_page_do(page: Page, site: Site, length_ms: int, shown: str) -> None:
    newest = page.locator("tr[data-id]").first.get_attribute("data-id") or ""
    with site.services.db.write() as session:
        values = {"length": length_ms, "id": ids.from_text(newest)}
        session.execute(text("UPDATE recording SET duration_ms = :length WHERE id = :id"), values)
    page.reload()
    expect(page.locator("td.col-length").first).to_have_text(shown)
    page.goto(f"/r/{newest}")
    expect(page.locator("dd", has_text=re.compile(rf"^{shown}"))).to_have_count(1)
    expect(page.locator("[data-part=length]")).to_have_text(shown)
    expect(page.get_by_role("slider", name="Position")).to_have_attribute("aria-valuetext", f"0:00 of {shown}")


def test_a_replay_is_one_line_of_the_trail_however_often_one_seeks(dock: Page, site: Site) -> None:
    for time in (30, 5, 38, 12):
        dock.evaluate(f"document.getElementById('dock').seek({time})")
        dock.wait_for_timeout(120)
    with site.services.db.read() as session:
        lines = list_entries(session, AuditFilter(actions=frozenset({Action.REPLAY}))).items
    assert len(lines) == 1
    assert lines[0].login == LOGIN


def test_looking_at_a_recording_is_no_replay(page: Page, site: Site) -> None:
    page.locator("td.col-date a").first.click()
    expect(page.locator(".lane")).to_have_count(2)
    with site.services.db.read() as session:
        assert list_entries(session, AuditFilter(actions=frozenset({Action.REPLAY}))).items == ()


def test_audio_that_is_gone_is_said_so_and_can_be_tried_again(page: Page, site: Site) -> None:
    playback = site.services.playback
    newest = ids.from_text(page.locator("tr[data-id]").first.get_attribute("data-id") or "")
    playback.gone.add(newest)  # type: ignore[attr-defined]
    page.locator("[data-play]").first.click()
    expect(page.locator(".dock-state")).to_contain_text("not in any store any more")
    playback.gone.clear()  # type: ignore[attr-defined]
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#dock")).to_have_class(re.compile("sounding"))


def test_a_recording_that_no_browser_plays_says_so(page: Page, site: Site) -> None:
    row = page.locator("tr[data-id]", has=page.locator(".flags .bad")).first
    expect(row.locator("[data-play]")).to_be_disabled()
    row.locator("td.col-date a").click()
    expect(page.get_by_text("Its content could not be understood").first).to_be_visible()
    expect(page.get_by_text("FILE_PARSE_ERROR")).to_be_visible()


def test_a_long_call_zooms_to_finer_peaks(page: Page, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/peaks" in request.url else None)
    row = page.locator("tr[data-id]", has_text="1:30:04")
    row.locator("[data-play]").click()
    expect(page.locator(".lane")).to_have_count(2)
    for _ in range(9):
        page.keyboard.press("+")
    page.wait_for_timeout(300)
    assert {url.rpartition("=")[2] for url in asked} >= {"0", "1"}
    width = page.evaluate("document.getElementById('dock').wave.pxPerSecond")
    assert 0 < width <= 20


def test_the_system_shows_what_is_played(dock: Page) -> None:
    assert dock.evaluate("navigator.mediaSession.metadata.title") == "+86 138 1234 5678 → 8005 João Pereira"
    assert dock.evaluate("navigator.mediaSession.playbackState") == "playing"


def test_closing_the_player_stops_it(dock: Page) -> None:
    dock.get_by_role("button", name="Close the player").click()
    expect(dock.locator("#dock")).to_be_hidden()
    assert dock.evaluate(f"{AUDIO}.paused")
    expect(dock.locator("tr.current")).to_have_count(0)
