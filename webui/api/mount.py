"""The API and its documentation as routes of the web application."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from hub.app.services import Services
from webui.api.docs import docs_page
from webui.api.v1.app import PREFIX, create_api
from webui.live import Live


@dataclass(frozen=True, slots=True)
class MountedApi:
    """Routes for the application, and what its lifespan has to enter: a mounted application gets none of its own."""

    routes: tuple[BaseRoute, ...]
    lifespan: Callable[[], AbstractAsyncContextManager[Any]]


class WholeMount(Mount):
    """A mount that also takes paths with line ends in them, so that their refusal has the API's own form."""

    def __init__(self, path: str, app: ASGIApp, name: str) -> None:
        super().__init__(path, app=app, name=name)
        self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)


def mount_api(services: Services, live: Live) -> MountedApi:
    """The API on the hub's services; its event streams come from `live`."""
    api = create_api(services, live, services.config.api_requests_per_minute)
    return MountedApi(
        routes=(WholeMount(PREFIX, app=api, name="api"), Route("/api/docs", docs_page, name="api-docs")),
        lifespan=lambda: api.router.lifespan_context(api),
    )
