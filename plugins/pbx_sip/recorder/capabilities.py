"""What we say of ourselves in header fields."""

from plugins.pbx_sip.sip.headers import Field
from plugins.pbx_sip.siprec.contents import METADATA_TYPE, SDP_TYPE

METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REGISTER"
BODIES = f"{SDP_TYPE}, {METADATA_TYPE}, application/rs-metadata, multipart/mixed"
REQUIRABLE = frozenset({"siprec", "timer", "100rel"})
"""Option tags that a client may require; 100rel because every answer of ours is final."""


def describe(server_name: str) -> tuple[Field, ...]:
    """The fields of every answer that may say what we can do."""
    return ("Allow", METHODS), ("Accept", BODIES), ("Supported", "siprec, timer"), ("Server", server_name)
