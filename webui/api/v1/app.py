"""The API as an application of its own, to be mounted under /api/v1."""

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.middleware import Middleware

import hub
from hub.app.services import Services
from webui.api.v1.bearer import BearerGate, Limits
from webui.api.v1.body_limit import BodyLimit
from webui.api.v1.cursors import Cursors
from webui.api.v1.document import complete
from webui.api.v1.failures import install, unexpected
from webui.api.v1.parts import Parts
from webui.api.v1.rate import RateLimit
from webui.api.v1.routes import (
    absent_calls,
    account,
    alarms,
    audit,
    events,
    health,
    hours,
    jobs,
    live_calls,
    plugins,
    preferences,
    quarantine,
    recordings,
    rules,
)
from webui.api.v1.routes.instances import SECTIONS, instances_router
from webui.api.v1.streams import OpenStreams
from webui.live import Live
from webui.security.failures import Failures

PREFIX = "/api/v1"
_REQUESTS_A_MINUTE = 1200
_STRANGERS_SHARE = 20

_ABOUT = """\
Everything that pages show and do, for programs.

Send an API token as `Authorization: Bearer rh_...`; make one on the account page. The browser's cookie does not count
here. What a token may do is its own list of permissions (`x-permission` of each operation); what it sees is what its
person sees.

- **Errors** are `application/problem+json` (RFC 9457); `errors` names each value that was not taken.
- **Lists** come in pages: follow `next`, or `Link: rel="next"`, as it is.
- **Changes** need `If-Match` with the ETag of what you have seen: 428 without, 412 if somebody else was faster.
- **POST** is safe to repeat with an `Idempotency-Key`: the same answer comes again for a day.
- **Ids** are texts of 13 characters, **moments** are ISO 8601 in UTC.
"""
_ROUTERS = (
    recordings.router,
    live_calls.router,
    *map(instances_router, SECTIONS),
    plugins.router,
    rules.router,
    hours.profiles,
    hours.calendars,
    absent_calls.router,
    quarantine.router,
    alarms.router,
    audit.router,
    preferences.router,
    account.router,
    health.router,
    jobs.router,
    events.router,
)


def create_api(services: Services, live: Live, requests_a_minute: int = _REQUESTS_A_MINUTE) -> FastAPI:
    """The API on the hub's services; its event streams come from `live`.

    requests_a_minute: of one token; one address without a valid token may make a twentieth of that.
    """
    limits = Limits(RateLimit(requests_a_minute), RateLimit(max(requests_a_minute // _STRANGERS_SHARE, 1)))
    api = FastAPI(
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(Failures, failure_page=unexpected),
            Middleware(BearerGate, find=services.tokens.find, limits=limits),
            Middleware(BodyLimit),
        ],
    )
    api.state.parts = Parts(services, Cursors(services.secrets), live, OpenStreams())
    api.state.repeats = services.repeats
    install(api)
    for router in _ROUTERS:
        api.include_router(router)
    api.openapi = describe  # type: ignore[method-assign]
    return api


@cache
def describe() -> dict[str, Any]:
    """The OpenAPI document, which is the same for every hub of this version."""
    everything = APIRouter()
    for router in _ROUTERS:
        everything.include_router(router)
    described = get_openapi(
        title="Recording Hub",
        version=hub.__version__,
        openapi_version="3.1.0",
        description=_ABOUT,
        routes=everything.routes,
        tags=[{"name": str(tag)} for router in _ROUTERS for tag in router.tags],
        servers=[{"url": PREFIX}],
    )
    return complete(described)
