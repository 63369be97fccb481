"""A folder of this machine as storage."""
