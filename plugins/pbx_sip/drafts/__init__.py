"""A recorded call as the hub takes it: who, when, which way, one file with a channel for each side."""
