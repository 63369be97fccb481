"""Every table of the hub, gathered from the floors that own them."""

from sqlalchemy import MetaData

from hub.access import models as _access
from hub.alerts import models as _alerts
from hub.audit import models as _audit
from hub.catalog import models as _catalog
from hub.db.model import Model
from hub.jobs import models as _jobs
from hub.rules import models as _rules
from hub.runtime import models as _runtime

OWNERS = (_access, _alerts, _audit, _catalog, _jobs, _rules, _runtime)
"""The modules whose import declares the tables."""


def all_tables() -> MetaData:
    """The schema as the models declare it; migrations must lead to the same."""
    return Model.metadata
