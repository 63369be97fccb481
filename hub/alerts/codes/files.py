"""Files and the disks that they lie on."""

from hub.alerts.codes.alarm_code import AlarmCode
from hub.sdk import Severity

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
FILE_DELETE_FAILED = AlarmCode(
    code="FILE_ERROR",
    severity=Severity.WARNING,
    title="Files not deleted",
    text="{files} files in {folder} cannot be deleted: {reason}.",
    one="A file in {folder} cannot be deleted: {reason}.",
    hint="Give the hub's user the right to delete there, or set the device to leave its files.",
)
FILE_COPY_FAILED = AlarmCode(
    code="FILE_ERROR",
    severity=Severity.MAJOR,
    title="File not copied",
    text="File {file} cannot be copied to {target}: {reason}.",
    hint="The hub tries again by itself; check the disk and the permissions if it lasts.",
)
