import pytest

from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.session_timer import SessionTimer, SessionWatch, agree_on_request, agree_on_response
from tests.unit.plugins.pbx_sip.sip.sip_doubles import Time, make_request


@pytest.mark.parametrize(
    ("lines", "agreed"),
    [
        ([], None),
        (["Supported: 100rel, Timer"], SessionTimer(1800, is_ours=False)),
        (["k: timer", "Min-SE: 3600"], SessionTimer(3600, is_ours=False)),
        (["k: timer", "Min-SE: soon"], SessionTimer(1800, is_ours=False)),
        (["Supported: timer", "Session-Expires: 600"], SessionTimer(600, is_ours=False)),
        (["Supported: timer", "x: 600;refresher=uac"], SessionTimer(600, is_ours=False)),
        (["Supported: timer", "Session-Expires: 600;refresher=uas"], SessionTimer(600, is_ours=True)),
        (["Require: timer", "Session-Expires: 600"], SessionTimer(600, is_ours=False)),
        (["Session-Expires: 600"], SessionTimer(600, is_ours=True)),
        (["Session-Expires: 30"], SessionTimer(90, is_ours=True)),
    ],
)
def test_who_refreshes_and_when_follows_from_what_the_other_end_knows(
    lines: list[str], agreed: SessionTimer | None
) -> None:
    assert agree_on_request(make_request("INVITE", *lines)) == agreed


def test_an_interval_that_is_too_short_is_refused_with_the_shortest() -> None:
    with pytest.raises(BadRequest) as refused:
        agree_on_request(make_request("UPDATE", "Supported: timer", "Session-Expires: 60"))
    assert (refused.value.status, refused.value.headers) == (422, (("Min-SE", "90"),))
    with pytest.raises(BadRequest, match="400"):
        agree_on_request(make_request("INVITE", "Session-Expires: soon"))


def test_both_ends_are_told_who_refreshes() -> None:
    theirs, ours = SessionTimer(1800, is_ours=False), SessionTimer(1800, is_ours=True)
    assert theirs.answer_fields() == (("Session-Expires", "1800;refresher=uac"), ("Require", "timer"))
    assert ours.answer_fields() == (("Session-Expires", "1800;refresher=uas"),)
    assert ("Session-Expires", "1800;refresher=uac") in ours.request_fields()
    assert ("Session-Expires", "1800;refresher=uas") in theirs.request_fields()


@pytest.mark.parametrize(
    ("value", "agreed"),
    [
        ("1800;refresher=uac", SessionTimer(1800, is_ours=True)),
        ("1800;refresher=uas", SessionTimer(1800, is_ours=False)),
        ("20", SessionTimer(90, is_ours=True)),
        ("soon", None),
        (None, None),
    ],
)
def test_the_answer_to_a_refresh_of_ours_decides_anew(value: str | None, agreed: SessionTimer | None) -> None:
    headers = [("Session-Expires", value)] if value else []
    assert agree_on_response(build_response(make_request("UPDATE"), 200, headers=headers)) == agreed


def test_without_refreshes_the_call_ends_a_little_early() -> None:
    time = Time()
    told: list[tuple[str, float]] = []
    watch = SessionWatch(
        time.call_later, lambda: told.append(("refresh", time.now)), lambda: told.append(("end", time.now))
    )
    watch.start(SessionTimer(1800, is_ours=False))
    time.pass_by(1700)
    watch.start(SessionTimer(90, is_ours=True))
    time.pass_by(100)
    assert told == [("refresh", 1745), ("end", 1790)]
    watch.start(SessionTimer(1800, is_ours=True))
    watch.start(None)
    assert time.is_idle
    watch.start(SessionTimer(1800, is_ours=True))
    watch.stop()
    assert time.is_idle


def test_a_timer_that_ran_before_goes_on_where_it_was_and_one_that_ran_out_gets_a_moment() -> None:
    time = Time()
    told: list[tuple[str, float]] = []
    watch = SessionWatch(
        time.call_later, lambda: told.append(("refresh", time.now)), lambda: told.append(("end", time.now))
    )
    watch.start(SessionTimer(300, is_ours=True), elapsed_s=100)
    time.pass_by(500)
    watch.start(SessionTimer(300, is_ours=True), elapsed_s=5000)
    time.pass_by(100)
    assert told == [("refresh", 50), ("refresh", 125), ("refresh", 162.5), ("end", 200), ("refresh", 500), ("end", 532)]


def test_a_refresh_that_comes_to_nothing_is_tried_again_until_the_call_ends() -> None:
    time = Time()
    told: list[tuple[str, float]] = []
    watch = SessionWatch(
        time.call_later, lambda: told.append(("refresh", time.now)), lambda: told.append(("end", time.now))
    )
    watch.start(SessionTimer(1800, is_ours=True))
    time.pass_by(1800)
    assert [at for what, at in told if what == "refresh"] == [900, 1350, 1575, 1687.5, 1743.75]
    assert told[-1] == ("end", 1800)
    watch.start(SessionTimer(1800, is_ours=True))
    time.pass_by(1000)
    watch.start(SessionTimer(1800, is_ours=True))
    assert (time.pass_by(800), told[-1]) == (None, ("refresh", 2700))
