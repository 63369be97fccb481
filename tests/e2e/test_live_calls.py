"""Calls that go on, in a whole hub: a source in a process of its own, pages in a real browser, the API."""

import struct
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page, expect

from hub import ids
from tests.doubles import plugins, switchboard
from tests.doubles.axe import source, violations
from tests.doubles.browser import PHONE, visiting
from tests.doubles.hub import LOGIN, PASSWORD, Administrator, Hub, until

SLOW_MS = 30_000


@dataclass
class Board:
    """A running hub, its administrator, and the folder of the calls."""

    hub: Hub
    admin: Administrator
    folder: Path
    device: str

    @property
    def device_path(self) -> str:
        """The device's page."""
        return f"/devices/{ids.from_text(self.device)}"

    def calls(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.admin.api.get("/live-calls", params=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def begin(self, name: str) -> dict[str, Any]:
        """A call begins and is listed."""
        switchboard.begin(self.folder, name)
        found: dict[str, Any] = until(lambda: next(iter(self.calls(text=f"{name}@pbx")), None), 20, "the call")
        return found

    def act(self, call: dict[str, Any], action: str, **more: Any) -> Any:
        return self.admin.api.post(f"/live-calls/{call['id']}/actions", json={"action": action, **more})

    def trail(self, action: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.admin.api.get("/audit", params={"action": action}).json()["items"]
        return found

    def visiting(self, browser: Browser, path: str = "/live", **options: Any) -> Any:
        site = SimpleNamespace(address=self.hub.address, token=self.admin.browser.cookies["sid"])
        return visiting(browser, cast("Any", site), path, **options)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    root = tmp_path_factory.mktemp("live")
    (folder := root / "board").mkdir()
    with plugins.on_path(root / "site") as site:
        switchboard.install(site)
        with Hub(root / "data", {"PYTHONPATH": str(site)}) as hub, hub.administrator() as admin:
            body = {"plugin": "switchboard", "name": "Tower", "settings": {"folder": str(folder)}}
            made = admin.api.post("/devices", json=body)
            assert made.status_code == 201, made.text
            yield Board(hub, admin, folder, made.json()["id"])


@pytest.fixture
def board(running: Board) -> Iterator[Board]:
    yield running
    for call in (running.folder / "calls").iterdir():
        call.unlink()
    until(lambda: not running.calls(), 20, "an empty list")


@pytest.fixture
def page(browser: Browser, board: Board) -> Iterator[Page]:
    with board.visiting(browser) as opened:
        expect(opened.locator("html")).to_have_attribute("data-live", "on")
        yield opened


def test_the_api_lists_steers_and_forgets_a_call(board: Board) -> None:
    call = board.begin("anton")
    assert call["device_id"] == board.device
    assert call["actions"] == ["pause", "stop", "discard"]
    assert call["can_listen"]
    assert [party["role"] for party in call["parties"]] == ["caller", "called"]
    assert board.act(call, "pause", resume_after_s=60).json() == {"done": True, "text": ""}
    paused = until(lambda: next(iter(board.calls(state="paused")), None), 20, "the pause")
    assert paused["actions"] == ["resume", "stop", "discard"]
    assert paused["resumes_at"]
    assert paused["state_since"] > paused["started_at"]
    assert (paused["state_by"], paused["state_login"]) == ("person", LOGIN)
    assert board.calls(state="recording") == []
    other = board.begin("zeppelin")
    board.act(other, "stop")
    stopped = until(lambda: next(iter(board.calls(state="stopped")), None), 20, "the end of its recording")
    assert stopped["actions"] == []
    assert stopped["state_login"] == LOGIN
    assert board.act(call, "discard").json()["done"]
    until(lambda: board.admin.api.get(f"/live-calls/{call['id']}").status_code == 404, 20, "the end")
    late = board.act(call, "resume")
    assert (late.status_code, late.headers["content-type"]) == (404, "application/problem+json")
    [line] = board.trail("call.discard")
    assert line["subject"] == f"call:{call['id']}"
    assert line["details"]["call_id"] == "anton@pbx"


def test_what_a_source_refuses_is_told_and_stands_on_the_trail(board: Board) -> None:
    call = board.begin("mandatory")
    before = len(board.trail("call.discard"))
    refused = board.act(call, "discard")
    assert (refused.status_code, refused.json()["detail"]) == (409, "A rule says that it is kept.")
    assert len(board.trail("call.discard")) == before + 2


def test_a_token_without_the_permission_steers_hears_and_sees_nothing(board: Board) -> None:
    call = board.begin("berta")
    expires_at = board.admin.api.get("/me").json()["token"]["expires_at"]
    for permissions, wanted in (
        (["live.list"], {"list": 200, "pause": 403, "audio": 403}),
        (["live.control"], {"list": 200, "pause": 200, "discard": 403, "audio": 403}),
        (["alarm.list"], {"list": 403, "pause": 403, "audio": 403}),
    ):
        body = {"name": permissions[0], "permissions": permissions, "expires_at": expires_at}
        token = board.admin.api.post("/tokens", json=body).json()["plain"]
        headers = {"Authorization": f"Bearer {token}"}
        api = board.admin.api
        got = {
            "list": api.get("/live-calls", headers=headers).status_code,
            "audio": api.get(f"/live-calls/{call['id']}/audio", headers=headers).status_code,
        }
        for action in ("pause", "discard"):
            path = f"/live-calls/{call['id']}/actions"
            got[action] = api.post(path, headers=headers, json={"action": action}).status_code
        assert {name: got[name] for name in wanted} == wanted, permissions


def test_the_audio_is_a_wav_file_that_ends_with_the_call(board: Board) -> None:
    call = board.begin("cäsar")
    heard = b""
    with board.admin.api.stream("GET", f"/live-calls/{call['id']}/audio") as answer:
        assert answer.headers["content-type"] == "audio/wav"
        for chunk in answer.iter_bytes():
            heard += chunk
            if len(heard) > 20_000 and (board.folder / "calls" / "cäsar").exists():
                switchboard.end(board.folder, "cäsar")
    with wave.open(BytesIO(heard)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
    samples = struct.unpack(f"<{(len(heard) - 44) // 2}h", heard[44:])
    assert max(samples[::2]) > 8000
    assert set(samples[1::2]) == {3000}
    assert board.trail("call.listen")[0]["subject"] == f"call:{call['id']}"


def test_the_audio_ends_when_the_token_is_revoked_or_the_session_ends(board: Board) -> None:
    call = board.begin("quelle")
    api, expires_at = board.admin.api, board.admin.api.get("/me").json()["token"]["expires_at"]
    body = {"name": "ear", "permissions": ["live.listen"], "expires_at": expires_at}
    made = api.post("/tokens", json=body).json()
    headers = {"Authorization": f"Bearer {made['plain']}"}
    with api.stream("GET", f"/live-calls/{call['id']}/audio", headers=headers) as answer:
        assert answer.status_code == 200
        assert api.delete(f"/tokens/{made['id']}").status_code == 204
        for _ in answer.iter_bytes():
            continue
    with board.hub.client() as browser:
        browser.post("/sign-in", data={"login": LOGIN, "password": PASSWORD})
        with browser.stream("GET", f"/live/{call['id']}/audio") as answer:
            assert answer.status_code == 200
            with board.hub.client() as other:
                other.cookies.update(browser.cookies)
                other.post("/sign-out")
            for _ in answer.iter_bytes():
                continue
    assert board.calls(), "the call itself goes on"


def test_the_page_follows_calls_without_a_reload(board: Board, page: Page) -> None:
    expect(page.get_by_role("heading", name="No call goes on now")).to_be_visible()
    board.begin("dora")
    row = page.locator(".live-call", has_text="dora")
    expect(row).to_contain_text("Recording")
    expect(row).to_contain_text("Tower")
    first = row.locator("[data-since-ms]").inner_text()
    expect(row.locator("[data-since-ms]")).not_to_have_text(first)
    switchboard.end(board.folder, "dora")
    expect(row).to_have_count(0)


def test_a_call_is_paused_for_minutes_resumed_and_discarded_only_after_a_question(board: Board, page: Page) -> None:
    board.begin("emil")
    row = page.locator(".live-call", has_text="emil")
    row.get_by_text("Pause", exact=True).click()
    row.get_by_role("button", name="5 minutes", exact=True).click()
    expect(row).to_contain_text("goes on in 4:")
    expect(row).to_contain_text(f"by {LOGIN}")
    expect(page.locator(".toast")).to_contain_text("Paused")
    row.get_by_role("button", name="Resume").click()
    expect(row).to_contain_text("Recording")
    row.get_by_role("button", name="Discard").click()
    dialog = page.get_by_role("dialog", name="Discard this recording?")
    dialog.locator('[data-answer="no"]').click()
    expect(row).to_have_count(1)
    row.get_by_role("button", name="Discard").click()
    dialog.locator('[data-answer="yes"]').click()
    expect(row).to_have_count(0)


def test_a_person_hears_the_call_and_goes_on_hearing_it_on_other_pages(board: Board, page: Page) -> None:
    board.begin("fritz")
    row = page.locator(".live-call", has_text="fritz")
    row.get_by_role("button", name="Listen").click()
    ear = page.get_by_role("region", name="Listening to a call")
    expect(ear).to_contain_text("You hear")
    expect(row.get_by_role("button", name="Listen")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="Devices").first.click()
    page.wait_for_url("**/devices")
    expect(ear).to_be_visible()
    level = """async () => {
        const ear = document.getElementById('ear');
        const meter = new AnalyserNode(ear.context);
        ear.gain.connect(meter);
        await new Promise((resolve) => setTimeout(resolve, 300));
        const samples = new Float32Array(meter.fftSize);
        meter.getFloatTimeDomainData(samples);
        return Math.max(...samples);
    }"""
    assert page.evaluate(level) > 0.05
    switchboard.end(board.folder, "fritz")
    expect(ear).to_contain_text("The call is over")
    expect(ear.get_by_role("button", name="Close")).to_have_count(1)
    expect(ear).to_be_hidden()


def test_the_audio_ends_when_the_listener_stops_it(board: Board, page: Page) -> None:
    board.begin("gustav")
    hung_up = board.folder / "hung-up"
    hung_up.unlink(missing_ok=True)
    page.locator(".live-call", has_text="gustav").get_by_role("button", name="Listen").click()
    expect(page.locator("#ear")).to_contain_text("You hear")
    page.get_by_role("button", name="Stop listening").click()
    until(hung_up.exists, 20, "hanging up")


def test_filters_find_calls_and_an_empty_list_says_why(board: Board, page: Page) -> None:
    board.begin("heinrich")
    board.begin("waiting ida")
    expect(page.locator(".live-call")).to_have_count(2)
    page.get_by_role("searchbox").fill("heinrich")
    page.keyboard.press("Enter")
    expect(page.locator(".live-call")).to_have_count(1)
    page.goto("/live?state=waiting")
    expect(page.locator(".live-call")).to_have_count(1)
    page.locator(".live-call").get_by_role("button", name="Keep").click()
    expect(page.get_by_role("heading", name="No call matches")).to_be_visible()
    page.get_by_role("link", name="Show all").last.click()
    expect(page.locator(".live-call")).to_have_count(2)


def test_a_page_whose_hub_is_away_says_so_until_it_is_back(board: Board, page: Page) -> None:
    board.begin("otto")
    row, note, ear = page.locator(".live-call", has_text="otto"), page.locator("#live-lost"), page.locator("#ear")
    row.get_by_role("button", name="Listen").click()
    expect(ear).to_contain_text("You hear")
    board.hub.environ["RECORDING_HUB_PORT"] = board.hub.address.rpartition(":")[2]
    board.hub.stop()
    expect(note).to_contain_text("Connection lost; state of ", timeout=SLOW_MS)
    expect(ear).to_contain_text("nothing is heard any more", timeout=SLOW_MS)
    expect(ear.get_by_role("button", name="Close")).to_be_visible()
    clocks = """async () => {
        const times = () => document.querySelector("[data-since-ms]").textContent;
        const before = times();
        await new Promise((resolve) => setTimeout(resolve, 2500));
        return before === times();
    }"""
    assert page.evaluate(clocks)
    for _ in range(2):
        page.evaluate("document.dispatchEvent(new CustomEvent('hub:failed'))")
    told = page.locator(".toast", has_text="The hub does not answer")
    expect(told).to_have_count(1)
    switchboard.begin(board.folder, "paul")
    board.hub.start()
    expect(page.locator(".live-call", has_text="paul")).to_have_count(1, timeout=SLOW_MS)
    expect(note).to_be_empty()
    expect(told).to_have_count(0)
    expect(ear).to_be_hidden()


def test_a_list_that_was_made_longer_stays_so_and_keeps_its_place(board: Board, page: Page) -> None:
    for place in range(120):
        switchboard.begin(board.folder, f"many {place}")
    rows = page.locator(".live-call")
    expect(page.locator(".sheet-bar")).to_contain_text("120 calls", timeout=SLOW_MS)
    page.get_by_role("link", name="Show more").click()
    expect(rows).to_have_count(120)
    place = page.evaluate("scrollY")
    assert place > 1000
    switchboard.begin(board.folder, "late")
    expect(rows.filter(has_text="late")).to_have_count(1, timeout=SLOW_MS)
    expect(rows).to_have_count(121)
    assert page.evaluate("scrollY") >= place
    page.go_back()
    expect(rows).to_have_count(100)


def test_the_focus_goes_from_pause_to_resume_and_back(board: Board, page: Page) -> None:
    board.begin("quirin")
    row = page.locator(".live-call", has_text="quirin")
    pause, resume = row.locator("summary"), row.get_by_role("button", name="Resume")
    pause.press("Enter")
    row.get_by_role("button", name="Until I resume").press("Enter")
    expect(resume).to_be_focused()
    resume.press("Enter")
    expect(pause).to_be_focused()


def test_what_floats_above_the_list_leaves_its_last_row_free(browser: Browser, board: Board) -> None:
    for place in range(9):
        board.begin(f"row {place}")
    with board.visiting(browser, viewport={"width": 1440, "height": 700}) as page:
        last = page.locator(".live-call").last
        page.keyboard.press("End")
        last.get_by_text("Pause", exact=True).click()
        expect(last.get_by_role("button", name="15 minutes")).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")
        page.locator(".live-call").nth(5).get_by_role("button", name="Listen").click()
        expect(page.locator("#ear")).to_contain_text("You hear")
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        assert last.bounding_box()["y"] + last.bounding_box()["height"] <= page.locator("#ear").bounding_box()["y"]


def test_the_word_for_a_state_keeps_to_its_column_in_every_language(browser: Browser, board: Board) -> None:
    board.begin("waiting rita")
    for locale, word in (("en", "Kept only if asked"), ("de", "Nur auf Wunsch behalten"), ("zh-CN", "仅按要求保留")):
        with board.visiting(browser, locale=locale) as page:
            badge, who = page.locator(".live-call .badge"), page.locator(".live-call .who")
            expect(badge).to_have_text(word)
            assert badge.bounding_box()["x"] + badge.bounding_box()["width"] <= who.bounding_box()["x"]


def test_the_page_fits_a_phone_and_has_buttons_for_fingers(browser: Browser, board: Board) -> None:
    board.begin("julius")
    with board.visiting(browser, viewport=PHONE) as page:
        expect(page.locator(".live-call")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.locator(".live-call").get_by_text("Pause", exact=True).click()
        expect(page.get_by_role("button", name="15 minutes")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_axe_finds_nothing(browser: Browser, board: Board, tmp_path_factory: pytest.TempPathFactory) -> None:
    axe = source(tmp_path_factory.getbasetemp().parent)
    calls = [board.begin(name) for name in ("konrad", "ludwig", "waiting martha", "nordpol")]
    board.act(calls[1], "pause", resume_after_s=300)
    board.act(calls[3], "stop")
    with board.visiting(browser, reduced_motion="reduce") as page:
        expect(page.locator(".live-call.paused")).to_have_count(1)
        expect(page.locator(".live-call.stopped")).to_have_count(1)
        page.locator(".live-call", has_text="konrad").get_by_role("button", name="Listen").click()
        expect(page.locator("#ear")).to_contain_text("You hear")
        assert violations(page, axe) == []
        page.locator(".live-call", has_text="konrad").get_by_text("Pause", exact=True).click()
        assert violations(page, axe) == []
        page.keyboard.press("Escape")
        page.goto(board.device_path)
        assert violations(page, axe) == []


def test_files_are_uploaded_to_a_device_with_a_word_on_each(browser: Browser, board: Board) -> None:
    with board.visiting(browser, board.device_path) as page:
        files: Any = [
            {"name": "Montag früh.pcap", "mimeType": "application/octet-stream", "buffer": b"x" * 3_000_000},
            {"name": "bad.pcap", "mimeType": "application/octet-stream", "buffer": b"bad"},
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no capture"},
        ]
        page.set_input_files("#upload-input", files)
        told = page.locator("upload-files li.note")
        expect(told).to_have_count(3)
        expect(told.filter(has_text="Montag früh.pcap")).to_contain_text("Taken over")
        expect(told.filter(has_text="bad.pcap")).to_contain_text("This is no capture")
        expect(told.filter(has_text="notes.txt")).to_contain_text("takes no such file")
    assert (board.folder / "taken" / "Montag früh.pcap").stat().st_size == 3_000_000
    assert list((board.hub.data / "uploads").iterdir()) == []
