"""The catalog's tables; other floors read them only to write predicates (`hub.access.scope`)."""

from hub.catalog.models.call_detail import DetailNumber, StoredDetail
from hub.catalog.models.event import Event
from hub.catalog.models.live_call import LiveNumber, ShownCall
from hub.catalog.models.media import Media, Placement
from hub.catalog.models.origin import Mergeable, Origin
from hub.catalog.models.preference import Preference
from hub.catalog.models.recording import RawMetadata, Recording, Timeline
from hub.catalog.models.rollup import RollDay, RollMonth
from hub.catalog.models.same_call import SameCall, Take
from hub.catalog.models.words import Mention, Number, Party, Word

__all__ = [
    "DetailNumber",
    "Event",
    "LiveNumber",
    "Media",
    "Mention",
    "Mergeable",
    "Number",
    "Origin",
    "Party",
    "Placement",
    "Preference",
    "RawMetadata",
    "Recording",
    "RollDay",
    "RollMonth",
    "SameCall",
    "ShownCall",
    "StoredDetail",
    "Take",
    "Timeline",
    "Word",
]
