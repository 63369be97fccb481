"""What was set aside: why, since when, and the ways back."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BeforeValidator, Field

from hub.ingest.quarantine import NotInQuarantine, Room
from hub.vault.stream import MediaStream
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.problem import ApiError
from webui.api.v1.schemas.shape import Out
from webui.api.v1.values import Id, Moment
from webui.media import media_response

router = APIRouter(route_class=GuardedRoute, prefix="/quarantine", tags=["Quarantine"])

_LISTED = 500
_BYTES = {
    200: {
        "description": "The bytes as they came; they may be anything.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
ItemId = Annotated[
    str,
    Path(pattern="^[0-9a-f]{64}(~[0-9]{1,4})?$", description="The item.", examples=["0" * 64]),
]


class ReasonOut(Out):
    """Why something was set aside."""

    code: str
    text: str
    hint: str = Field(description="What to do.")


class FileOut(Out):
    """One media file that can be downloaded."""

    name: str
    size_bytes: int


def _device_of(instance_id: int | None) -> int | None:
    return instance_id or None


class ItemOut(Out):
    """One entry that was set aside."""

    id: str
    device_id: Annotated[Id | None, BeforeValidator(_device_of)] = Field(
        validation_alias="instance_id", description="The device that brought it; null where that cannot be read."
    )
    origin_name: str = Field(description="What the source called it.")
    reason: ReasonOut
    room: Room = Field(description="Where on its way it was stopped.")
    since: Moment
    received_at: Moment | None
    files: list[FileOut]


class ItemList(Out):
    """The newest items, at most 500."""

    items: list[ItemOut]
    count: int = Field(description="How many there are in all.")


@router.get("", **operation("listQuarantine", "List items in quarantine", "quarantine.list"))
def list_items(hub: Hub) -> ItemList:
    """What was set aside, the newest first."""
    items = [ItemOut.model_validate(item) for item in hub.quarantine.list(_LISTED)]
    return ItemList(items=items, count=hub.quarantine.count())


@router.get("/{id}", **operation("getQuarantined", "Get an item in quarantine", "quarantine.list", errors=[404]))
def get_item(id: ItemId, hub: Hub) -> ItemOut:
    """One item."""
    try:
        return ItemOut.model_validate(hub.quarantine.get(id))
    except NotInQuarantine as gone:
        raise _gone(gone) from None


@router.post(
    "/{id}/retry",
    status_code=202,
    **operation("retryQuarantined", "Retry an item in quarantine", "quarantine.retry", errors=[404, 409]),
)
def retry_item(id: ItemId, caller: Asking, hub: Hub) -> None:
    """Send it on its way again, as if it had just come."""
    try:
        hub.quarantine.retry(id, caller.actor)
    except NotInQuarantine as gone:
        raise _gone(gone) from None


@router.get(
    "/{id}/files/{part}",
    response_class=Response,
    **operation(
        "downloadQuarantined",
        "Download a file in quarantine",
        "quarantine.download",
        errors=[404],
        responses=_BYTES,
    ),
)
def download_file(
    id: ItemId,
    part: Annotated[int, Path(ge=0, le=999, description="Which of its files, counted from 0.")],
    request: Request,
    caller: Asking,
    hub: Hub,
) -> Response:
    """The bytes of one file as they came. Every download is an audit line."""
    try:
        file, reader = hub.quarantine.open_file(id, part, caller.actor)
    except NotInQuarantine as gone:
        raise _gone(gone) from None
    stream = MediaStream(
        size_bytes=file.size_bytes,
        content_type="application/octet-stream",
        filename=file.name or "recording",
        etag=f"{id}-{part}",
        reader=lambda _offset, _length: reader,
    )
    return media_response(request, stream, form="quarantine", download=True, ranges=False)


def _gone(gone: NotInQuarantine) -> ApiError:
    return ApiError(404, "not-found", str(gone), hint=gone.hint)
