"""A recorder for every SIP PBX: SIPREC, mirrored traffic, capture files and forked calls."""
