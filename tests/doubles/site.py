"""The web application on a free port, in a thread, over the services that a test gives it."""

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn

from hub.app.services import Services
from tests.doubles.hub import until
from webui.app import create_app
from webui.language import Languages


class Site:
    """Starts and stops it; `address` is where browsers find it, token: of one that is signed in."""

    def __init__(self, services: Services, languages: Languages | None = None, token: str = "") -> None:
        self.token = token
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.services = services
        config = services.config.model_copy(update={"public_url": self.address})
        app = create_app(services, config, languages=languages)
        settings = uvicorn.Config(app, log_level="warning", log_config=None, timeout_graceful_shutdown=2, ws="none")
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def start(self) -> Self:
        """Serve."""
        self._thread.start()
        until(lambda: self._server.started, 20, "the site")
        return self

    def stop(self) -> None:
        """Serve no more."""
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
