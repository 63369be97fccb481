"""Where every table of the hub begins."""

from typing import ClassVar, cast

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Model(DeclarativeBase):
    """A typed table; names of keys and indexes follow one convention, so that migrations can name them."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING)

    @classmethod
    def table(cls) -> Table:
        """The table itself, for set-based statements."""
        return cast("Table", cls.__table__)
