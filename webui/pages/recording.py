"""One recording: all that is known about it, and what the player needs to play it."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hub import ids
from hub.access.errors import NotThere
from hub.access.permissions import allows
from hub.catalog.prepared import MediaKind
from hub.catalog.recording import Media, RecordingDetail
from hub.sdk import NoticeKind
from webui import course, parties
from webui.language import gettext, later, ngettext
from webui.pages.recordings import device_names
from webui.reach import services_of, shows, viewer_of, web_of
from webui.recording_filters import DIRECTIONS
from webui.recording_rows import recorded_by
from webui.told import told
from webui.viewing import language_of

NOTICES = {
    NoticeKind.ANNOUNCED: later("An announcement was played"),
    NoticeKind.TONE: later("A tone was played"),
    NoticeKind.AGENT: later("The agent said so"),
    NoticeKind.SIGNALLED: later("Their telephones show it"),
    NoticeKind.NONE: later("The parties were not told"),
    NoticeKind.UNKNOWN: later("Not known whether the parties were told"),
}
_FORMS = {
    MediaKind.ORIGINAL: later("Original"),
    MediaKind.DERIVED: later("For playing"),
    MediaKind.PARALLEL: later("As another device recorded it"),
}
_LONGEST_START_S = 86_400


@dataclass(frozen=True, slots=True)
class Badge:
    """A remark about a recording."""

    icon: str
    text: str
    shade: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """Where a stored form rests."""

    store: str
    key: str


@dataclass(frozen=True, slots=True)
class Form:
    """One stored form of the media; absence: why it rests nowhere if there is no copy."""

    icon: str
    title: str
    about: str
    copies: tuple[Copy, ...]
    absence: str


@dataclass(frozen=True, slots=True)
class Download:
    """One thing to take away."""

    label: str
    about: str
    href: str


@shows("recording.list")
def detail_page(request: Request) -> Response:
    """All fields, where each comes from, the seals and the stored forms."""
    recording = services_of(request).reader.find(viewer_of(request), recording_id(request))
    names = device_names(request)
    return web_of(request).renderer.page(
        request,
        "recordings/detail.html",
        recording=recording,
        title=parties.title_of(recording.parties),
        playable=recording.playable and allows(viewer_of(request), "recording.play"),
        start_at=_start_of(request),
        link=f"{web_of(request).config.public_url}/r/{recording.text_id}",
        badges=_badges(recording, names),
        recorders=_recorders(recording),
        forms=_forms(request, recording, names),
        downloads=_downloads(request, recording),
        notice=_notice(request, recording),
        happenings=course.describe(recording.events, recording.parties),
        device_name=lambda device_id: names.get(device_id, gettext("Deleted device")),
        directions=DIRECTIONS,
        direction_icons=parties.DIRECTION_ICONS,
        owner_kinds=parties.OWNER_KINDS,
        roles=parties.ROLES,
        section="/recordings",
    )


@shows("recording.list")
def player(request: Request) -> Response:
    """What the player shows and plays, as JSON; a refusal is an answer with words, too."""
    try:
        recording = services_of(request).reader.find(viewer_of(request), recording_id(request))
    except NotThere as refusal:
        about = _refusal("circle-x", "missing", "bad", told(str(refusal)))
        return JSONResponse(about | {"title": gettext("Unknown recording")})
    return JSONResponse(_about(request, recording) | _playing(request, recording))


def recording_id(request: Request) -> int:
    """The recording that the address names.

    Raises: NotThere.
    """
    try:
        return ids.from_text(request.path_params["id"])
    except ValueError:
        raise NotThere("There is no such recording, or you may not see it.") from None


def _start_of(request: Request) -> int:
    text = request.query_params.get("t", "").removesuffix("s")
    return min(int(text), _LONGEST_START_S) if text.isdecimal() and len(text) < 7 else 0


def _about(request: Request, recording: RecordingDetail) -> dict[str, Any]:
    language = language_of(request)
    return {
        "id": recording.text_id,
        "title": parties.title_of(recording.parties),
        "when": language.moment(recording.started_at),
        "device": device_names(request).get(recording.device_id, ""),
        "duration_s": recording.duration_s,
    }


def _playing(request: Request, recording: RecordingDetail) -> dict[str, Any]:
    if not allows(viewer_of(request), "recording.play"):
        return _refusal("lock", "forbidden", "warn", gettext("You may see this recording, but not listen to it."))
    if not recording.playable:
        words = gettext("No browser can play this recording as it is stored. Its original can be downloaded.")
        return _refusal("file-audio", "unplayable", "warn", words)
    if request.query_params.get("why") and (trouble := _trouble(request, recording)):
        return trouble
    lanes = parties.lanes_of(recording.parties, _channels(recording))
    return {
        "state": "ready",
        "media": f"/media/{recording.text_id}",
        "peaks": f"/media/{recording.text_id}/peaks?revision={recording.revision}" if _has_peaks(recording) else "",
        "lanes": [{"label": lane.label, "detail": lane.detail, "side": min(at, 1)} for at, lane in enumerate(lanes)],
        "events": [_event(each) for each in course.describe(recording.events, recording.parties)],
    }


def _event(happening: course.Happening) -> dict[str, Any]:
    return {
        "at_s": happening.at_s,
        "until_s": happening.until_s,
        "kind": happening.kind,
        "icon": happening.icon,
        "label": " · ".join(filter(None, (happening.what, happening.who))),
    }


def _trouble(request: Request, recording: RecordingDetail) -> dict[str, Any] | None:
    """Why the audio does not come, once the browser could not have it; None if it would come now."""
    problem = services_of(request).playback.problem(recording)
    if problem is None:
        return None
    if problem.away:
        return _refusal("archive", "away", "warn", problem.text)
    return _refusal("circle-x", "missing", "bad", gettext("The audio is not in any store any more."))


def _refusal(icon: str, state: str, shade: str, message: str) -> dict[str, Any]:
    return {"state": state, "icon": icon, "shade": shade, "message": message}


def _channels(recording: RecordingDetail) -> int:
    """How many the original keeps apart; what is played has the first of them left and all others right."""
    kept = (media.channels for media in recording.media if media.kind is MediaKind.ORIGINAL)
    form = _played_form(recording)
    played = form.channels if form else 1
    return max([played, *kept]) if played > 1 else 1


def _played_form(recording: RecordingDetail) -> Media | None:
    playable = [
        media
        for media in recording.media
        if media.browser_playable and media.copies and media.kind is not MediaKind.PARALLEL
    ]
    return max(playable, key=lambda media: media.kind is MediaKind.DERIVED, default=None)


def _has_peaks(recording: RecordingDetail) -> bool:
    return any(media.kind is MediaKind.PEAKS and media.copies for media in recording.media)


def _recorders(recording: RecordingDetail) -> list[int]:
    """The devices that recorded the call, the one whose recording it is first."""
    return list(dict.fromkeys((recording.device_id, *recording.other_devices)))


def _badges(recording: RecordingDetail, names: dict[int, str]) -> list[Badge]:
    badges = []
    if recording.sealed:
        badges.append(Badge("shield-check", gettext("Sealed with SHA-256"), "good"))
    if recording.mixed:
        badges.append(Badge("audio-waveform", gettext("All parties in one channel")))
    if recording.mixed is False:
        badges.append(Badge("audio-lines", gettext("Each party in its own channel")))
    if not recording.has_speech:
        badges.append(Badge("volume-x", gettext("No speech in it")))
    if recording.notice.kind is NoticeKind.NONE:
        badges.append(Badge("megaphone", gettext("The parties were not told"), "warn"))
    elif recording.notice.kind is not NoticeKind.UNKNOWN:
        badges.append(Badge("megaphone", gettext("The parties were told"), "good"))
    if len(recorders := _recorders(recording)) > 1:
        text = recorded_by([names.get(each, gettext("Deleted device")) for each in recorders])
        badges.append(Badge("layers", text, "good"))
    elif recording.origin_count > 1:
        badges.append(Badge("layers", gettext("Arrived {count} times").format(count=recording.origin_count)))
    if recording.legs > 1:
        badges.append(Badge("waypoints", gettext("One of {count} legs of this call").format(count=recording.legs)))
    return badges


def _forms(request: Request, recording: RecordingDetail, names: dict[int, str]) -> list[Form]:
    return [
        Form(
            icon="headphones" if media.kind is MediaKind.DERIVED else "file-audio",
            title=gettext(_FORMS[media.kind]),
            about=_about_media(request, media),
            copies=tuple(Copy(names.get(copy.store_id, ""), copy.key) for copy in media.copies),
            absence=gettext("It added nothing and was not kept; its checksum stays.")
            if media.kind is MediaKind.PARALLEL
            else gettext("Not kept by policy; its checksum stays."),
        )
        for media in recording.media
        if media.kind in _FORMS
    ]


def _about_media(request: Request, media: Media) -> str:
    language = language_of(request)
    words = [
        media.codec.upper() or media.container,
        f"{media.sample_rate_hz / 1000:g} kHz" if media.sample_rate_hz else "",
        _channels_in_words(media.channels or 0),
        language.size(media.size_bytes),
    ]
    return " · ".join(word for word in words if word)


def _channels_in_words(count: int) -> str:
    named = {0: "", 1: gettext("mono"), 2: gettext("stereo")}
    return named[count] if count in named else ngettext("%(num)s channel", "%(num)s channels", count) % {"num": count}


def _downloads(request: Request, recording: RecordingDetail) -> list[Download]:
    downloads = []
    if any(media.kind is MediaKind.DERIVED and media.copies for media in recording.media):
        about = _about_media(request, next(media for media in recording.media if media.kind is MediaKind.DERIVED))
        downloads.append(Download(gettext("As played"), about, f"/media/{recording.text_id}/download"))
    originals = [media for media in recording.media if media.kind is MediaKind.ORIGINAL and media.copies]
    if originals:
        about = _about_media(request, originals[0])
        downloads.append(Download(gettext("Original"), about, f"/media/{recording.text_id}/original"))
    for media in recording.media:
        if media.kind is MediaKind.PARALLEL and media.copies:
            about = _about_media(request, media)
            address = f"/media/{recording.text_id}/parallel/{media.part}"
            downloads.append(Download(gettext(_FORMS[media.kind]), about, address))
    return downloads


def _notice(request: Request, recording: RecordingDetail) -> str:
    notice = recording.notice
    words = [gettext(NOTICES[notice.kind]), notice.by, language_of(request).stamp(notice.at) if notice.at else ""]
    return " · ".join(word for word in words if word)
