"""Requests are measured by the pattern of their route, so that there are as many series as routes."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from hub.observe.metrics import exposition
from webui.timing import RequestTimes


async def _answer(request: Request) -> Response:
    return PlainTextResponse(request.path_params.get("id", ""))


async def _broken(request: Request) -> Response:
    raise RuntimeError(request.url.path)


async def _news(request: Request) -> Response:
    async def lines():
        yield "data: 1\n\n"
        await asyncio.sleep(0)

    del request
    return StreamingResponse(lines(), media_type="text/event-stream")


@pytest.fixture
def site() -> TestClient:
    inner = Starlette(routes=[Route("/things/{id}", _answer)])
    routes = [Route("/r/{id}", _answer), Route("/broken", _broken), Route("/news", _news), Mount("/api", inner)]
    app = Starlette(routes=routes, middleware=[Middleware(RequestTimes)])
    return TestClient(app, raise_server_exceptions=False)


def _counted(route: str, method: str, status: int) -> bool:
    line = f'recording_hub_http_request_seconds_count{{method="{method}",route="{route}",status="{status}"}}'
    return line in exposition().decode()


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/r/17", "/r/{id}", 200),
        ("GET", "/api/things/17", "/api/things/{id}", 200),
        ("POST", "/r/17", "/r/{id}", 405),
        ("GET", "/nowhere/17", "none", 404),
        ("BREW", "/nowhere", "none", 404),
        ("GET", "/broken", "/broken", 500),
    ],
)
def test_a_request_counts_for_its_route_whatever_it_asked_for(site, method, path, route, status):
    site.request(method, path)
    assert _counted(route, method if method != "BREW" else "other", status)
    assert "/17" not in exposition().decode()


def test_a_stream_of_news_is_no_slow_request(site):
    assert site.get("/news").text == "data: 1\n\n"
    assert not _counted("/news", "GET", 200)
