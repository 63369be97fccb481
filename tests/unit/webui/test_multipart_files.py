"""Files out of a form, however the body is cut."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request

from webui.multipart_files import FileBegins, FileEnds, file_pieces

BOUNDARY = "b7f"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def body_of(files, field=""):
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="note"\r\n\r\n{field}\r\n'.encode()]
    for name, content in files:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def read(body, cuts=(), content_type=FORM):
    """Name and content of each file of a body that arrives cut at these places."""
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    chunks = [body[begin:end] for begin, end in pairwise(places)]
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return messages.pop(0)

    async def collect():
        scope = {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}
        files = []
        async for piece in file_pieces(Request(scope, receive)):
            if isinstance(piece, FileBegins):
                files.append([piece.name, b"", False])
            elif isinstance(piece, FileEnds):
                files[-1][2] = True
            else:
                files[-1][1] += piece
        return files

    return asyncio.run(collect())


@given(
    st.lists(st.tuples(st.sampled_from(["a.pcap", "früh 深圳.pcap", "../x"]), st.binary(max_size=200)), max_size=4),
    st.lists(st.integers(0, 10_000), max_size=6),
)
def test_every_file_comes_out_whole_however_the_body_is_cut(files, cuts):
    assert read(body_of(files, "a field"), cuts) == [[name, content, True] for name, content in files]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=3))
def test_any_body_gives_files_or_a_bad_request(body, cuts):
    try:
        read(b"--b7f\r\n" + body, cuts)
    except HTTPException as refused:
        assert refused.status_code == 400


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "multipart/mixed; boundary=x"])
def test_what_is_no_form_is_refused(kind):
    with pytest.raises(HTTPException):
        read(b"", content_type=kind)


def test_a_file_that_breaks_off_has_no_end():
    body = body_of([("a.pcap", b"x" * 50)])
    try:
        files = read(body[:-30])
    except HTTPException:
        return
    assert files == [] or not files[-1][2]
