"""How the hub opens a PostgreSQL database."""

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event

from hub.db.types import canonical_json

_CONNECT_TIMEOUT_S = 5
_STATEMENT_TIMEOUT_S = 60
_IDLE_TRANSACTION_TIMEOUT_S = 300


def postgres_engine(url: URL, *, pool_size: int, timeout_s: float) -> Engine:
    """An engine that notices when the server went away and came back."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size * 2,
        pool_timeout=timeout_s,
        pool_pre_ping=True,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "application_name": "recording-hub",
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        },
        json_serializer=canonical_json,
        query_cache_size=1000,
    )

    @event.listens_for(engine, "connect")
    def _limits(connection: Any, _record: Any) -> None:
        """By SET, not by start-up options: poolers in front of PostgreSQL refuse those."""
        connection.autocommit = True
        connection.execute(f"SET lock_timeout = '{timeout_s:.0f}s'")
        connection.execute(f"SET statement_timeout = '{_STATEMENT_TIMEOUT_S}s'")
        connection.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE_TRANSACTION_TIMEOUT_S}s'")
        connection.autocommit = False

    return engine
