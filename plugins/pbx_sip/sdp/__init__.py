"""Session descriptions (RFC 8866): reading, writing, answering and offering as a recorder, SDES keys."""
