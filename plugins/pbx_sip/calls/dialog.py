"""One call as its signalling is seen on the wire, by whoever listens: any hop, any order, from the middle on.

Source: RFC 3261 sections 12 and 13 (dialogs), RFC 3264 (offer and answer, also in 200 and ACK), RFC 3891 (Replaces).
"""

from dataclasses import dataclass, field
from enum import StrEnum

from plugins.pbx_sip.sdp.description import Media
from plugins.pbx_sip.sip.address import Address
from plugins.pbx_sip.siprec.session import RecordingSession

_CHALLENGES = frozenset({401, 407})
_HEADERS_MAX, _HEADER_MAX = 200, 2000
_STANCES_MAX, _KEYS_MAX = 1000, 10_000


class Side(StrEnum):
    """The two ends of a dialog."""

    CALLER = "caller"
    CALLED = "called"

    @property
    def other(self) -> "Side":
        """The one it talks to."""
        return Side.CALLED if self is Side.CALLER else Side.CALLER


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where a side asked for its media: what arrives at `endpoint` since `since_ns` was sent by the other one.

    section: which of its media, counted from 0.
    """

    side: Side
    endpoint: int
    since_ns: int
    section: int
    media: Media


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """What a side said of one of its media from `at_ns` on, also where it leads nowhere: held, rejected, fax."""

    side: Side
    section: int
    at_ns: int
    media: Media

    @property
    def wish(self) -> tuple[str, bool, bool, bool]:
        """What is the same in two stances that want the same: kind, held, sending, rejected."""
        return self.media.kind, self.media.is_held, self.media.is_sending, self.media.is_rejected


@dataclass(slots=True, kw_only=True)
class Dialog:
    """One Call-ID. Times are ns since 1970, UTC; 0 where the moment was not seen.

    caller and called: as From and To say, identities: as the network asserts, by side.
    status: of the last final response to an INVITE. keys: pressed, as INFO says, with their time.
    stances: how both sides wanted their media over time.
    replaces: Call-ID of a dialog that this one takes over. referred_to: whom one side sent the other to.
    session: what is told of the recorded call if this dialog carries its recording; labels: of its media, by section.
    joined_late: it was going on when its first message was seen, and so may its media have been, for long.
    """

    call_id: str
    caller: Address | None = None
    called: Address | None = None
    identities: dict[Side, Address] = field(default_factory=dict)
    first_ns: int = 0
    last_ns: int = 0
    answered_ns: int = 0
    ended_ns: int = 0
    status: int = 0
    ended_by: Side | None = None
    listenings: list[Listening] = field(default_factory=list)
    stances: list[Stance] = field(default_factory=list)
    keys: list[tuple[int, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    replaces: str = ""
    referred_to: str = ""
    session: RecordingSession | None = None
    labels: dict[int, str] = field(default_factory=dict)
    caller_tags: set[str] = field(default_factory=set)
    joined_late: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come: hung up, cancelled or refused."""
        return bool(self.ended_ns)

    def listen(self, listening: Listening) -> None:
        """Note where a side wants its media from now on; said again it changes nothing."""
        for known in reversed(self.listenings):
            if (known.side, known.section, known.endpoint) == (listening.side, listening.section, listening.endpoint):
                if known.media.codecs == listening.media.codecs and known.media.crypto == listening.media.crypto:
                    return
                break
        self.listenings.append(listening)

    def take_stance(self, stance: Stance) -> None:
        """Note how a side wants one of its media from now on; said again it changes nothing."""
        mine = (each for each in reversed(self.stances) if (each.side, each.section) == (stance.side, stance.section))
        last = next(mine, None)
        if len(self.stances) < _STANCES_MAX and (last is None or stance.wish != last.wish):
            self.stances.append(stance)

    def press(self, key: str, at_ns: int) -> None:
        """Note a key of which INFO tells."""
        if len(self.keys) < _KEYS_MAX:
            self.keys.append((at_ns, key))

    def answer(self, status: int, at_ns: int) -> None:
        """Note a final response to an INVITE; a challenge is not the end of the call."""
        self.status = status
        if status < 300:
            self.answered_ns = self.answered_ns or at_ns
        elif not self.answered_ns and status not in _CHALLENGES:
            self.ended_ns = self.ended_ns or at_ns

    def invite(self) -> None:
        """Note another INVITE: after a refusal the call is tried once more."""
        if not self.answered_ns:
            self.ended_ns = 0

    def end(self, side: Side, at_ns: int) -> None:
        """Note who hung up."""
        if not self.ended_ns:
            self.ended_ns, self.ended_by = at_ns, side

    def keep_header(self, name: str, value: str) -> None:
        """Keep a header field of the call; the first value stays."""
        if len(self.headers) < _HEADERS_MAX:
            self.headers.setdefault(name, value[:_HEADER_MAX])
