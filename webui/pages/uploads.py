"""Files that people upload to a device, such as captures: each is handed to the running device, with a word on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anyio import CancelScope, to_thread

from hub.access.permissions import require
from hub.runtime.failure import PluginFailure, SupervisorAway
from hub.runtime.uploads import LONGEST_BYTES, UploadRefused, plain_name
from webui.language import gettext
from webui.multipart_files import FileBegins, FileEnds, file_pieces
from webui.pages.instances import instance_of
from webui.reach import services_of, viewer_of, web_of
from webui.security import actor_of
from webui.told import told

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from hub.runtime.instance import Instance
    from hub.runtime.uploads import Upload

BODY_BYTES = 2 * LONGEST_BYTES
_MOST_FILES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file."""

    name: str
    taken: bool
    text: str
    hint: str = ""


async def upload(request: Request) -> Response:
    """Take the files of a form over; answers with a line for each."""
    require(viewer_of(request), "device.upload")
    device = await to_thread.run_sync(instance_of, request)
    receiver = _Receiver(request, device)
    try:
        async for piece in file_pieces(request):
            await receiver.take(piece)
    finally:
        with CancelScope(shield=True):
            await receiver.close()
    context = {"outcomes": receiver.outcomes}
    return web_of(request).renderer.fragment(request, "devices/uploaded.html", **context)


def upload_context(request: Request, device: Instance) -> dict[str, Any]:
    """What the panel of a device's page shows; no names if it takes no files."""
    return {"upload_names": services_of(request).uploads.names_of(device)}


class _Receiver:
    """Writes the files of one request, one after the other."""

    def __init__(self, request: Request, device: Instance) -> None:
        self.outcomes: list[Outcome] = []
        self._device = device
        self._uploads = services_of(request).uploads
        self._actor = actor_of(request)
        self._upload: Upload | None = None

    async def take(self, piece: FileBegins | bytes | FileEnds) -> None:
        """Go on with the file at hand; one that is refused is read to its end and not kept."""
        if isinstance(piece, FileBegins):
            await self._begin(piece.name)
        elif self._upload is not None:
            try:
                if isinstance(piece, bytes):
                    await to_thread.run_sync(self._upload.write, piece)
                else:
                    await to_thread.run_sync(self._uploads.hand_over, self._device, self._upload, self._actor)
                    await self._finish(taken=True, text=gettext("Taken over"))
            except (UploadRefused, PluginFailure, SupervisorAway) as refused:
                await self._finish(taken=False, text=told(str(refused)), hint=told(refused.hint))
            except OSError as failed:
                await self._finish(taken=False, text=gettext("It could not be kept: ") + str(failed.strerror))

    async def close(self) -> None:
        """Forget a file whose end never came."""
        if self._upload is not None:
            await to_thread.run_sync(self._upload.discard)

    async def _begin(self, name: str) -> None:
        if len(self.outcomes) >= _MOST_FILES:
            many = Outcome(name=plain_name(name), taken=False, text=gettext("Too many files at once."))
            self.outcomes[_MOST_FILES:] = [many]
            return
        try:
            self._upload = await to_thread.run_sync(self._uploads.begin, self._device, name)
        except UploadRefused as refused:
            text, hint = told(str(refused)), told(refused.hint)
            self.outcomes.append(Outcome(name=plain_name(name), taken=False, text=text, hint=hint))

    async def _finish(self, **what: Any) -> None:
        upload, self._upload = self._upload, None
        if upload is not None:
            self.outcomes.append(Outcome(name=upload.name, **what))
            await to_thread.run_sync(upload.discard)
