"""Audio and its waveform for the player, and files to take away."""

from starlette.requests import Request
from starlette.responses import Response

from hub.access.permissions import require
from hub.vault.stream import FileMissing, StoreAway
from webui.language import gettext
from webui.media import media_response
from webui.pages.recording import recording_id
from webui.reach import services_of, shows, viewer_of
from webui.security import actor_of

NOT_FOUND, UNAVAILABLE = 404, 503
_LEVELS = 3
_DAY = "private, max-age=86400"


@shows("recording.play")
def play(request: Request) -> Response:
    """The audio in a form that browsers play; a replay is audited once, however many ranges it takes."""
    services = services_of(request)
    recording = services.reader.note_replay(viewer_of(request), recording_id(request), actor_of(request))
    return media_response(request, services.playback.open(recording, "play"), form="play", download=False)


@shows("recording.download")
def download(request: Request) -> Response:
    """The same audio, to be saved; every download is audited."""
    services = services_of(request)
    recording = services.reader.note_download(viewer_of(request), recording_id(request), actor_of(request), "play")
    return media_response(request, services.playback.open(recording, "play"), form="play", download=True)


@shows("recording.download")
def original(request: Request) -> Response:
    """The bytes as the PBX delivered them, to be saved; every download is audited."""
    services = services_of(request)
    recording = services.reader.note_download(viewer_of(request), recording_id(request), actor_of(request), "original")
    return media_response(request, services.playback.open(recording, "original"), form="original", download=True)


@shows("recording.download")
def parallel(request: Request) -> Response:
    """The bytes of another device that recorded the same call, to be saved; every download is audited."""
    services = services_of(request)
    recording = services.reader.note_download(viewer_of(request), recording_id(request), actor_of(request), "parallel")
    stream = services.playback.open(recording, "parallel", request.path_params["part"])
    return media_response(request, stream, form="original", download=True)


@shows("recording.list")
def peaks(request: Request) -> Response:
    """One level of the waveform."""
    require(viewer_of(request), "recording.play")
    level = request.query_params.get("level", "0")
    number = int(level) if level in ("0", "1", "2") else 0
    services = services_of(request)
    recording = services.reader.find(viewer_of(request), recording_id(request))
    content = services.playback.peaks(recording, number)
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": _DAY})


def file_missing(request: Request, failure: Exception) -> Response:
    """No store has it."""
    del request, failure
    return Response(gettext("The audio is not in any store any more."), NOT_FOUND, media_type="text/plain")


def store_away(request: Request, failure: Exception) -> Response:
    """No store that has it answers."""
    del request
    hint = failure.hint if isinstance(failure, StoreAway) else ""
    text = f"{failure} {hint}".strip()
    return Response(text, UNAVAILABLE, {"Retry-After": "10"}, media_type="text/plain")


HANDLERS = {FileMissing: file_missing, StoreAway: store_away}
