"""The web process: pages and API over the hub's services."""

import gc
import threading
from importlib.metadata import entry_points
from typing import Any, cast

import structlog
import uvicorn

from hub.app.refusals import announce_refusals
from hub.app.services import Services, open_services
from hub.config import ConfigError, HubConfig
from hub.errors import HubError
from hub.observe import logging

_GROUP = "recording_hub.web"
_KEEP_ALIVE_S = 75  # longer than the usual proxy's, so that the proxy closes first
_LAST_ANSWERS_S = 5
_log = structlog.get_logger(__name__)


def run_web(config: HubConfig) -> int:
    """Serve pages and API until told to stop.

    Raises: ConfigError if no web UI is installed.
    """
    logging.configure(config)
    with open_services(config) as services:
        server = uvicorn.Server(
            uvicorn.Config(
                _load_app(services, config),
                host=config.bind,
                port=config.port,
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_LAST_ANSWERS_S,
            )
        )
        threading.Thread(target=_announce, args=(services,), name="refusals", daemon=True).start()
        gc.freeze()  # what was imported lives as long as the process
        server.run()
    return 0


def _announce(services: Services) -> None:
    try:
        announce_refusals(services.plugins, services.board)
    except HubError as exc:
        _log.warning("refusals.not_kept", reason=str(exc))


def _load_app(services: Services, config: HubConfig) -> Any:
    points = [point for point in entry_points(group=_GROUP) if point.dist and point.dist.name == "recording-hub"]
    if not points:
        raise ConfigError("No web UI is installed.", hint="Install recording-hub whole, or run another --role.")
    return cast("Any", points[0].load())(services, config)
