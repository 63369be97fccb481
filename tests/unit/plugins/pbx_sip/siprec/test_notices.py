"""How the parties were told that they are recorded is read from whatever says it, and never made up."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk import Notice, NoticeKind
from plugins.pbx_sip.siprec.notices import read_notice
from tests.unit.plugins.pbx_sip.siprec.test_vendor_belonging import describe


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("X-Recording-Announcement", "played", NoticeKind.ANNOUNCED),
        ("X-Call-Recording-Notification", "true", NoticeKind.ANNOUNCED),
        ("recordingAnnouncementPlayed", "1", NoticeKind.ANNOUNCED),
        ("X-Advice-Of-Call-Recording", "on", NoticeKind.ANNOUNCED),
        ("X-Recording-Notice", "none", NoticeKind.NONE),
        ("X-Recording-Notice", "agent", NoticeKind.AGENT),
        ("recordingTone", "true", NoticeKind.TONE),
        ("X-Beep-Tone", "off", NoticeKind.NONE),
        ("X-Recording-Consent", "given", NoticeKind.ANNOUNCED),
        ("consent", "verbal", NoticeKind.AGENT),
    ],
)
def test_the_words_of_many_vendors_are_understood(name, text, kind):
    assert read_notice([(name, text)]) == Notice(kind=kind, by=f"{name}: {text}")


@pytest.mark.parametrize("text", ["denied", "no", "withdrawn", "§ 3"])
def test_what_does_not_tell_how_the_parties_were_told_is_kept_in_its_own_words(text):
    assert read_notice([("X-Recording-Consent", text)]) == Notice(by=f"X-Recording-Consent: {text}")


def test_who_told_the_parties_and_when_goes_with_it():
    found = read_notice(
        [
            ("X-Recording-Consent-By", "IVR main"),
            ("X-Recording-Consent-Time", "2026-11-20T10:00:00+01:00"),
            ("X-Recording-Consent", "granted"),
        ]
    )
    at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert found == Notice(kind=NoticeKind.ANNOUNCED, by="IVR main", at=at)


@pytest.mark.parametrize("text", ["yesterday", "2026-11-20T10:00:00", "", "99999-01-01T00:00:00Z"])
def test_a_time_that_is_no_moment_is_left_out(text):
    assert read_notice([("X-Recording-Consent-Time", text)]) == Notice()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("X-Ring-Tone", "on"),
        ("X-Announcement", "queue-7"),
        ("X-Recording-Control", "pause"),
        ("X-Recording-ID", "4711"),
        ("recordingSession", "on"),
        ("X-Warning", "yes"),
        ("Date", "2026"),
    ],
)
def test_other_names_say_nothing_about_it(name, text):
    assert read_notice([(name, text)]) == Notice()


def test_the_first_that_tells_goes_before_one_that_nobody_understands():
    said = [("X-Recording-Notice", "see contract"), ("X-Recording-Tone", "yes"), ("X-Recording-Announcement", "yes")]
    assert read_notice(said).kind is NoticeKind.TONE


def test_metadata_of_a_vendor_tells_it_of_a_siprec_call():
    notice = describe(
        "<acme:call xmlns:acme='a'><acme:recordingConsent>agent</acme:recordingConsent></acme:call>"
    ).notice
    assert notice == Notice(kind=NoticeKind.AGENT, by="recordingConsent: agent")


def test_a_call_of_which_nobody_says_anything_is_one_of_which_nothing_is_known():
    assert describe("<acme:call xmlns:acme='a'><acme:id>7</acme:id></acme:call>").notice == Notice()


@given(st.lists(st.tuples(st.text(), st.text())))
def test_nothing_that_is_said_breaks_it(said):
    assert isinstance(read_notice(said), Notice)
