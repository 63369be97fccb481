"""RTP and what goes with it: packets as columns, runs on the sender's clock, quality, events."""
