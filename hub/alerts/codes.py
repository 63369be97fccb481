"""Every alarm code of the hub and its own plug-ins, with the words that people read.

Codes of the older system keep their names; their texts are tidied. One code may have several texts. A plug-in from
elsewhere may raise codes that are not listed here.
"""

from dataclasses import dataclass
from string import Formatter

from hub.sdk import Alarm, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCode:
    """What one alarm says. text: has {facts} in braces.

    lasting: a condition, open until it is over; otherwise something that happened, open until somebody acknowledges it.
    """

    code: str
    severity: Severity
    title: str
    text: str
    hint: str = ""
    lasting: bool = True

    @property
    def facts(self) -> tuple[str, ...]:
        """What the text needs to know, by name."""
        return tuple(name for _, name, _, _ in Formatter().parse(self.text) if name)

    def alarm(self, key: str, **facts: object) -> Alarm:
        """The alarm to raise; `key` is the same for the same trouble. A fact may be a whole sentence with its stop.

        Raises: KeyError for a fact that the text needs and was not given.
        """
        plain = {name: str(fact).removesuffix(".") for name, fact in facts.items()}
        return Alarm(key=key, code=self.code, severity=self.severity, text=self.text.format_map(plain), hint=self.hint)


DISK_SPACE_UNKNOWN = AlarmCode(
    code="DISK_SPACE_ERROR",
    severity=Severity.MAJOR,
    title="Free space unknown",
    text="The free disk space of {folder} cannot be determined: {reason}.",
    hint="Check that the disk is mounted and that the hub's user may read the folder.",
)
DISK_SPACE_LOW = AlarmCode(
    code="DISK_SPACE_ERROR",
    severity=Severity.CRITICAL,
    title="Disk almost full",
    text="There is not enough space on the local disk that holds {folder}: {needed_gb} GB must be freed.",
    hint="Free some space, enlarge the disk, or archive and delete old recordings.",
)
FILE_RENAME_FAILED = AlarmCode(
    code="DISK_SPACE_ERROR",
    severity=Severity.MAJOR,
    title="File not renamed",
    text="File {file} cannot be renamed to {target}: {reason}.",
    hint="Check the free space and the permissions of the folder.",
)
FILE_PARSE_ERROR = AlarmCode(
    code="FILE_PARSE_ERROR",
    severity=Severity.MINOR,
    title="File not understood",
    text="File {file} cannot be read: {reason}.",
    hint="The original is kept and catalogued. `recording-hub vrl-inspect` shows what is in such a file; an encrypted "
    "one needs encryption switched off at its source. The filter Problems of the list finds all such recordings.",
    lasting=False,
)
FILE_ENCODE_ERROR = AlarmCode(
    code="FILE_ENCODE_ERROR",
    severity=Severity.MINOR,
    title="File not converted",
    text="File {file} cannot be converted from {codec} to {target}: {reason}.",
    hint="The original is kept, and played as it is where a browser can.",
    lasting=False,
)
CONFIGURATION_ERROR = AlarmCode(
    code="CONFIGURATION_ERROR",
    severity=Severity.MAJOR,
    title="Invalid setting",
    text="The setting {attribute} of {subject} is invalid: {reason}.",
    hint="Correct it on the page of the device or store; nothing has to be restarted.",
)
SYSTEM_STARTED = AlarmCode(
    code="SYSTEM_RESTART",
    severity=Severity.INFORMATION,
    title="Started",
    text="Recording Hub was started at {time}.",
    lasting=False,
)
SYSTEM_RESTARTED = AlarmCode(
    code="SYSTEM_RESTART",
    severity=Severity.WARNING,
    title="Restarted after a crash",
    text="Recording Hub was restarted at {time}; it had not been shut down before.",
    hint="If nobody pulled the plug, look at the log from before this time.",
    lasting=False,
)
SYSTEM_STOPPED = AlarmCode(
    code="SYSTEM_RESTART",
    severity=Severity.INFORMATION,
    title="Shut down",
    text="Recording Hub was shut down at {time}.",
    lasting=False,
)
FILE_DELETE_FAILED = AlarmCode(
    code="FILE_ERROR",
    severity=Severity.WARNING,
    title="Files not deleted",
    text="{files} file(s) in {folder} cannot be deleted: {reason}.",
    hint="Give the hub's user the right to delete there, or set the device to leave its files.",
)
FILE_COPY_FAILED = AlarmCode(
    code="FILE_ERROR",
    severity=Severity.MAJOR,
    title="File not copied",
    text="File {file} cannot be copied to {target}: {reason}.",
    hint="The hub tries again by itself; check the disk and the permissions if it lasts.",
)
SERVICE_START_FAILED = AlarmCode(
    code="INTERNAL_SERVICE_ERROR",
    severity=Severity.CRITICAL,
    title="Internal service not started",
    text="The internal service {service} could not be started at {time}: {reason}.",
    hint="The hub tries again by itself; the log has more.",
)
SERVICE_STOP_FAILED = AlarmCode(
    code="INTERNAL_SERVICE_ERROR",
    severity=Severity.WARNING,
    title="Internal service not stopped",
    text="The internal service {service} could not be stopped at {time} and was killed.",
    hint="Nothing is lost by it. If it happens often, the log has more.",
)
CONFIGURATION_CHANGED = AlarmCode(
    code="CONFIGURATION_CHANGED",
    severity=Severity.INFORMATION,
    title="Configuration changed",
    text="The configuration was changed: {what}.",
    hint="The audit trail says by whom.",
    lasting=False,
)

DEVICE_DOWN = AlarmCode(
    code="DEVICE_DOWN",
    severity=Severity.MAJOR,
    title="Device does not work",
    text="Device {device} does not work: {reason}.",
    hint="The device's page says more; its Test button tries it at once.",
)
DEVICE_AUTH = AlarmCode(
    code="DEVICE_AUTH",
    severity=Severity.MAJOR,
    title="Sign-in refused",
    text="{device} cannot sign in: {reason}.",
    hint="Enter the right user name and password on its page; until then it is not tried again.",
)
DEVICE_SETTINGS = AlarmCode(
    code="DEVICE_SETTINGS",
    severity=Severity.MAJOR,
    title="Device needs other settings",
    text="{device} cannot work with its settings: {reason}.",
    hint="Correct them on its page; it starts by itself then.",
)
PLUGIN_PARKED = AlarmCode(
    code="PLUGIN_PARKED",
    severity=Severity.CRITICAL,
    title="Plug-in parked",
    text="{device} was parked after {crashes} crashes in {minutes} minutes: {reason}.",
    hint="Start it again on its page. If it crashes again, give its log to the plug-in's maker.",
)
PLUGIN_REFUSED = AlarmCode(
    code="PLUGIN_REFUSED",
    severity=Severity.MAJOR,
    title="Plug-in refused",
    text="Plug-in {plugin} of {distribution} was not loaded: {reason}.",
    hint="Install a version that fits this hub; the Plug-ins page says more.",
)
PLUGIN_MISSING = AlarmCode(
    code="PLUGIN_MISSING",
    severity=Severity.CRITICAL,
    title="Plug-in missing",
    text="{device} needs the plug-in {plugin}, which is not installed.",
    hint="Install it, or delete the device.",
)
PLUGIN_STATE_LOST = AlarmCode(
    code="PLUGIN_STATE_LOST",
    severity=Severity.WARNING,
    title="Plug-in lost its memory",
    text="The memory of this instance was damaged and has been set aside as {file}.",
    hint="Nothing is lost: what was submitted before is recognised and not taken twice.",
    lasting=False,
)
SMDR_LOST = AlarmCode(
    code="SMDR_LOST",
    severity=Severity.MAJOR,
    title="Call details do not arrive",
    text="The SMDR connection of {device} is lost: {reason}.",
    hint="Check the network and the SMDR settings of the PBX. It keeps only some hundreds to thousands of lines, then "
    "the oldest are gone.",
)
HANDOFF_CONTESTED = AlarmCode(
    code="HANDOFF_CONTESTED",
    severity=Severity.CRITICAL,
    title="Something else empties the hand-off folder",
    text="Files vanish from {folder} before the hub has taken them.",
    hint="Stop the other program, such as Media Manager: recordings that it takes never reach the hub.",
)
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
    hint="Nothing is lost. Look for an open alarm of the storage or the database.",
)
SPOOL_FULL = AlarmCode(
    code="SPOOL_FULL",
    severity=Severity.CRITICAL,
    title="Spool full",
    text="The spool takes no recordings: {reason}.",
    hint="Free some space at once: devices keep their recordings until then, and some cannot keep many.",
)
DATABASE_DOWN = AlarmCode(
    code="DATABASE_DOWN",
    severity=Severity.CRITICAL,
    title="Database away",
    text="The database did not answer: {reason}.",
    hint="Recordings wait safely in the spool while it is away.",
)
QUARANTINE = AlarmCode(
    code="QUARANTINE",
    severity=Severity.MAJOR,
    title="Recordings in quarantine",
    text="{items} recording(s) of {device} could not be taken in; the last one: {reason}.",
    hint="The Quarantine page shows each with its reason; retry or download it there.",
)
AUDIT_BROKEN = AlarmCode(
    code="AUDIT_BROKEN",
    severity=Severity.CRITICAL,
    title="Audit trail changed",
    text="The audit trail does not prove its own past: {reason}.",
    hint="Keep a copy of the database as it is, and find out who can write to it.",
)
JOB_DEAD = AlarmCode(
    code="JOB_DEAD",
    severity=Severity.MAJOR,
    title="Background work given up",
    text="{jobs} job(s) of kind {kind} were given up after many attempts; the last one: {reason}.",
    hint="Remove the cause, then let them run again.",
)
JOBS_LATE = AlarmCode(
    code="JOBS_LATE",
    severity=Severity.WARNING,
    title="Background work is late",
    text="{jobs} job(s) wait longer than {minutes} minutes for a worker.",
    hint="Check that a worker runs; on a busy system start another one.",
)
ALARMS_MANY = AlarmCode(
    code="ALARMS_MANY",
    severity=Severity.WARNING,
    title="Too many alarms",
    text="{source} has {limit} open alarms; further ones are only counted here. The last one: {last}.",
    hint="Acknowledge or remove what is listed; the further ones show then as they come again.",
)
ALARMS_LOST = AlarmCode(
    code="ALARMS_LOST",
    severity=Severity.WARNING,
    title="Alarms not kept",
    text="{lost} alarm(s) could not be kept while the database was away.",
    hint="The log of that time names each of them.",
    lasting=False,
)
MANDATORY_NOT_RECORDED = AlarmCode(
    code="MANDATORY_NOT_RECORDED",
    severity=Severity.CRITICAL,
    title="Mandatory call not recorded",
    text="{calls} call(s) of {device} that must be recorded were not, counted over 24 hours; the last one, by the rule "
    "{rule}: {reason}.",
    hint="The page Unrecorded calls lists each with what to do.",
    lasting=False,
)
MANDATORY_STOPPED = AlarmCode(
    code="MANDATORY_NOT_RECORDED",
    severity=Severity.CRITICAL,
    title="Mandatory call not recorded",
    text="The recording of a call that must be recorded by the rule {rule} was stopped after {length_s} s.",
    hint="Its timeline shows it; who stopped it under Live calls stands in the audit trail.",
    lasting=False,
)
CALLS_MISSING = AlarmCode(
    code="CALLS_MISSING",
    severity=Severity.WARNING,
    title="Calls without recording",
    text="{calls} call(s) of {device} should have been recorded and were not, counted over 24 hours; the last one: "
    "{reason}.",
    hint="The page Unrecorded calls lists each with what to do.",
    lasting=False,
)
PACKETS_LOST = AlarmCode(
    code="PACKETS_LOST",
    severity=Severity.MAJOR,
    title="Packets lost",
    text="{packets} packets were lost on the way into the recorder.",
    hint="Run `recording-hub capture check`: it says what to mend on this machine.",
)
MEDIA_WAITS = AlarmCode(
    code="MEDIA_WAITS",
    severity=Severity.CRITICAL,
    title="Media waits for the disk",
    text="The disk takes no media of calls that go on: it waits in memory.",
    hint="Make room on that disk, or mend it. When the memory is full, the oldest media is lost.",
)
MEDIA_REFUSED = AlarmCode(
    code="MEDIA_REFUSED",
    severity=Severity.WARNING,
    title="Media of a stranger",
    text="{host} sent media to a call without being part of it.",
    hint="If it is a media gateway of your telephone system, the system must name it in its sessions.",
)
MEDIA_PORT_TAKEN = AlarmCode(
    code="MEDIA_PORT_TAKEN",
    severity=Severity.MAJOR,
    title="Media port in use",
    text="Media port {port} cannot be used: {reason}.",
    hint="End the other program, or give the recorder another range of media ports.",
)
CLIENT_REFUSED = AlarmCode(
    code="CLIENT_REFUSED",
    severity=Severity.WARNING,
    title="Recording client refused",
    text="{host} was refused: {reason}.",
    hint="The alarm says what helps: mostly its address is missing under Telephone systems of the device.",
)
CALL_FAILED = AlarmCode(
    code="CALL_FAILED",
    severity=Severity.MAJOR,
    title="Call not put together",
    text="A call could not be put together ({reason}); its signalling and media are in {file}.",
    hint="Import the file again after an update, or give it to the makers of this plug-in.",
)
PBX_SILENT = AlarmCode(
    code="PBX_SILENT",
    severity=Severity.MAJOR,
    title="Telephone system silent",
    text="Nothing was heard of {host} since {moment}.",
    hint="Look whether it is switched on, and still has this recorder in its settings.",
)
PBX_UNREACHABLE = AlarmCode(
    code="PBX_UNREACHABLE",
    severity=Severity.MAJOR,
    title="Telephone system not reached",
    text="{host} does not answer pings any more.",
    hint="Look whether it is switched on, and may be pinged.",
)

CODES: tuple[AlarmCode, ...] = tuple(found for found in tuple(globals().values()) if isinstance(found, AlarmCode))
"""All of them, in this order."""

_HAPPENINGS = frozenset(found.code for found in CODES if not found.lasting)
_TITLES = {found.code: found.title for found in reversed(CODES)}


def is_lasting(code: str) -> bool:
    """Whether the code stands for a condition that ends by itself; unknown codes do."""
    return code not in _HAPPENINGS


def title_of(code: str) -> str:
    """A few words for the code, the code itself where it is not known."""
    return _TITLES.get(code, code)
