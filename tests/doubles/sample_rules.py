"""Recording rules, hours, holidays and calls without a recording, as a hub in use has them."""

from datetime import datetime, timedelta

from hub.app.services import Services
from hub.audit.actor import SYSTEM
from hub.rules.absences import keep_absences
from hub.rules.hours import HolidayCalendar, TimeProfile
from hub.rules.rule import Rule
from hub.sdk import Absence, AbsentCall, Direction, Party, Role

_CALLER = Party(number="+43 1 555 0123", name="Anna Berger", role=Role.CALLER)
_CALLED = Party(number="201", name="Front desk", role=Role.CALLED)


def add_rules(services: Services, devices: list[int]) -> None:
    """A rule of every treatment, one switched off; two time profiles, one with holidays."""
    rules = services.rules
    austria = rules.add(
        HolidayCalendar(
            name="Austria",
            days=[
                {"day": "2026-12-25", "name": "Christmas Day", "yearly": True},
                {"day": "2027-03-29", "name": "Easter Monday"},
            ],
        ),
        SYSTEM,
    )
    office = rules.add(
        TimeProfile(
            name="Office hours",
            hours=[
                {"days": ["mon", "tue", "wed", "thu", "fri"], "begins": "08:00", "ends": "18:00"},
                {"days": ["sat"], "begins": "09:00", "ends": "12:00"},
            ],
            calendars=[austria.id],
        ),
        SYSTEM,
    )
    night = [{"days": ["fri", "sat"], "begins": "22:00", "ends": "06:00"}]
    rules.add(TimeProfile(name="Night shift", hours=night), SYSTEM)
    for rule in (
        Rule(name="Works council: never", users=["Works council", "299"], treatment="leave_out"),
        Rule(name="Trading desk", groups=["Trading"], calls=["external"], treatment="mandatory"),
        Rule(
            name="Sales in office hours",
            groups=["Sales", "Support"],
            calls=["incoming"],
            devices=devices[:1],
            profile=office.id,
            treatment="share",
            share_percent=25,
        ),
        Rule(name="Payments", numbers=["+43*", "2??"], masks_keys=True, longest_s=3600, enabled=False),
        Rule(name="Everybody else on demand", treatment="on_demand", keeps_keys=True),
    ):
        rules.add(rule, SYSTEM)


def add_absences(services: Services, device: int, now: datetime) -> None:
    """One call of every reason, the newest first."""
    calls = [
        AbsentCall(
            absence_id=why.value,
            why=why,
            started_at=now - timedelta(minutes=17 * at + 3),
            ended_at=now - timedelta(minutes=17 * at),
            call_id=f"00001{at}",
            direction=Direction.INCOMING if at % 2 else Direction.OUTGOING,
            parties=(_CALLER, _CALLED),
            rule="Trading desk" if why is Absence.NO_MEDIA else "Works council: never",
            text="No packet came to 10.0.0.7 port 20004." if why is Absence.NO_MEDIA else "",
            fields={"port": "span0"},
        )
        for at, why in enumerate(Absence)
    ]
    with services.db.write() as session:
        keep_absences(session, device, [("0" * 64, call) for call in calls])
