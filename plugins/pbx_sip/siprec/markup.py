"""XML from strangers made into a small tree; namespaces and prefixes are left out, for vendors get them wrong.

The parser runs without namespaces, so that a prefix nobody declared is no error either.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml import DefusedXmlException
from defusedxml.sax import parseString

from plugins.pbx_sip.sip.text import make_readable

MARKUP_BYTES_MAX = 256 * 1024
ELEMENTS_MAX = 5000
DEPTH_MAX = 32
ATTRIBUTES_MAX = 64
ATTRIBUTE_CHARS_MAX = 4096
NAME_CHARS_MAX = 128
BARE_AMPERSAND = re.compile(r"&(?!(?:#[0-9]{1,7}|#x[0-9a-fA-F]{1,6}|[a-z]{2,4});)")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
DECLARATION = re.compile(r"\s*<\?xml[^>]{0,200}\?>")
BLANKS = b" \t\r\n\0"
MARK = b"\xef\xbb\xbf"
WIDE_CODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
WIDE_BLANKS = re.compile(rb"(?:[ \t\r\n]\0)+|(?:\0[ \t\r\n])+")


class BadMetadata(ValueError):
    """The metadata is not well formed, not harmless, or no recording metadata."""


@dataclass(slots=True)
class Element:
    """One element: its name without prefix, attributes by name without prefix, text without that of its children."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def attribute(self, *names: str) -> str:
        """The first of the attributes that has a value; names in lower case."""
        lower = {key.lower(): value.strip() for key, value in self.attributes.items()}
        return next((lower[name] for name in names if lower.get(name)), "")

    def named(self, *names: str) -> Iterator["Element"]:
        """The children of these names, in lower case."""
        return (child for child in self.children if child.name.lower() in names)

    def text_of(self, *names: str) -> str:
        """The text of the first child of these names that has any."""
        return next((child.text for child in self.named(*names) if child.text), "")


class _Builder(ContentHandler):
    """Puts the tree together and refuses what is too deep, too large or too many."""

    def __init__(self) -> None:
        super().__init__()
        self.root: Element | None = None
        self.is_complete = False
        self._open: list[tuple[Element, list[str]]] = []
        self._count = 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        self._count += 1
        if self._count > ELEMENTS_MAX:
            raise BadMetadata(f"XML of more than {ELEMENTS_MAX} elements is not read")
        if len(self._open) >= DEPTH_MAX:
            raise BadMetadata(f"XML nested deeper than {DEPTH_MAX} elements is not read")
        element = Element(name=_local(name), attributes=_read_attributes(attrs))
        if self._open:
            self._open[-1][0].children.append(element)
        else:
            self.root = element
        self._open.append((element, []))

    def characters(self, content: str) -> None:
        if self._open:
            self._open[-1][1].append(content)

    def endElement(self, name: str) -> None:  # noqa: ARG002, N802
        element, pieces = self._open.pop()
        element.text = "".join(pieces).strip()
        self.is_complete = not self._open


def _local(name: str) -> str:
    if len(name) > NAME_CHARS_MAX:
        raise BadMetadata(f"an XML name of {len(name)} characters is not read")
    return name.rpartition(":")[2]


def _read_attributes(attrs: AttributesImpl) -> dict[str, str]:
    if len(attrs) > ATTRIBUTES_MAX:
        raise BadMetadata(f"an XML element with {len(attrs)} attributes is not read")
    found: dict[str, str] = {}
    for name, value in attrs.items():
        if len(value) > ATTRIBUTE_CHARS_MAX:
            raise BadMetadata(f"an XML attribute of {len(value)} characters is not read")
        if name != "xmlns" and not name.startswith("xmlns:"):
            found.setdefault(_local(name), value)
    return found


def find_wide_coding(data: bytes) -> str:
    """The coding of XML of two bytes a character, by its mark or by the zeros beside its first ones; "" for others.

    Source: XML 1.0, appendix F.1.
    """
    blanks = WIDE_BLANKS.match(data)
    start = blanks.end() if blanks else 0
    return WIDE_CODINGS.get(data[start : start + 2], "")


def read_markup(data: bytes) -> Element:
    """The root of an XML document; what follows it is passed over.

    Two bytes a character are known without a mark too. Bare ampersands, control characters and bytes in another
    encoding than declared are mended in a second try.

    Raises: BadMetadata (too large; a document type or entities; not well formed).
    """
    if len(data) > MARKUP_BYTES_MAX:
        raise BadMetadata(f"XML of {len(data)} bytes is longer than is read")
    if coding := find_wide_coding(data):
        text = (data + b"\0" * (len(data) % 2)).decode(coding, "replace")
        data = DECLARATION.sub("", text.removeprefix("\ufeff"), count=1).encode("utf-8", "replace")
    bare = data.strip(BLANKS).removeprefix(MARK).lstrip(BLANKS)
    if not bare:
        raise BadMetadata("the XML is empty")
    try:
        return _parse(bare)
    except (SAXException, ValueError, LookupError) as error:
        if isinstance(error, BadMetadata):
            raise
    try:
        return _parse(_mend(bare))
    except (SAXException, ValueError, LookupError) as error:
        if isinstance(error, BadMetadata):
            raise
        raise BadMetadata(f"XML is not well formed: {_describe(error)}") from None


def _parse(data: bytes) -> Element:
    builder = _Builder()
    try:
        parseString(data, builder, forbid_dtd=True)
    except DefusedXmlException:
        raise BadMetadata("XML with a document type or entities is not read") from None
    except SAXException:
        if not builder.is_complete:
            raise
    if builder.root is None:
        raise BadMetadata("the XML has no element")
    return builder.root


def _mend(data: bytes) -> bytes:
    text = make_readable(data.decode("utf-8", "surrogateescape"))
    text = CONTROL.sub("", DECLARATION.sub("", text, count=1))
    return BARE_AMPERSAND.sub("&amp;", text).encode()


def _describe(error: Exception) -> str:
    place = f" in line {line}" if (line := getattr(error, "getLineNumber", lambda: None)()) else ""
    return f"{str(getattr(error, 'getMessage', lambda: error)())[:200]}{place}"
