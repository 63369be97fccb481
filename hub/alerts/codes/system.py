"""The hub's own parts."""

from hub.alerts.codes.alarm_code import AlarmCode
from hub.sdk import Severity

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
DATABASE_DOWN = AlarmCode(
    code="DATABASE_DOWN",
    severity=Severity.CRITICAL,
    title="Database away",
    text="The database did not answer: {reason}.",
    hint="Recordings wait safely in the spool while it is away.",
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
    text="{jobs} jobs of kind {kind} were given up after many attempts; the last one: {reason}.",
    one="A job of kind {kind} was given up after many attempts: {reason}.",
    hint="Remove the cause, then let them run again.",
)
JOBS_LATE = AlarmCode(
    code="JOBS_LATE",
    severity=Severity.WARNING,
    title="Background work is late",
    text="{jobs} jobs wait longer than {minutes} minutes for a worker.",
    one="A job waits longer than {minutes} minutes for a worker.",
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
    text="{lost} alarms could not be kept while the database was away.",
    one="An alarm could not be kept while the database was away.",
    hint="The log of that time names each of them.",
    lasting=False,
)
