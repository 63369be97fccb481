"""What the body of a SIP message brings to a recording session: a description of its media, metadata, or both.

Source: RFC 7866 section 9.1 (bodies of the recording session), RFC 9806 (application/rs-metadata+xml is the type).
"""

from dataclasses import dataclass
from functools import lru_cache

from plugins.pbx_sip.siprec.multipart import Part, split_body

SDP_TYPE = "application/sdp"
METADATA_TYPE = "application/rs-metadata+xml"
METADATA_TYPES = frozenset({METADATA_TYPE, "application/rs-metadata"})
SNAPSHOT_REQUEST_TYPE = "application/rs-metadata-request"
RECORDING_SESSION = "recording-session"

_BEFORE_MARKUP = b"\xef\xbb\xbf\xff\xfe \t\r\n\0"  # marks of byte order, blanks, half a letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The bodies of one message by what they are for; None where the message has none of the kind.

    others: parts of other kinds, such as application/gtd.
    """

    sdp: bytes | None = None
    metadata: bytes | None = None
    others: tuple[Part, ...] = ()


@lru_cache(maxsize=64)
def read_contents(body: bytes, content_type: str = "", disposition: str = "") -> Contents:
    """The bodies of a message in whatever order they stand; a part is known by its type, else by how it begins.

    The latest are remembered: one who answers a call and one who takes note of it read the same.

    Raises: BadMultipart.
    """
    sdp: bytes | None = None
    metadata: bytes | None = None
    others: list[Part] = []
    for part in split_body(body, content_type, disposition):
        if sdp is None and _is_sdp(part):
            sdp = part.body
        elif metadata is None and _is_metadata(part):
            metadata = part.body
        else:
            others.append(part)
    return Contents(sdp=sdp, metadata=metadata, others=tuple(others))


def _is_sdp(part: Part) -> bool:
    if part.content_type == SDP_TYPE:
        return True
    return part.content_type in {"", "text/plain"} and part.body.lstrip().startswith(b"v=0")


def _is_metadata(part: Part) -> bool:
    if part.content_type in METADATA_TYPES:
        return True
    if not part.body.lstrip(_BEFORE_MARKUP).startswith(b"<"):
        return False
    return part.disposition == RECORDING_SESSION or part.content_type in {"", "text/xml", "application/xml"}


def make_snapshot_request(reason: str) -> Part:
    """The part by which a recorder asks for all metadata anew.

    Source: RFC 7866 section 9.2.1 (srs-reason-line).
    """
    text = " ".join(reason.split())
    return Part(
        content_type=SNAPSHOT_REQUEST_TYPE, disposition=RECORDING_SESSION, body=f"SRS-Reason: {text}\r\n".encode()
    )
