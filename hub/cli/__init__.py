"""The `recording-hub` command, one file per command."""
