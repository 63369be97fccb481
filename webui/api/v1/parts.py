"""What every operation gets: the caller and the hub."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from hub.app.services import Services
from webui.api.v1.cursors import Cursors
from webui.api.v1.guarded import Caller, caller_of
from webui.api.v1.streams import OpenStreams
from webui.live import Live


@dataclass(frozen=True, slots=True)
class Parts:
    """The hub's services, and the API's own parts."""

    services: Services
    cursors: Cursors
    live: Live
    streams: OpenStreams


def parts_of(request: Request) -> Parts:
    """All of them."""
    return cast("Parts", request.app.state.parts)


def services_of(request: Request) -> Services:
    """The hub behind this request."""
    return parts_of(request).services


Asking = Annotated[Caller, Depends(caller_of)]
"""Who asks."""

Hub = Annotated[Services, Depends(services_of)]
"""The hub's services."""

Own = Annotated[Parts, Depends(parts_of)]
"""The API's own parts beside them."""
