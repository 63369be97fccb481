import re
from collections.abc import Iterator
from contextvars import copy_context
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.alerts.codes import CODES
from hub.alerts.codes.alarm_code import AlarmCode
from plugins.pbx_sip.reading import advise
from plugins.pbx_sip.recorder.advice import _SHORTAGES, _STATUSES, DISK_ADVICE, TLS_ADVICE
from webui.language import Languages, current, speak
from webui.told import told

LANGUAGES = Languages()


@pytest.fixture(autouse=True)
def _chinese() -> Iterator[None]:
    before = current()
    speak(LANGUAGES.choose("zh_Hans", "", ZoneInfo("UTC")))
    yield
    speak(before)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Sign in instead.", "请直接登录。"),
        ("Use at least 12 characters.", "请至少使用 12 个字符。"),
        ("The disk of /var is full", "/var 所在磁盘已满"),
        ("The hub has an administrator already. Sign in instead.", "系统已有管理员。请直接登录。"),
        ("Device Büro does not work: The disk of /x is full.", "设备 Büro 故障：/x 所在磁盘已满。"),  # noqa: RUF001
    ],
)
def test_sentences_are_said_in_the_viewers_language(english: str, chinese: str) -> None:
    assert told(english) == chinese


def test_what_is_wrong_with_a_capture_is_told_to_its_last_word() -> None:
    notes = (
        "The compressed file is cut off.",
        "The last packet is cut off at byte 24.",
        "none of 200 packets is understood: shorter than its headers.",
        "damaged compression (-3) at byte 70.",
    )
    for note in notes:
        said = told(f"cut.pcap could not be read to its end: {note} No call was found in it.")
        assert not re.search("[a-z]{3}", said.replace("cut.pcap", ""))
        assert told(advise(note)) != advise(note)


def test_what_no_template_fits_stays_as_it_is() -> None:
    assert told("[Errno 5] Input/output error") == "[Errno 5] Input/output error"
    assert told("") == ""


def test_a_name_that_is_also_a_word_of_the_pages_stays_a_name() -> None:
    assert told("Storage Storage does not answer: x.") == "存储 Storage 没有响应：x。"  # noqa: RUF001


@pytest.mark.parametrize("code", [code for code in CODES if code.text], ids=lambda code: code.text[:40])
def test_every_alarm_is_told(code: AlarmCode) -> None:
    alarm = code.alarm("key", **{name: f"<{name}>" for name in code.facts})
    said = told(alarm.text)
    assert said != alarm.text
    assert all(f"<{name}>" in said for name in code.facts)
    assert not alarm.hint or told(alarm.hint) != alarm.hint
    if code.one:
        single = code.one.format_map({name: f"<{name}>" for name in code.facts})
        assert told(single) != single
        assert told(single).count("<") == single.count("<")


def test_a_sentence_before_another_is_no_fact_of_it() -> None:
    live = "Calls being recorded: 4; recordings made: 2 (ordinary sockets)"
    for before in ("192.0.2.7 does not answer pings.", "192.0.2.7 is there.", "No telephone system was heard of yet."):
        assert told(live) in told(f"{before} {live}")
        assert before not in told(f"{before} {live}")
    assert "192.0.2.7 不响应 ping" in told(f"192.0.2.7 does not answer pings. {live}")
    assert told(live).endswith("（普通套接字）")  # noqa: RUF001


def test_a_name_with_a_stop_is_a_fact_all_the_same() -> None:
    assert told("Device Dr. Wu does not work: The disk of /x is full.") == "设备 Dr. Wu 故障：/x 所在磁盘已满。"  # noqa: RUF001


def test_what_is_known_behind_an_unknown_sentence_is_told() -> None:
    assert told("Something of a plug-in. Sign in instead.") == "Something of a plug-in. 请直接登录。"


@pytest.mark.parametrize("refusal", ["401 the secret is wrong", "401 it gave no secret when it was asked for one"])
def test_why_a_client_was_refused_is_told(refusal: str) -> None:
    assert refusal not in told(f"192.0.2.7 was refused: {refusal}")


@pytest.mark.parametrize("advice", [*_SHORTAGES.values(), *_STATUSES.values(), TLS_ADVICE, DISK_ADVICE])
def test_every_advice_for_a_refused_client_is_told(advice: str) -> None:
    assert told(advice) != advice


@pytest.mark.parametrize("language", ["zh_Hans", "de", "en"])
def test_times_are_those_of_the_viewer(language: str) -> None:
    def said() -> tuple[str, ...]:
        viewer = LANGUAGES.choose(language, "", ZoneInfo("Europe/Vienna"))
        speak(viewer)
        at = viewer.stamp(datetime(2026, 11, 22, 19, 6, 2, tzinfo=UTC))
        texts = (
            "Recording Hub was started at 2026-11-22T19:06:02+00:00.",
            "Nothing was heard of 192.0.2.7 since 2026-11-22 19:06:02 UTC.",
        )
        return tuple(told(text).replace(at, "<at>") for text in texts)

    for text in copy_context().run(said):
        assert ("<at>" in text, "2026" in text, "UTC" in text) == (True, False, False)


def test_in_english_everything_stays() -> None:
    def english() -> str:
        speak(LANGUAGES.choose("en", "", ZoneInfo("UTC")))
        return told("Sign in instead.")

    assert copy_context().run(english) == "Sign in instead."


@given(st.text(alphabet=st.sampled_from("abc .:{}%()s“”\n\0已"), max_size=200))
def test_any_text_can_be_told(text: str) -> None:
    assert isinstance(told(text), str)
