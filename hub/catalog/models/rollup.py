"""Sums by day and month, kept in the transaction that changes a recording."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId


class RollDay(Model):
    """How many recordings and how long, by local day (YYYYMMDD), device, owner and direction."""

    __tablename__ = "roll_day"
    __table_args__ = ({"sqlite_with_rowid": False},)

    day: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_kind: Mapped[str] = mapped_column(String(24), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    direction: Mapped[str] = mapped_column(String(24), primary_key=True)
    n: Mapped[int] = mapped_column(BigId)
    duration_ms: Mapped[int] = mapped_column(BigId)


class RollMonth(Model):
    """The same by local month (YYYYMM)."""

    __tablename__ = "roll_month"
    __table_args__ = ({"sqlite_with_rowid": False},)

    month: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_kind: Mapped[str] = mapped_column(String(24), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    direction: Mapped[str] = mapped_column(String(24), primary_key=True)
    n: Mapped[int] = mapped_column(BigId)
    duration_ms: Mapped[int] = mapped_column(BigId)
