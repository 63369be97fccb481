"""The one way in: spool, desk, quarantine."""
