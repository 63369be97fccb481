"""Calls that go on: shown by the processes of sources, listed by the supervisor, steered and heard by the web."""
