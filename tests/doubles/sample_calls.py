"""Calls as a company has them: several countries and scripts, long names, a conference, and some that went wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.sdk import Direction, EventKind, Notice, NoticeKind, Owner, OwnerKind, Party, Role, TimelineEvent

IN, OUT, INSIDE = Direction.INCOMING, Direction.OUTGOING, Direction.INTERNAL

STAFF = {
    "8001": "Anna Berg",
    "8002": "李伟",
    "8005": "João Pereira",
    "8007": "王芳",
    "8010": "Ольга Иванова",
    "8014": "فاطمة الزهراء",
    "8021": "Marc Dubois",
    "8033": "Bartholomäus von Hohenstaufen-Würzburg",
    "8040": "Priya Raghunathan",
}
OUTSIDE = (
    "+86 138 1234 5678",
    "+86 20 3800 1234",
    "+44 20 7183 8750",
    "+1 212 555 0134",
    "+49 30 123456",
    "+55 11 98765 4321",
    "+43 1 5137 880",
    "+971 4 321 0987",
    "+33 1 70 18 99 00",
)
SKILLS = ("Billing", "Technical support", "Sales", "售后服务", "VIP", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCall:
    """One call; minutes_ago: before the moment the samples are made for. lanes: channels of the original."""

    minutes_ago: float
    length_s: float
    direction: Direction
    parties: tuple[Party, ...]
    agent: str = ""
    skill: str = ""
    owner: Owner | None = None
    device: int = 0
    notice: NoticeKind = NoticeKind.UNKNOWN
    mixed: bool = False
    lanes: int = 2
    problem: tuple[str, str] | None = None
    origins: int = 1
    call_id: str = ""
    events: tuple[TimelineEvent, ...] = ()

    def started_at(self, now: datetime) -> datetime:
        """When it began."""
        return now - timedelta(minutes=self.minutes_ago)

    def notice_at(self, now: datetime) -> Notice:
        """How the parties were told."""
        if self.notice is NoticeKind.UNKNOWN:
            return Notice()
        return Notice(kind=self.notice, by="Voicemail Pro", at=self.started_at(now) + timedelta(seconds=2))

    @property
    def target(self) -> str:
        """The number that was called."""
        return next((party.number for party in self.parties if party.role is Role.CALLED), "")


def pair(caller: str, called: str) -> tuple[Party, ...]:
    """Two parties, each on a channel of its own."""
    return (
        Party(number=caller, name=STAFF.get(caller, ""), role=Role.CALLER, channel=0),
        Party(number=called, name=STAFF.get(called, ""), role=Role.CALLED, channel=1),
    )


def conference() -> tuple[Party, ...]:
    """Five in one call, all in one channel."""
    return (
        Party(number="8001", name=STAFF["8001"], role=Role.CALLER),
        Party(number="8002", name=STAFF["8002"], role=Role.CALLED),
        Party(number="8014", name=STAFF["8014"], joined_s=41),
        Party(number="+44 20 7183 8750", joined_s=63, left_s=380),
        Party(number="8033", name=STAFF["8033"], joined_s=120),
    )


def course() -> tuple[TimelineEvent, ...]:
    """One of each kind, some of them so near to each other that they lie on one another."""
    return (
        TimelineEvent(at_s=41, kind=EventKind.JOIN, party="8014"),
        TimelineEvent(at_s=63, kind=EventKind.JOIN, party="+44 20 7183 8750"),
        *(TimelineEvent(at_s=70 + at / 2, kind=EventKind.KEY, party="8002") for at in range(9)),
        TimelineEvent(at_s=74, until_s=74.2, kind=EventKind.KEY, party="8001", text="#"),
        TimelineEvent(at_s=120, kind=EventKind.JOIN, party="8033"),
        TimelineEvent(at_s=150, until_s=205, kind=EventKind.PAUSE),
        TimelineEvent(at_s=230, until_s=300, kind=EventKind.HOLD, party="8002"),
        TimelineEvent(at_s=380, kind=EventKind.LEAVE, party="+44 20 7183 8750"),
        TimelineEvent(at_s=402, until_s=409, kind=EventKind.GAP, party="8033"),
        TimelineEvent(at_s=430, kind=EventKind.NOTE, text="There was video, which is not recorded"),
    )


def _special() -> list[SampleCall]:
    return [
        SampleCall(
            minutes_ago=3,
            length_s=43,
            direction=IN,
            parties=pair("+86 138 1234 5678", "8005"),
            agent=STAFF["8005"],
            skill="Billing",
            owner=Owner(kind=OwnerKind.USER, id="8005", name=STAFF["8005"]),
            notice=NoticeKind.ANNOUNCED,
            call_id="00107301732204813",
        ),
        SampleCall(
            minutes_ago=11,
            length_s=512,
            direction=INSIDE,
            parties=conference(),
            agent=STAFF["8001"],
            owner=Owner(kind=OwnerKind.GROUP, id="700", name="Board"),
            mixed=True,
            notice=NoticeKind.AGENT,
            events=course(),
        ),
        SampleCall(
            minutes_ago=26,
            length_s=61,
            direction=OUT,
            parties=pair("8002", "+86 20 3800 1234"),
            agent=STAFF["8002"],
            skill="售后服务",
            owner=Owner(kind=OwnerKind.GROUP, id="701", name="广州客服"),
            device=1,
            origins=2,
        ),
        SampleCall(
            minutes_ago=38,
            length_s=0,
            direction=Direction.UNKNOWN,
            parties=(),
            problem=(
                "FILE_PARSE_ERROR",
                "The file begins with “SIGN”: it is encrypted, or of a kind that is not known.",
            ),
            device=1,
        ),
        SampleCall(
            minutes_ago=52,
            length_s=5404,
            direction=IN,
            parties=pair("+971 4 321 0987", "8014"),
            agent=STAFF["8014"],
            skill="VIP",
            owner=Owner(kind=OwnerKind.LINE, id="Line 17", name="SIP trunk Dubai"),
            notice=NoticeKind.NONE,
        ),
    ]


def sample_calls() -> list[SampleCall]:
    """The newest first."""
    calls = _special()
    extensions = list(STAFF)
    for number in range(33):
        extension, outside = extensions[number % len(extensions)], OUTSIDE[number * 4 % len(OUTSIDE)]
        direction = (IN, OUT, IN, INSIDE, OUT)[number % 5]
        parties = {
            IN: pair(outside, extension),
            OUT: pair(extension, outside),
            INSIDE: pair(extension, extensions[(number + 3) % len(extensions)]),
        }[direction]
        calls.append(
            SampleCall(
                minutes_ago=70 + number * 37.3,
                length_s=(17, 944, 128, 61, 305, 388, 43)[number % 7] + number,
                direction=direction,
                parties=parties,
                agent=STAFF[extension],
                skill=SKILLS[number % len(SKILLS)],
                owner=Owner(
                    kind=tuple(OwnerKind)[number % 4], id=extension if number % 4 == 0 else str(700 + number % 5)
                ),
                device=number % 3,
                notice=NoticeKind.ANNOUNCED if number % 4 == 0 else NoticeKind.UNKNOWN,
                mixed=number % 6 == 5,
                call_id=f"001{number:05}1732{number:06}",
            )
        )
    return calls
