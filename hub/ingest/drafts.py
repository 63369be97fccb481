"""What a spool entry says of itself, as JSON: a draft, a call detail or an absent call, for the next hub to read.

Any string survives, also a file name that is no UTF-8 (its stray bytes are lone surrogates, as Python reads them):
the JSON is plain ASCII, so a surrogate is written as an escape and read back as it was.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from hub.catalog.timeline import events_from, events_json
from hub.sdk import (
    Absence,
    AbsentCall,
    CallDetail,
    Direction,
    MediaFile,
    MediaLocation,
    Notice,
    NoticeKind,
    Owner,
    OwnerKind,
    Party,
    RecordingDraft,
    Role,
)

Json = dict[str, Any]
T = TypeVar("T")


def encode_draft(draft: RecordingDraft) -> Json:
    """The draft as JSON values.

    Raises: ValueError if a time has no time zone, TypeError if a value is not what it should be.
    """
    return {
        "origin_id": draft.origin_id,
        "started_at": _encode_time(draft.started_at),
        "media": [_encode_media(media) for media in draft.media],
        "duration_s": draft.duration_s,
        "origin_server": draft.origin_server,
        "origin_name": draft.origin_name,
        "call_id": draft.call_id,
        "direction": draft.direction.value,
        "parties": [_encode_party(party) for party in draft.parties],
        "owner": _encode_owner(draft.owner),
        "agent": draft.agent,
        "target": draft.target,
        "skill": draft.skill,
        "notice": _encode_notice(draft.notice),
        "mixed": draft.mixed,
        "merge_same_media": draft.merge_same_media,
        "call_keys": list(draft.call_keys),
        "longest_s": draft.longest_s,
        "fields": _encode_texts("fields", draft.fields),
        "provenance": _encode_texts("provenance", draft.provenance),
        "raw": {name: b64encode(_checked(value, bytes, "raw", name)).decode() for name, value in draft.raw.items()},
        "events": events_json(draft.events),
        "problem": list(draft.problem) if draft.problem else None,
    }


def decode_draft(data: Mapping[str, Any], folder: Path) -> RecordingDraft:
    """The draft that `encode_draft` wrote; a media path that is relative is below `folder`.

    Raises: KeyError, TypeError, ValueError if `data` is no draft.
    """
    return RecordingDraft(
        origin_id=data["origin_id"],
        started_at=datetime.fromisoformat(data["started_at"]),
        media=tuple(_decode_media(media, folder) for media in data["media"]),
        duration_s=data["duration_s"],
        origin_server=data["origin_server"],
        origin_name=data["origin_name"],
        call_id=data["call_id"],
        direction=Direction(data["direction"]),
        parties=_decode_parties(data["parties"]),
        owner=_decode_owner(data["owner"]),
        agent=data["agent"],
        target=data["target"],
        skill=data["skill"],
        notice=_decode_notice(data["notice"]),
        mixed=data["mixed"],
        merge_same_media=data["merge_same_media"],
        call_keys=tuple(data.get("call_keys", ())),
        longest_s=data.get("longest_s"),
        fields=dict(data["fields"]),
        provenance=dict(data["provenance"]),
        raw={name: b64decode(value, validate=True) for name, value in data["raw"].items()},
        events=events_from(data.get("events", ())),
        problem=_decode_problem(data["problem"]),
    )


def encode_detail(detail: CallDetail) -> Json:
    """The call detail as JSON values.

    Raises: ValueError if a time has no time zone, TypeError if a value is not what it should be.
    """
    return {
        "detail_id": detail.detail_id,
        "rule": detail.rule,
        "started_at": _encode_time(detail.started_at),
        "ended_at": _encode_time(detail.ended_at),
        "call_id": detail.call_id,
        "direction": detail.direction.value,
        "parties": [_encode_party(party) for party in detail.parties],
        "owner": _encode_owner(detail.owner),
        "agent": detail.agent,
        "target": detail.target,
        "skill": detail.skill,
        "numbers": list(detail.numbers),
        "fields": _encode_texts("fields", detail.fields),
    }


def decode_detail(data: Mapping[str, Any]) -> CallDetail:
    """The call detail that `encode_detail` wrote.

    Raises: KeyError, TypeError, ValueError if `data` is no call detail.
    """
    return CallDetail(
        detail_id=data["detail_id"],
        rule=data["rule"],
        started_at=datetime.fromisoformat(data["started_at"]),
        ended_at=datetime.fromisoformat(data["ended_at"]),
        call_id=data["call_id"],
        direction=Direction(data["direction"]),
        parties=_decode_parties(data["parties"]),
        owner=_decode_owner(data["owner"]),
        agent=data["agent"],
        target=data["target"],
        skill=data["skill"],
        numbers=tuple(data["numbers"]),
        fields=dict(data["fields"]),
    )


def encode_absence(call: AbsentCall) -> Json:
    """A call without a recording as JSON values.

    Raises: ValueError if a time has no time zone, TypeError if a value is not what it should be.
    """
    return {
        "absence_id": call.absence_id,
        "why": call.why.value,
        "started_at": _encode_time(call.started_at),
        "ended_at": _encode_time(call.ended_at),
        "call_id": call.call_id,
        "direction": call.direction.value,
        "parties": [_encode_party(party) for party in call.parties],
        "rule": call.rule,
        "text": call.text,
        "fields": _encode_texts("fields", call.fields),
    }


def decode_absence(data: Mapping[str, Any]) -> AbsentCall:
    """What `encode_absence` wrote.

    Raises: KeyError, TypeError, ValueError if `data` is no such call.
    """
    return AbsentCall(
        absence_id=data["absence_id"],
        why=Absence(data["why"]),
        started_at=datetime.fromisoformat(data["started_at"]),
        ended_at=datetime.fromisoformat(data["ended_at"]),
        call_id=data["call_id"],
        direction=Direction(data["direction"]),
        parties=_decode_parties(data["parties"]),
        rule=data["rule"],
        text=data["text"],
        fields=dict(data["fields"]),
    )


def _encode_time(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("time without a time zone")
    return moment.isoformat()


def _encode_media(media: MediaFile | MediaLocation) -> Json:
    if isinstance(media, MediaFile):
        return {"path": str(media.path), "sha256": media.sha256, "channel_parties": list(media.channel_parties)}
    return {
        "connector": media.connector,
        "key": media.key,
        "member": media.member,
        "size_bytes": media.size_bytes,
        "sha256": media.sha256,
    }


def _decode_media(data: Mapping[str, Any], folder: Path) -> MediaFile | MediaLocation:
    if "path" in data:
        path = folder / data["path"]
        return MediaFile(path=path, sha256=data["sha256"], channel_parties=tuple(data["channel_parties"]))
    return MediaLocation(
        connector=data["connector"],
        key=data["key"],
        member=data["member"],
        size_bytes=data["size_bytes"],
        sha256=data["sha256"],
    )


def _encode_party(party: Party) -> Json:
    return {
        "number": party.number,
        "name": party.name,
        "role": party.role.value,
        "channel": party.channel,
        "joined_s": party.joined_s,
        "left_s": party.left_s,
    }


def _decode_parties(parties: Sequence[Mapping[str, Any]]) -> tuple[Party, ...]:
    return tuple(
        Party(
            number=party["number"],
            name=party["name"],
            role=Role(party["role"]),
            channel=party["channel"],
            joined_s=party["joined_s"],
            left_s=party["left_s"],
        )
        for party in parties
    )


def _encode_texts(what: str, values: Mapping[str, str]) -> Json:
    return {name: _checked(value, str, what, name) for name, value in values.items()}


def _checked(value: T, wanted: type[T], what: str, name: str) -> T:
    """A value that a plug-in gave under a name. Raises: TypeError."""
    if not isinstance(value, wanted):
        raise TypeError(f"{what}[{name!r}] is {type(value).__name__}, not {wanted.__name__}")
    return value


def _encode_owner(owner: Owner | None) -> Json | None:
    return {"kind": owner.kind.value, "id": owner.id, "name": owner.name} if owner else None


def _decode_owner(data: Mapping[str, Any] | None) -> Owner | None:
    return Owner(kind=OwnerKind(data["kind"]), id=data["id"], name=data["name"]) if data else None


def _encode_notice(notice: Notice) -> Json:
    return {"kind": notice.kind.value, "by": notice.by, "at": _encode_time(notice.at) if notice.at else None}


def _decode_notice(data: Mapping[str, Any]) -> Notice:
    at = datetime.fromisoformat(data["at"]) if data["at"] else None
    return Notice(kind=NoticeKind(data["kind"]), by=data["by"], at=at)


def _decode_problem(data: Sequence[str] | None) -> tuple[str, str] | None:
    if data is None:
        return None
    code, text = data
    return code, text
