"""The web process's application: pages, API and what stands in front of both."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from hub.access.errors import Forbidden, NotThere
from hub.access.permissions import allows
from hub.access.person import Person
from hub.alerts.alarm import SEVERITIES
from hub.app.services import Services
from hub.config import HubConfig
from hub.db.errors import DatabaseAway
from hub.ingest.quarantine import NotInQuarantine
from hub.ingest.spool import SpoolAway
from webui.api.mount import MountedApi, mount_api
from webui.assets import Assets
from webui.language import Languages
from webui.live import Live
from webui.pages import failures, media, probes
from webui.reach import Web
from webui.rendering import Renderer, Standing
from webui.routes import routes
from webui.security import SecuritySettings, middleware
from webui.timing import RequestTimes
from webui.viewing import HubZone, Viewing

_PROBES = (
    Route("/healthz", probes.alive),
    Route("/readyz", probes.ready),
    Route("/metrics", probes.metrics),
)


def create_app(services: Services, config: HubConfig, *, languages: Languages | None = None) -> Starlette:
    """The application of one hub.

    languages: what is installed, unless given.
    """
    assets = Assets()
    live = Live(services.db, services.reader)
    api = mount_api(services, live)
    spoken = languages or Languages()
    web = Web(
        services=services,
        config=config,
        renderer=Renderer(assets, spoken.named, lambda person: _standing(services, person), live.newest_id),
        assets=assets,
        languages=spoken,
        live=live,
    )
    guards = middleware(
        SecuritySettings(public_url=config.public_url, trusted_proxies=config.trusted_proxies),
        lambda token, counts: services.sessions.find(token, counts=counts),
        failures.broken,
    )
    app = Starlette(
        routes=[*api.routes, *_PROBES, *routes(assets)],
        middleware=[
            Middleware(RequestTimes),
            *guards,
            Middleware(Viewing, languages=spoken, hub_zone=HubZone(services.db)),
        ],
        exception_handlers={
            Forbidden: failures.forbidden,
            NotThere: failures.missing,
            NotInQuarantine: failures.missing,
            HTTPException: failures.refused,
            DatabaseAway: failures.away,
            SpoolAway: failures.spool_away,
            **media.HANDLERS,
        },
        lifespan=_lifespan(live, api),
    )
    app.state.web = web
    return app


def _standing(services: Services, person: Person) -> Standing:
    """What the bell and the sidebar count; a count that cannot be had now is left out, not the page with it."""
    counts = services.board.count_open() if allows(person, "alarm.list") else None
    quarantined = None
    if allows(person, "quarantine.list"):
        with suppress(SpoolAway):
            quarantined = services.quarantine.count()
    worst = max((severity for severity, n in (counts or {}).items() if n), key=SEVERITIES.index, default="")
    return Standing(None if counts is None else sum(counts.values()), str(worst), quarantined)


def _lifespan(live: Live, api: MountedApi) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        polling = asyncio.create_task(live.run())
        try:
            async with api.lifespan():
                yield
        finally:
            polling.cancel()
            with suppress(asyncio.CancelledError):
                await polling

    return lifespan
