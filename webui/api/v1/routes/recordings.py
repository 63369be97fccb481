"""Recordings: list, look, listen, take away."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.paging import Pager
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.schemas.recording import CountOut, RecordingDetailOut, RecordingOut, RecordingPage
from webui.api.v1.schemas.recording_filter import RecordingFilter, RecordingListQuery
from webui.api.v1.values import Id
from webui.media import media_response

router = APIRouter(route_class=GuardedRoute, tags=["Recordings"])

RecordingId = Annotated[Id, Path(description="The recording.")]

_RANGES = {
    "parameters": [
        {
            "name": "Range",
            "in": "header",
            "required": False,
            "description": "One range of bytes; several at once get all of it.",
            "schema": {"type": "string", "pattern": "^bytes=[0-9]+-[0-9]*$"},
            "example": "bytes=0-65535",
        }
    ]
}
_MEDIA = {
    200: {"description": "All of it.", "content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}}},
    206: {
        "description": "The range.",
        "content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}},
    },
}
_PEAKS = {
    200: {
        "description": "Peaks, in the hub's own layout.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class Level(StrEnum):
    """How fine: the whole in at most 4000 points, 10 or 25 points a second."""

    FIT = "fit"
    COARSE = "coarse"
    FINE = "fine"


@router.get("/recordings", **operation("listRecordings", "List recordings", "recording.list", errors=[400]))
def list_recordings(
    request: Request, response: Response, asked: Annotated[RecordingListQuery, Query()], caller: Asking, hub: Hub
) -> RecordingPage:
    """One page of the recordings that match, the newest first. A search is an audit line."""
    pager = Pager(request, response, caller, asked)
    window = pager.window()
    page = hub.reader.search(
        caller.person, asked.query(), caller.actor, before=window.before, after=window.after, limit=window.limit
    )
    return RecordingPage(**pager.shaped(page, RecordingOut.model_validate))


@router.get("/recordings/count", **operation("countRecordings", "Count recordings", "recording.list"))
def count_recordings(asked: Annotated[RecordingFilter, Query()], caller: Asking, hub: Hub) -> CountOut:
    """How many recordings match, exact up to 10,000."""
    return CountOut.model_validate(hub.reader.count(caller.person, asked.query()))


@router.get("/recordings/{id}", **operation("getRecording", "Get a recording", "recording.list", errors=[404]))
def get_recording(id: RecordingId, response: Response, caller: Asking, hub: Hub) -> RecordingDetailOut:
    """All that is known about one recording."""
    found = hub.reader.find(caller.person, id)
    response.headers["ETag"] = f'"{found.revision}"'
    return RecordingDetailOut.model_validate(found)


@router.get(
    "/recordings/{id}/media",
    response_class=Response,
    **operation(
        "playRecording",
        "Listen to a recording",
        "recording.play",
        errors=[404, 416],
        responses=_MEDIA,
        openapi_extra=_RANGES,
    ),
)
def play_recording(id: RecordingId, request: Request, caller: Asking, hub: Hub) -> Response:
    """The recording in a form that browsers play. A replay is an audit line, however many ranges it takes."""
    found = hub.reader.note_replay(caller.person, id, caller.actor)
    return media_response(request, hub.playback.open(found, "play"), form="play", download=False)


@router.get(
    "/recordings/{id}/original",
    response_class=Response,
    **operation(
        "downloadRecording",
        "Download the original",
        "recording.download",
        errors=[404, 416],
        responses=_MEDIA,
        openapi_extra=_RANGES,
    ),
)
def download_recording(id: RecordingId, request: Request, caller: Asking, hub: Hub) -> Response:
    """The bytes as the PBX delivered them. Every download is an audit line."""
    found = hub.reader.note_download(caller.person, id, caller.actor, "original")
    return media_response(request, hub.playback.open(found, "original"), form="original", download=True)


@router.get(
    "/recordings/{id}/peaks",
    response_class=Response,
    **operation("getPeaks", "Get the waveform", "recording.play", errors=[404], responses=_PEAKS),
)
def get_peaks(id: RecordingId, caller: Asking, hub: Hub, level: Level = Level.FIT) -> Response:
    """Minimum and maximum of each slice of the audio, for drawing; docs/peaks.md describes the bytes."""
    found = hub.reader.find(caller.person, id)
    return Response(hub.playback.peaks(found, list(Level).index(level)), media_type="application/octet-stream")
