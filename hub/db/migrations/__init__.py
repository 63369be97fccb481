"""The schema's history: ordered steps, each runs once."""

HEAD = "0005"
"""The newest revision, so that a readiness check needs no Alembic."""
