"""Where recordings wait, rest and are set aside."""

from hub.alerts.codes.alarm_code import AlarmCode
from hub.sdk import Severity

STORAGE_DOWN = AlarmCode(
    code="STORAGE_DOWN",
    severity=Severity.MAJOR,
    title="Storage away",
    text="Storage {store} does not answer: {reason}.",
    hint="Recordings wait safely in the spool and are stored as soon as it is back.",
)
STORAGE_AUTH = AlarmCode(
    code="STORAGE_AUTH",
    severity=Severity.CRITICAL,
    title="Storage refuses the hub",
    text="Storage {store} refuses the hub's sign-in: {reason}.",
    hint="Enter new credentials on its page; recordings wait safely in the spool until then.",
)
STORAGE_FULL = AlarmCode(
    code="STORAGE_FULL",
    severity=Severity.CRITICAL,
    title="Storage full",
    text="Storage {store} is full: {reason}.",
    hint="Make room there or choose another primary storage; recordings wait in the spool until then.",
)
STORAGE_CHANGED = AlarmCode(
    code="STORAGE_CHANGED",
    severity=Severity.CRITICAL,
    title="Stored recording changed",
    text="{object} in storage {store} is not what the hub put there: {reason}.",
    hint="Keep it as it is, find out who can write there, and restore the recording from its other copy.",
)
SPOOL_STUCK = AlarmCode(
    code="SPOOL_STUCK",
    severity=Severity.MAJOR,
    title="Recordings wait in the spool",
    text="{items} recordings wait in the spool, the oldest since {since}: {reason}.",
    one="A recording waits in the spool since {since}: {reason}.",
    hint="Nothing is lost. Look for an open alarm of the storage or the database.",
)
SPOOL_FULL = AlarmCode(
    code="SPOOL_FULL",
    severity=Severity.CRITICAL,
    title="Spool full",
    text="The spool takes no recordings: {reason}.",
    hint="Free some space at once: devices keep their recordings until then, and some cannot keep many.",
)
QUARANTINE = AlarmCode(
    code="QUARANTINE",
    severity=Severity.MAJOR,
    title="Recordings in quarantine",
    text="{items} recordings of {device} could not be taken in; the last one: {reason}.",
    one="A recording of {device} could not be taken in: {reason}.",
    hint="The Quarantine page shows each with its reason; retry or download it there.",
)
