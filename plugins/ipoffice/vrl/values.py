"""Texts of metadata as the things they mean: times, directions, parties, owners."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import TypeVar

from hub.sdk import Direction, NoticeKind, OwnerKind, Party, Role

TIME_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%Y%m%d-%H%M%S",
    "%Y%m%d_%H%M%S",
    "%Y-%m-%d_%H-%M-%S",
    "%Y-%m-%d %H-%M-%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M:%S",
)
EPOCH = re.compile(r"\d{10}(\d{3})?(\.\d+)?")
YEARS = (1990, 2100)
DIRECTIONS = {
    Direction.INTERNAL: {"internal", "int", "intern", "interne", "interna", "interno"},
    Direction.INCOMING: {"incoming", "inbound", "in", "i", "inc", "eingehend", "entrante", "entrant"},
    Direction.OUTGOING: {"outgoing", "outbound", "out", "o", "outg", "ausgehend", "saliente", "sortant"},
}
OWNER_KINDS = {
    OwnerKind.USER: {"user", "extension", "extn", "agent"},
    OwnerKind.GROUP: {"group", "huntgroup", "hg"},
    OwnerKind.LINE: {"line", "trunk", "icr", "incomingcallroute"},
    OwnerKind.ACCOUNT_CODE: {"accountcode", "account", "ac"},
}
NOTICES = {
    NoticeKind.ANNOUNCED: {"announced", "announcement", "advice", "aocr", "yes", "true"},
    NoticeKind.TONE: {"tone", "beep"},
    NoticeKind.AGENT: {"agent", "spoken", "verbal"},
    NoticeKind.NONE: {"none", "no", "false", "silent"},
    NoticeKind.UNKNOWN: {"unknown"},
}
ROLES = {
    Role.CALLER: {"caller", "calling", "from", "a"},
    Role.CALLED: {"called", "callee", "to", "b"},
    Role.PARTICIPANT: {"participant", "party", "conference", "member"},
}
PARTY = re.compile(r"^\s*(?P<number>[^()\[\]<>]*?)\s*(?:[(<](?P<name>[^()<>]*)[)>])?\s*(?:\[(?P<role>[^\]]*)\])?\s*$")
NUMBER = re.compile(r"^(?:sips?:|tel:)?(\+?[\d*#]+)(?:@.*)?$", re.IGNORECASE)
OWNER = re.compile(r"^\s*([A-Za-z][A-Za-z _-]*?)\s*[:/=\s]\s*([\w+*#.-]+)\s*(?:\((.*)\))?\s*$")
PARTIES_MAX = 64
Meaning = TypeVar("Meaning")


def _lookup(table: Mapping[Meaning, set[str]], text: str) -> Meaning | None:
    word = re.sub(r"[\W_]", "", text).lower()
    return next((meaning for meaning, words in table.items() if word in words), None)


def parse_direction(text: str) -> Direction | None:
    """A direction by any of its usual words."""
    return _lookup(DIRECTIONS, text)


def parse_owner_kind(text: str) -> OwnerKind | None:
    """What kind of thing triggered the recording."""
    return _lookup(OWNER_KINDS, text)


def parse_notice(text: str) -> NoticeKind | None:
    """How the parties were told."""
    return _lookup(NOTICES, text)


def parse_role(text: str) -> Role | None:
    """What a party was in the call."""
    return _lookup(ROLES, text)


def parse_yes(text: str) -> bool | None:
    """A yes or no."""
    word = text.strip().lower()
    return True if word in {"1", "yes", "true"} else False if word in {"0", "no", "false"} else None


def parse_time(text: str, zone: tzinfo | None, own_format: str = "") -> datetime | None:
    """A time, aware UTC; without an offset of its own it is in `zone` (None: the zone of this machine)."""
    text = text.strip()
    if not text or len(text) > 64:
        return None
    time = _parse_any(text, own_format)
    if time is None or not YEARS[0] <= time.year <= YEARS[1]:
        return None
    if time.tzinfo is None and zone is not None:
        time = time.replace(tzinfo=zone)
    return time.astimezone(UTC)


def _parse_any(text: str, own_format: str) -> datetime | None:
    try:
        if EPOCH.fullmatch(text) and not own_format:
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    for shape in filter(None, (own_format, *TIME_FORMATS)):
        try:
            return datetime.strptime(text, shape)  # noqa: DTZ007 - the caller knows the zone
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def parse_number(text: str) -> str:
    """A number without the decoration of SIP or tel addresses; other texts as they are."""
    text = text.strip()
    compact = re.sub(r"[\s()./-]", "", text)
    match = NUMBER.match(compact)
    return match.group(1) if match else text[:128]


def parse_party(text: str) -> Party | None:
    """One party, as `number (name) [role]`; number or name may be missing."""
    match = PARTY.match(text[:512])
    if not match:
        return None
    number, name = match["number"].strip(), (match["name"] or "").strip()
    if not name and " " in number and not re.fullmatch(r"[+\d\s()./*#-]+", number):
        head, _, tail = number.partition(" ")
        number, name = (head, tail.strip()) if re.search(r"\d", head) else ("", number)
    if not number and not name:
        return None
    return Party(number=parse_number(number), name=name[:200], role=parse_role(match["role"] or "") or Role.PARTICIPANT)


def parse_parties(text: str) -> tuple[Party, ...]:
    """Parties separated by semicolons, bars or lines; by commas where nothing else separates them."""
    separator = r"[;|\n]" if re.search(r"[;|\n]", text) else r","
    found = (parse_party(part) for part in re.split(separator, text)[:PARTIES_MAX])
    return tuple(party for party in found if party is not None)


def parse_owner(text: str) -> tuple[OwnerKind | None, str, str] | None:
    """(kind, id, name) of an owner such as `group 300 (Sales)`, `user:201` or `201`; None of an empty text."""
    if not text.strip():
        return None
    match = OWNER.match(text[:256])
    kind = parse_owner_kind(match.group(1)) if match else None
    if match and kind:
        return kind, match.group(2), (match.group(3) or "").strip()
    party = parse_party(text)
    return None, (party.number if party and party.number else text.strip()[:128]), party.name if party else ""
