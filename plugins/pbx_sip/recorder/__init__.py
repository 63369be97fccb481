"""The SIP recorder: its server takes recording sessions (SIPREC, RFC 7866) and plain forked calls."""
