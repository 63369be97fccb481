"""What every operation gets: the caller and the hub."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from hub.app.services import Services
from webui.api.v1.cursors import Cursors
from webui.api.v1.guarded import Caller, caller_of


@dataclass(frozen=True, slots=True)
class Parts:
    """The hub's services, and the API's own parts."""

    services: Services
    cursors: Cursors


def services_of(request: Request) -> Services:
    """The hub behind this request."""
    return cast("Parts", request.app.state.parts).services


Asking = Annotated[Caller, Depends(caller_of)]
"""Who asks."""

Hub = Annotated[Services, Depends(services_of)]
"""The hub's services."""
