"""The first schema: people, devices, recordings, search, audit trail, alarms and jobs."""

from alembic import op

from hub.db.migrations.initial.access import create_access
from hub.db.migrations.initial.audit import create_audit
from hub.db.migrations.initial.audit_guard import create_audit_guard
from hub.db.migrations.initial.calls import create_calls
from hub.db.migrations.initial.operations import create_operations
from hub.db.migrations.initial.recordings import create_recordings
from hub.db.migrations.initial.search import create_search
from hub.db.migrations.initial.statistics import create_statistics
from hub.db.migrations.initial.trigram import create_trigrams

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    dialect = op.get_bind().dialect.name
    create_access()
    create_operations()
    create_recordings()
    create_search()
    create_trigrams(dialect)
    create_calls()
    create_audit()
    create_audit_guard(dialect)
    create_statistics(dialect)
