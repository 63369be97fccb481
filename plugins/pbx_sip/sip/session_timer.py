"""Session timers: a call whose refreshes stop has ended, even if nobody said so.

Source: RFC 4028, as a UAS.
"""

from collections.abc import Callable
from dataclasses import dataclass

from plugins.pbx_sip.sip.errors import BadRequest, BadValue
from plugins.pbx_sip.sip.fields import SessionExpires, parse_session_expires
from plugins.pbx_sip.sip.headers import Field
from plugins.pbx_sip.sip.message import Request, Response
from plugins.pbx_sip.sip.timers import GIVE_UP_S, CallLater, Timers

INTERVAL_S = 1800
INTERVAL_MIN_S = 90


@dataclass(frozen=True, slots=True)
class SessionTimer:
    """What both ends agreed: the interval, and whether we refresh."""

    interval_s: int
    is_ours: bool

    @property
    def refresh_after_s(self) -> float:
        """When we refresh, if that is on us."""
        return self.interval_s / 2

    @property
    def end_after_s(self) -> float:
        """When the call ends without a refresh: of theirs somewhat early, so that the BYE still finds its way.

        Source: RFC 4028 section 10.
        """
        return self.interval_s - (0.0 if self.is_ours else min(32.0, self.interval_s / 3))

    def answer_fields(self) -> tuple[Field, ...]:
        """What our 2xx to the request says."""
        session = ("Session-Expires", str(SessionExpires(self.interval_s, "uas" if self.is_ours else "uac")))
        return (session,) if self.is_ours else (session, ("Require", "timer"))

    def request_fields(self) -> tuple[Field, ...]:
        """What an INVITE or UPDATE of ours says."""
        return (
            ("Supported", "timer"),
            ("Session-Expires", str(SessionExpires(self.interval_s, "uac" if self.is_ours else "uas"))),
        )


def agree_on_request(request: Request) -> SessionTimer | None:
    """What we answer to an INVITE or UPDATE; None if the other end knows no timers and nobody asks for one.

    Raises: BadRequest with 422 when the interval is too short, 400 when it cannot be read.
    """
    knows_timers = "timer" in {tag.lower() for tag in (*request.tokens("Supported"), *request.tokens("Require"))}
    value = request.headers.get("Session-Expires")
    if value is None:
        return SessionTimer(max(INTERVAL_S, _shortest(request)), is_ours=False) if knows_timers else None
    try:
        asked = parse_session_expires(value)
    except BadValue:
        raise BadRequest(400, "Bad Session-Expires", request) from None
    if asked.interval_s < INTERVAL_MIN_S and knows_timers:
        raise BadRequest(422, "Session Interval Too Small", request, (("Min-SE", str(INTERVAL_MIN_S)),))
    is_ours = not knows_timers or asked.refresher == "uas"
    return SessionTimer(max(asked.interval_s, INTERVAL_MIN_S), is_ours=is_ours)


def agree_on_response(response: Response) -> SessionTimer | None:
    """What the other end answered to an INVITE or UPDATE of ours; None if it wants no timer."""
    value = response.headers.get("Session-Expires")
    try:
        answered = parse_session_expires(value) if value is not None else None
    except BadValue:
        return None
    if answered is None:
        return None
    return SessionTimer(max(answered.interval_s, INTERVAL_MIN_S), is_ours=answered.refresher != "uas")


def _shortest(request: Request) -> int:
    try:
        return request.number("Min-SE") or 0
    except BadValue:
        return 0


class SessionWatch:
    """Runs the timer of one call; every refresh of either end starts it anew."""

    def __init__(self, call_later: CallLater, on_refresh: Callable[[], None], on_end: Callable[[], None]) -> None:
        self._timers = Timers(call_later)
        self._on_refresh = on_refresh
        self._on_end = on_end

    def start(self, timer: SessionTimer | None, elapsed_s: float = 0.0) -> None:
        """Go by what was agreed so long ago; None is no timer. What is overdue gets as long as a request may take."""
        self._timers.stop()
        if timer is None:
            return
        if timer.is_ours:
            self._plan_refresh(max(0.0, timer.refresh_after_s - elapsed_s), timer.interval_s - elapsed_s)
        self._timers.start("end", max(GIVE_UP_S, timer.end_after_s - elapsed_s), self._on_end)

    def _plan_refresh(self, after_s: float, left_s: float) -> None:
        self._timers.start("refresh", after_s, lambda: self._refresh(left_s - after_s))

    def _refresh(self, left_s: float) -> None:
        """Refresh, and again as long as there is time: a client that cannot be reached now may be soon."""
        if left_s > 2 * GIVE_UP_S:
            self._plan_refresh(max(GIVE_UP_S, left_s / 2), left_s)
        self._on_refresh()

    def stop(self) -> None:
        """The call is over."""
        self._timers.stop()
