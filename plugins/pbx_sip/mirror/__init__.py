"""The mirror: a device that records calls from a copy of a telephone system's traffic."""
