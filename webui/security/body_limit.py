"""How much a request may bring along, outside of the API, which answers in a form of its own."""

from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send


class PageBodyLimit(RequestBodyLimitMiddleware):
    """Starlette's limit for everything but the API; a route may set another one with `max_body_size`."""

    def __init__(self, app: ASGIApp, max_body_size: int, api_prefix: str) -> None:
        super().__init__(app, max_body_size)
        self.api_prefix = api_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Limit what is not for the API."""
        if scope["type"] == "http" and scope["path"].startswith(self.api_prefix):
            await self.app(scope, receive, send)
            return
        await super().__call__(scope, receive, send)
