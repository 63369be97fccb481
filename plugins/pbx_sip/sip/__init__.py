"""SIP of our own: a tolerant reader, a strict writer, and the machines that carry messages (RFC 3261 and friends)."""
