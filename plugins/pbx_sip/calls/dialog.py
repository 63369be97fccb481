"""One call as its signalling is seen on the wire, by whoever listens: any hop, any order, from the middle on.

Source: RFC 3261 sections 12 and 13 (dialogs), RFC 3264 (offer and answer, also in 200 and ACK), RFC 3891 (Replaces),
RFC 3325 and RFC 4916 (who a side is, also who it has become).
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from plugins.pbx_sip.calls.marks import Marks
from plugins.pbx_sip.sdp.description import Media
from plugins.pbx_sip.sip.address import Address
from plugins.pbx_sip.siprec.facts import CallEnd
from plugins.pbx_sip.siprec.session import RecordingSession

_CHALLENGES = frozenset({401, 407})
_PORT_MAX = 0xFFFF
_ENDLESS_NS = 1 << 62
_HEADERS_MAX, _HEADER_MAX = 200, 2000
_STANCES_MAX, _KEYS_MAX, _SUCCESSORS_MAX = 1000, 10_000, 50
_OFFERS_MAX, _OFFERED_MAX, _DECLINED_MAX, _BRANCHES_MAX = 20, 50, 50, 50


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

    section: which of its media, counted from 0. is_agreed: the other one did not refuse, or had no say in it.
    refused_ns: when the other one said no; 0 if it did not. branch: tag of the called one, "" for the caller: a call
    that is forked may be answered by several.
    """

    side: Side
    endpoint: int
    since_ns: int
    section: int
    media: Media
    is_agreed: bool = True
    refused_ns: int = 0
    branch: str = ""

    @property
    def control_endpoints(self) -> frozenset[int]:
        """Where RTCP may come: beside the media, where it was asked for, or with it: RFC 3550, 3605 and 5761."""
        host = self.endpoint & ~0xFFFF
        ports = {self.media.port, self.media.port + 1, self.media.rtcp_port or self.media.port}
        return frozenset(host | port for port in ports if port <= _PORT_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """What a side said of one of its media from `at_ns` on, also where it leads nowhere: held, rejected, fax."""

    side: Side
    section: int
    at_ns: int
    media: Media

    @property
    def is_audio(self) -> bool:
        """Whether it is of sound that is wanted at all."""
        return self.media.kind == "audio" and not self.media.is_rejected

    @property
    def wish(self) -> Hashable:
        """What is the same in two stances that want the same, wherever the media is to go."""
        media = self.media
        form = media.kind, media.protocol, media.label, media.codecs
        told = media.recording, media.recording_wish
        return *form, media.is_held, media.is_sending, media.is_rejected, *told


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Which transaction a change of media is asked for in: whose, and its CSeq."""

    side: Side
    method: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldKey:
    """A key that a side pressed, as an INFO of it tells."""

    at_ns: int
    side: Side
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """Who took the place of a side in the middle of a call: somebody else was connected."""

    at_ns: int
    side: Side
    address: Address


@dataclass(slots=True, kw_only=True)
class Dialog:
    """One Call-ID on one hop; of several dialogs that share one, each by itself. Times are ns since 1970, UTC.

    A time is 0 where the moment was not seen. call_id: by which it is known.
    caller and called: as From and To say, identities: as the network asserts, by side; successors: of both, in time.
    first_called: who was called before the call was diverted to `called`, None if it was not. target: whom the INVITE
    was sent to, reached: where it went from there, as the answer says.
    status: of the last final response to an INVITE. keys: pressed, as INFO says. stances: how both sides wanted their
    media over time. replaces: Call-ID of a dialog that this one takes over. referred_to: whom one side sent the other
    to. interaction: the first Call-ID of all that transfers lead through, "" if there was none.
    session: what is told of the recorded call if this dialog carries its recording; labels: of its media, by section.
    offered: changes that were asked for and not answered yet; media may follow them already. declined: what they wanted
    besides sound, where the answer was no.
    told: what the INVITE says of who takes part, as long as there is no session, by header fields in small letters.
    said_ns: of the last message; last_ns: of the last message or, where that was long ago, of the last media.
    joined_late: it was going on when its first message was seen, and so may its media have been, for long.
    marks: by which its messages are known. branches: tags of all who answered, and when each of them was hung up, or 0.
    """

    call_id: str
    caller: Address | None = None
    called: Address | None = None
    identities: dict[Side, Address] = field(default_factory=dict)
    successors: list[Successor] = field(default_factory=list)
    first_called: Address | None = None
    target: Address | None = None
    reached: Address | None = None
    first_ns: int = 0
    last_ns: int = 0
    said_ns: int = 0
    answered_ns: int = 0
    ended_ns: int = 0
    status: int = 0
    ended_by: Side | None = None
    listenings: list[Listening] = field(default_factory=list)
    stances: list[Stance] = field(default_factory=list)
    offered: dict[Offer, list[tuple[Stance, Listening | None]]] = field(default_factory=dict)
    declined: list[Stance] = field(default_factory=list)
    keys: list[ToldKey] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    replaces: str = ""
    referred_to: str = ""
    interaction: str = ""
    session: RecordingSession | None = None
    labels: dict[int, str] = field(default_factory=dict)
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    caller_tags: set[str] = field(default_factory=set)
    keys_counted: set[tuple[Side, int]] = field(default_factory=set)
    known_as: dict[tuple[Side, int], set[str]] = field(default_factory=dict)
    joined_late: bool = False
    branches: dict[str, int] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come: hung up, cancelled or refused."""
        return bool(self.ended_ns)

    @property
    def carried(self) -> CallEnd | None:
        """The end of a call that it carries alone; None if it is an ordinary call, or its session has all ends."""
        return None if self.session is None else self.session.describe().end

    @property
    def arrivals(self) -> list[Listening]:
        """Where its media arrives: at the recorder alone if it carries the recording of a call.

        What the client of a recorder says may be the port that many such calls are sent from; it counts in the end, if
        the recorder was never heard.
        """
        recorder = [each for each in self.listenings if each.side is Side.CALLED]
        return recorder if self.session is not None and (recorder or not self.is_over) else self.listenings

    def has_said(self, side: Side) -> bool:
        """Whether it is known how a side wants its media."""
        return any(stance.side is side for stance in self.stances)

    def listen(self, listening: Listening) -> None:
        """Note where a side wants its media from now on; said again it changes nothing."""
        place = listening.side, listening.section, listening.endpoint, listening.branch
        for known in reversed(self.listenings):
            if (known.side, known.section, known.endpoint, known.branch) == place:
                is_said = known.is_agreed or not (listening.is_agreed or known.refused_ns)
                is_same = known.media.codecs == listening.media.codecs and known.media.crypto == listening.media.crypto
                if is_said and is_same:
                    return
                break
        self.listenings.append(listening)

    def propose(self, offer: Offer, stance: Stance, listening: Listening | None) -> None:
        """Note what a side asks for in a call that goes on: it holds once the other one agrees.

        Source: RFC 3261 section 14.1, RFC 3311 section 5.
        """
        if len(self.offered) < _OFFERS_MAX or offer in self.offered:
            proposed = self.offered.setdefault(offer, [])
            if len(proposed) < _OFFERED_MAX:
                proposed.append((stance, listening))
        if listening is not None:
            self.listen(replace(listening, is_agreed=False))

    def agree(self, offer: Offer) -> None:
        """What was asked for holds, from when it was asked for."""
        for stance, listening in self.offered.pop(offer, ()):
            self.take_stance(stance)
            if listening is not None:
                self._settle(listening, refused_ns=0)

    def refuse(self, offer: Offer, at_ns: int) -> None:
        """What was asked for does not hold, and the call is as it was before."""
        for stance, listening in self.offered.pop(offer, ()):
            if listening is not None:
                self._settle(listening, refused_ns=at_ns)
            is_other = stance.media.kind != "audio" and not stance.media.is_rejected
            if is_other and len(self.declined) < _DECLINED_MAX:
                self.declined.append(stance)

    def _settle(self, listening: Listening, *, refused_ns: int) -> None:
        for place, each in enumerate(self.listenings):
            if replace(each, since_ns=listening.since_ns) == replace(listening, is_agreed=False):
                self.listenings[place] = replace(each, is_agreed=not refused_ns, refused_ns=refused_ns)
        if not refused_ns:
            self.listen(listening)

    def take_stance(self, stance: Stance) -> None:
        """Note how a side wants one of its media from now on; said again it changes nothing."""
        mine = (each for each in reversed(self.stances) if (each.side, each.section) == (stance.side, stance.section))
        last = next(mine, None)
        if len(self.stances) < _STANCES_MAX and (last is None or stance.wish != last.wish):
            self.stances.append(stance)

    def find_faxes(self, section: int) -> list[tuple[int, int]]:
        """When both sides had made one of their media a fax, (from, until) in ns since 1970."""
        kinds: dict[Side, str] = {}
        found: list[tuple[int, int]] = []
        for stance in (each for each in self.stances if each.section == section):
            kinds[stance.side] = stance.media.kind
            is_fax = len(kinds) == len(Side) and set(kinds.values()) == {"image"}
            is_open = bool(found) and found[-1][1] == _ENDLESS_NS
            if is_fax and not is_open:
                found.append((stance.at_ns, _ENDLESS_NS))
            elif is_open and not is_fax:
                found[-1] = (found[-1][0], stance.at_ns)
        return found

    def press(self, told: ToldKey, number: int) -> None:
        """Note a key of which INFO tells; number: of its CSeq, by which one that is seen on two hops is known."""
        if len(self.keys) < _KEYS_MAX and (told.side, number) not in self.keys_counted:
            self.keys_counted.add((told.side, number))
            self.keys.append(told)

    def succeed(self, successor: Successor) -> None:
        """Note that somebody takes the place of a side."""
        if len(self.successors) < _SUCCESSORS_MAX:
            self.successors.append(successor)

    def answer(self, status: int, at_ns: int, branch: str = "") -> None:
        """Note a final response to an INVITE; a challenge is not the end of the call. branch: tag of who was called."""
        self.status = status
        if status < 300:
            if branch and len(self.branches) < _BRANCHES_MAX:
                self.branches.setdefault(branch, 0)
            self.answered_ns = self.answered_ns or at_ns
        elif not self.answered_ns and status not in _CHALLENGES:
            self.ended_ns = self.ended_ns or at_ns

    def invite(self) -> None:
        """Note another INVITE: after a refusal the call is tried once more."""
        if not self.answered_ns:
            self.ended_ns = self.status = 0

    def end(self, side: Side, at_ns: int, branch: str = "") -> None:
        """Note who hung up; with one of several who answered, the call goes on with the others.

        branch: tag of who was called. Source: RFC 3261 section 13.2.2.4.
        """
        if branch in self.branches:
            self.branches[branch] = self.branches[branch] or at_ns
            if not all(self.branches.values()):
                return
        if not self.ended_ns:
            self.ended_ns, self.ended_by = at_ns, side

    def keep_header(self, name: str, value: str) -> None:
        """Keep a header field of the call; the first value stays."""
        if len(self.headers) < _HEADERS_MAX:
            self.headers.setdefault(name, value[:_HEADER_MAX])
