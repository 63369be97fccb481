"""SIP recording (RFC 7865, RFC 7866): bodies in parts, metadata, and what a recording session says of its call."""
