import time
from base64 import b64encode
from quopri import encodestring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.siprec.contents import SNAPSHOT_REQUEST_TYPE, make_snapshot_request, read_contents
from plugins.pbx_sip.siprec.multipart import (
    BODY_BYTES_MAX,
    PARTS_MAX,
    BadMultipart,
    Part,
    parse_value,
    split_body,
    write_body,
)

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
XML = b"<recording><datamode>complete</datamode></recording>"
TWO_PARTS = (
    b"--b1\r\nContent-Type: application/sdp\r\n\r\n" + SDP + b"\r\n--b1\r\n"
    b"Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n"
    + XML
    + b"\r\n--b1--\r\n"
)


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/mixed;boundary=b1",
        'multipart/mixed; boundary="b1"',
        "Multipart/Mixed ; BOUNDARY = b1 ; x=y",
        "multipart/mixed",
        "multipart/mixed;boundary",
        "multipart/mixed;boundary=other",
        'multipart/mixed;boundary="b1',
        "multipart/related;type=x;boundary=b1",
        "",
    ],
)
def test_a_boundary_is_taken_as_given_or_guessed_from_the_body(content_type):
    first, second = split_body(TWO_PARTS, content_type)
    assert (first.content_type, first.body) == ("application/sdp", SDP)
    assert (second.content_type, second.disposition, second.body) == (
        "application/rs-metadata+xml",
        "recording-session",
        XML,
    )


def test_lines_may_end_with_line_feeds_alone():
    parts = split_body(TWO_PARTS.replace(b"\r\n", b"\n"), "multipart/mixed;boundary=b1")
    assert [part.body for part in parts] == [SDP.replace(b"\r\n", b"\n"), XML]


def test_spaces_may_follow_a_boundary():
    body = TWO_PARTS.replace(b"--b1\r\n", b"--b1 \t\r\n").replace(b"--b1--", b"--b1-- ")
    assert [part.body for part in split_body(body, "multipart/mixed;boundary=b1")] == [SDP, XML]


def test_what_stands_before_the_first_and_after_the_last_boundary_is_left_out():
    body = b"\r\nThis is a message in parts.\r\n\r\n" + TWO_PARTS + b"\r\nfarewell\r\n"
    for content_type in ("multipart/mixed;boundary=b1", "multipart/mixed"):
        assert [part.body for part in split_body(body, content_type)] == [SDP, XML]


def test_a_missing_closing_boundary_ends_the_last_part_with_the_body():
    body = TWO_PARTS.replace(b"\r\n--b1--\r\n", b"")
    assert split_body(body, "multipart/mixed;boundary=b1")[1].body == XML


def test_headers_of_a_part_may_be_many_odd_or_folded():
    body = (
        b"--b\r\nContent-Length:2012\r\nContent-Type:Application/RS-metadata+xml;\r\n charset=UTF-8\r\nX-Odd\r\n"
        b"MIME-Version : 1.0\r\n\r\n<a/>\r\n--b--"
    )
    (part,) = split_body(body, "multipart/mixed;boundary=b")
    assert part.content_type == "application/rs-metadata+xml"
    assert part.parameters == {"charset": "UTF-8"}


def test_a_part_without_headers_or_without_an_empty_line_after_them_keeps_its_body():
    assert split_body(b"--b\r\n\r\nv=0\r\n--b--", "multipart/mixed;boundary=b")[0].body == b"v=0"
    (part,) = split_body(b"--b\r\nContent-Type: application/sdp\r\nv=0\r\n--b--", "multipart/mixed;boundary=b")
    assert (part.content_type, part.body) == ("application/sdp", b"v=0")


def test_a_line_that_only_begins_like_the_boundary_ends_no_part():
    body = b"--b\r\n\r\n--bb\r\n x--b\r\n--b--"
    assert split_body(body, "multipart/mixed;boundary=b")[0].body == b"--bb\r\n x--b"


def test_a_body_without_parts_is_one_part():
    (part,) = split_body(XML, "application/rs-metadata+xml; charset=utf-8", "recording-session;handling=required")
    assert part == Part(
        content_type="application/rs-metadata+xml",
        parameters={"charset": "utf-8"},
        disposition="recording-session",
        body=XML,
    )
    assert split_body(b"\r\n", "application/sdp") == ()


def test_nested_parts_stand_in_the_place_of_what_held_them():
    inner_type, inner = write_body([Part(content_type="application/sdp", body=SDP)], "inner")
    name, parameters = parse_value(inner_type)
    gtd = Part(content_type="application/gtd", body=b"IAM,")
    outer_type, outer = write_body([gtd, Part(content_type=name, parameters=parameters, body=inner)], "outer")
    assert [part.content_type for part in split_body(outer, outer_type)] == ["application/gtd", "application/sdp"]


def test_what_is_nested_too_deep_stays_whole():
    content_type, body = "application/sdp", SDP
    for depth in range(8):
        name, parameters = parse_value(content_type)
        content_type, body = write_body([Part(content_type=name, parameters=parameters, body=body)], f"level{depth}")
    (part,) = split_body(body, content_type)
    assert part.content_type == "multipart/mixed"


def test_too_many_parts_and_too_long_bodies_are_refused():
    with pytest.raises(BadMultipart, match="parts"):
        split_body(b"--b\r\n\r\nx\r\n" * (PARTS_MAX + 1), "multipart/mixed;boundary=b")
    with pytest.raises(BadMultipart, match="longer"):
        split_body(b"x" * (BODY_BYTES_MAX + 1))


def test_the_largest_hostile_body_is_split_in_a_moment():
    started = time.monotonic()
    for line in (b"--b\n", b"--bx\n", b"--b", b"\n", b"--b\nA: b\n", b" a: b\n"):
        for start in (b"", b"--b\nA: b\n"):
            body = (start + line * BODY_BYTES_MAX)[:BODY_BYTES_MAX]
            try:
                split_body(body, "multipart/mixed;boundary=b")
            except BadMultipart:
                continue
    assert time.monotonic() - started < 3


def test_what_cannot_be_written_is_refused():
    with pytest.raises(BadMultipart):
        write_body([])
    with pytest.raises(BadMultipart):
        write_body([Part(content_type="a/b", body=b"")], 'odd"boundary')
    with pytest.raises(BadMultipart):
        write_body([Part(content_type="a/b\r\nX: y", body=b"")])


@pytest.mark.parametrize("swapped", [False, True])
def test_contents_are_found_in_any_order(swapped):
    parts = [
        Part(content_type="application/sdp", body=SDP),
        Part(content_type="application/gtd", body=b"IAM,"),
        Part(content_type="application/rs-metadata", body=XML),
    ]
    content_type, body = write_body(parts[::-1] if swapped else parts)
    contents = read_contents(body, content_type)
    assert (contents.sdp, contents.metadata) == (SDP, XML)
    assert [part.content_type for part in contents.others] == ["application/gtd"]


@pytest.mark.parametrize(("coding", "encode"), [("base64", b64encode), ("Quoted-Printable", encodestring)])
def test_contents_that_were_made_fit_for_mail_are_read_as_they_were(coding, encode):
    xml = XML.replace(b"complete", "complete=é".encode())
    part = TWO_PARTS.replace(b"+xml\r\n", b"+xml\r\nContent-Transfer-Encoding: " + coding.encode() + b"\r\n")
    contents = read_contents(part.replace(XML, encode(xml)), "multipart/mixed;boundary=b1")
    assert contents.metadata == xml


def test_contents_without_a_right_type_are_known_by_how_they_begin():
    assert read_contents(b"\r\n" + SDP).sdp == b"\r\n" + SDP
    assert read_contents(XML, "application/ +xml", "recording-session").metadata == XML
    assert read_contents(XML, "application/pidf+xml").metadata is None


def test_a_wish_for_a_snapshot_says_why_on_one_line():
    part = make_snapshot_request("recorder\r\nstarted again")
    assert part.content_type == SNAPSHOT_REQUEST_TYPE
    assert part.body == b"SRS-Reason: recorder started again\r\n"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.builds(Part, content_type=st.sampled_from(["", "application/sdp", "x/y"]), body=st.binary()), min_size=1
    )
)
def test_what_is_written_is_read_back(parts):
    content_type, body = write_body(parts[:PARTS_MAX])
    assert split_body(body, content_type) == tuple(parts[:PARTS_MAX])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"--b", b"--", b"\r\n", b"\n", b":", b"a", b" ", b'"', b"content-type:multipart/x;boundary=b"])
    ),
    st.text(max_size=40),
)
def test_any_body_is_split_or_refused(pieces, content_type):
    body = b"".join(pieces)
    for kind in ("multipart/mixed;boundary=b", content_type):
        try:
            parts = split_body(body, kind, content_type)
        except BadMultipart:
            continue
        assert sum(len(part.body) for part in parts) <= len(body)


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_metadata_of_two_bytes_a_letter_is_known_by_how_it_begins(coding):
    wide = XML.decode().encode(coding)
    assert read_contents(wide, "text/xml").metadata == wide
    assert read_contents(wide, "", "recording-session").metadata == wide
