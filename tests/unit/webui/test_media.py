import io
from collections.abc import Iterator
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from hub.vault.stream import MediaStream
from webui.media import Span, Unsatisfiable, media_response, span_of

CONTENT = bytes(range(256)) * 2000
opened: list[io.BytesIO] = []


def _open(offset: int, length: int | None) -> BinaryIO:
    opened.append(io.BytesIO(CONTENT[offset:][:length]))
    return opened[-1]


def _serve(request: Request) -> Response:
    stream = MediaStream(
        size_bytes=len(CONTENT), content_type="audio/ogg", filename='Größe "1".opus', etag="abc", reader=_open
    )
    return media_response(request, stream, form="play", download="download" in request.query_params)


@pytest.fixture
def client() -> Iterator[TestClient]:
    opened.clear()
    with TestClient(Starlette(routes=[Route("/m", _serve)])) as client:
        yield client


def test_without_a_range_all_is_served(client: TestClient) -> None:
    answer = client.get("/m")
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "audio/ogg"
    assert opened[0].closed


@pytest.mark.parametrize(
    ("header", "content_range", "body"),
    [
        ("bytes=0-0", "0-0", CONTENT[:1]),
        ("bytes=100-199", "100-199", CONTENT[100:200]),
        ("bytes=511990-", "511990-511999", CONTENT[511990:]),
        ("bytes=-10", "511990-511999", CONTENT[-10:]),
        ("bytes=511990-9999999", "511990-511999", CONTENT[511990:]),
        ("bytes=-9999999", "0-511999", CONTENT),
    ],
)
def test_a_range_is_served_as_asked_for(client: TestClient, header: str, content_range: str, body: bytes) -> None:
    answer = client.get("/m", headers={"Range": header})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {content_range}/512000"
    assert answer.headers["content-length"] == str(len(body))
    assert answer.content == body


@pytest.mark.parametrize("header", ["bytes=512000-", "bytes=-0", "bytes=999999999999-"])
def test_a_range_behind_the_end_is_refused_with_the_size(client: TestClient, header: str) -> None:
    answer = client.get("/m", headers={"Range": header})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */512000"
    assert not opened


@pytest.mark.parametrize(
    "header", ["bytes=5-2", "bytes=-", "bytes=1-2,5-9", "lines=1-2", "bytes=a-b", "bytes=\u0661-\u0662"]
)
def test_what_is_no_single_range_gets_all_of_it(client: TestClient, header: str) -> None:
    answer = client.get("/m", headers={"Range": header.encode()})
    assert answer.status_code == 200
    assert answer.content == CONTENT


def test_a_range_of_a_changed_file_gets_all_of_it(client: TestClient) -> None:
    assert client.get("/m", headers={"Range": "bytes=0-1", "If-Range": '"abc"'}).status_code == 206
    assert client.get("/m", headers={"Range": "bytes=0-1", "If-Range": '"old"'}).status_code == 200


def test_head_tells_the_size_and_opens_nothing(client: TestClient) -> None:
    answer = client.head("/m")
    assert answer.headers["content-length"] == "512000"
    assert not opened


def test_the_name_is_safe_in_a_header(client: TestClient) -> None:
    named = client.get("/m?download=1").headers["content-disposition"]
    assert named == "attachment; filename=\"Gr__e _1_.opus\"; filename*=utf-8''Gr%C3%B6%C3%9Fe%20%221%22.opus"
    assert client.get("/m").headers["content-disposition"].startswith("inline;")


@given(st.text(alphabet="bytes=0123456789-, ", max_size=30), st.integers(min_value=0, max_value=10**9))
def test_any_header_gives_a_span_inside_the_file_or_none(header: str, size_bytes: int) -> None:
    try:
        span = span_of(header, size_bytes)
    except Unsatisfiable:
        return
    if span is not None:
        assert span.length > 0
        assert span.offset >= 0
        assert span.offset + span.length <= size_bytes


def test_the_last_bytes_of_a_short_file_are_all_of_it() -> None:
    assert span_of("bytes=-100", 10) == Span(0, 10)
