"""Tables of people, their sign-ins and their tokens; no secret stands in them, only hashes."""

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Json


class PersonRow(Model):
    """Someone who may sign in.

    login: as typed at creation. login_key: its folded form, by which it is found.
    permissions: keys without the implied ones. revision: counts changes.
    """

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    login: Mapped[str] = mapped_column(String(128))
    login_key: Mapped[str] = mapped_column(String(128), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    password_changed_ms: Mapped[int] = mapped_column(BigId, default=0)
    is_administrator: Mapped[bool] = mapped_column(default=False)
    is_disabled: Mapped[bool] = mapped_column(default=False)
    permissions: Mapped[list[str]] = mapped_column(Json, default=list)
    locale: Mapped[str] = mapped_column(String(35), default="")
    timezone: Mapped[str] = mapped_column(String(64), default="")
    theme: Mapped[str] = mapped_column(String(16), default="auto")
    created_ms: Mapped[int] = mapped_column(BigId)
    revision: Mapped[int] = mapped_column(Integer, default=1)


class SessionRow(Model):
    """One signed-in browser; token_hash: SHA-256 of the cookie's token."""

    __tablename__ = "session"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_ms: Mapped[int] = mapped_column(BigId)
    last_seen_ms: Mapped[int] = mapped_column(BigId, index=True)
    address: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(255), default="")


class ApiTokenRow(Model):
    """One API token; token_hash: SHA-256 of the whole token. ending: its last letters, to tell tokens apart."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    ending: Mapped[str] = mapped_column(String(8))
    permissions: Mapped[list[str]] = mapped_column(Json)
    created_ms: Mapped[int] = mapped_column(BigId)
    expires_ms: Mapped[int] = mapped_column(BigId)
    last_used_ms: Mapped[int | None] = mapped_column(BigId)
    revoked_ms: Mapped[int | None] = mapped_column(BigId)


class SetupTokenRow(Model):
    """The one-time set-up link; a row that was used stays as the mark that set-up is over."""

    __tablename__ = "setup_token"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_ms: Mapped[int] = mapped_column(BigId)
    expires_ms: Mapped[int] = mapped_column(BigId)
    used_ms: Mapped[int | None] = mapped_column(BigId)


class ThrottleRow(Model):
    """Failed sign-ins under one key (a hash of an account, of an address, or of both)."""

    __tablename__ = "sign_in_throttle"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    last_ms: Mapped[int] = mapped_column(BigId, index=True)
    closed_until_ms: Mapped[int] = mapped_column(BigId)


class KnownAddressRow(Model):
    """An address from which an account has signed in; a stranger's failures elsewhere do not close it there."""

    __tablename__ = "known_address"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    seen_ms: Mapped[int] = mapped_column(BigId, index=True)


class RepeatRow(Model):
    """One request that carried an idempotency key, and its answer once there is one.

    answer: sealed text, since an answer may hold a secret shown once.
    """

    __tablename__ = "idempotency"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_ms: Mapped[int] = mapped_column(BigId, index=True)
    leased_until_ms: Mapped[int] = mapped_column(BigId)
    status: Mapped[int | None] = mapped_column(Integer)
    answer: Mapped[str | None] = mapped_column(Text)
