import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.siprec.markup import MARKUP_BYTES_MAX, BadMetadata, read_markup
from plugins.pbx_sip.siprec.metadata import Metadata
from plugins.pbx_sip.siprec.reader import FIELDS_MAX, read_metadata

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><recording>&c;</recording>"""


def test_names_are_read_without_prefixes_whether_declared_or_not():
    root = read_markup(b"<tns:a xmlns='u' tns:id='1'><b:c d='2'> x <e/>y </b:c></tns:a>")
    assert (root.name, root.attributes) == ("a", {"id": "1"})
    assert (root.children[0].name, root.children[0].text) == ("c", "x y")


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n <?xml version='1.0' encoding='UTF-8'?><a>B\xc3\xbcro</a>\r\n \0",
        b"\xef\xbb\xbf<a>B\xc3\xbcro</a>",
        b"<?xml version='1.0' encoding='UTF-8'?><a>B\xfcro</a>",
        b"<?xml version='1.0' encoding='ISO-8859-1'?><a>B\xfcro</a>",
        b"<a>B\xc3\xbcro</a>--boundary--",
        b"<a>B\xc3\xbcro\x01</a>",
    ],
)
def test_blanks_marks_and_wrong_encodings_are_mended(data):
    assert read_markup(data).text == "B\xfcro"


@pytest.mark.parametrize("declared", ["UTF-16", "UTF-8", "ISO-8859-1"])
@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(("before", "behind"), [("", b""), ("\r\n ", b"\0"), ("", b"\r\n")])
def test_two_bytes_a_letter_are_read_whatever_the_document_says_of_itself(declared, coding, before, behind):
    text = f"{before}<?xml version='1.0' encoding='{declared}'?><a>B\xfcro & \u4e2d</a>"
    assert read_markup(text.encode(coding) + behind).text == "B\xfcro & \u4e2d"


def test_two_bytes_a_letter_are_read_though_the_last_byte_is_missing():
    assert read_markup("<a>B\xfcro</a>".encode("utf-16-le")[:-1]).text == "B\xfcro"


def test_two_bytes_a_letter_hide_no_entities():
    with pytest.raises(BadMetadata, match="document type"):
        read_markup(LAUGHS.decode().encode("utf-16-be"))


def test_letters_of_windows_are_read_beside_those_of_utf8():
    assert read_markup(b"<a>B\xc3\xbcro \x93M\xfcller\x94</a>").text == "B\xfcro \u201cM\xfcller\u201d"


def test_a_bare_ampersand_is_text():
    assert read_markup(b"<a b='x&y'>Smith & Sons &amp; &#38; Co</a>").text == "Smith & Sons & & Co"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (LAUGHS, "document type"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "document type"),
        (b"<a>" * 40 + b"</a>" * 40, "nested deeper"),
        (b"<a>" * 80_000, "nested deeper"),
        (b"<a>" + b"<b/>" * 6000 + b"</a>", "elements"),
        (b"<a b='" + b"x" * 5000 + b"'/>", "attribute of 5000"),
        (b"<a " + b" ".join(b"a%d='1'" % n for n in range(100)) + b"/>", "100 attributes"),
        (b"<" + b"x" * 500 + b"/>", "name of 500"),
        (b"<a/>" + b" " * MARKUP_BYTES_MAX, "longer"),
        (b"<a><b></a>", "not well formed"),
        (b"<a>", "not well formed"),
        (b"hello", "not well formed"),
        (b"  ", "empty"),
    ],
)
def test_what_is_harmful_or_broken_is_refused_with_a_reason(data, why):
    with pytest.raises(BadMetadata, match=why):
        read_markup(data)


def test_the_largest_hostile_metadata_is_refused_or_read_in_a_moment():
    started = time.monotonic()
    for unit in (b"<session id='a'/>", b"<x>&", b"&", b"<participant><send>a</send></participant>", b"<a b='c'/>"):
        data = b"<recording>" + (unit * MARKUP_BYTES_MAX)[: MARKUP_BYTES_MAX - 30] + b"</recording>"
        try:
            read_metadata(data)
        except BadMetadata:
            continue
    assert time.monotonic() - started < 5


def test_extensions_are_bounded_in_number_and_length():
    fields = b"".join(b"<f%d>v</f%d>" % (n, n) for n in range(2000))
    metadata = read_metadata(b"<recording>" + fields + b"<long>" + b"x" * 9000 + b"</long></recording>")
    assert len(metadata.extensions) == FIELDS_MAX
    assert len(read_metadata(b"<recording><l>" + b"x" * 9000 + b"</l></recording>").extensions["l"]) == 2048


def test_xml_of_another_kind_is_no_metadata():
    with pytest.raises(BadMetadata, match="<presence>"):
        read_metadata(b"<presence/>")


NAMES = st.sampled_from(
    [
        *("recording", "datamode", "session", "participant", "stream", "nameID", "name", "aor", "send", "recv", "id"),
        *("participantstreamassoc", "participantsessionassoc", "sessionrecordingassoc", "group", "extensiondata"),
        *("label", "x:y"),
    ]
)
KEYS = st.sampled_from(["id", "session", "session_id", "participant_id", "stream_id", "aor", "parent", "a:b"])
TREES = st.recursive(
    st.sampled_from(["", "text", "&amp;", "2010-12-16T23:41:07Z", "partial", "&#233;", "9999-12-31T23:59:59-23:59"]),
    lambda inner: st.builds(
        lambda name, attributes, children: (
            f"<{name}{''.join(f' {key}={value!r}' for key, value in attributes.items())}>{''.join(children)}</{name}>"
        ),
        NAMES,
        st.dictionaries(KEYS, st.sampled_from(["", "1", "2", "sip:1@x"]), max_size=3),
        st.lists(inner, max_size=4),
    ),
    max_leaves=30,
)


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_any_tree_is_metadata_or_is_refused(tree):
    assert isinstance(read_metadata(f"<recording>{tree}</recording>".encode()), Metadata)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="<>/a='\"&;![]?x-", max_size=100).map(str.encode))
def test_any_bytes_are_metadata_or_are_refused(data):
    try:
        read_metadata(data)
    except BadMetadata:
        return
