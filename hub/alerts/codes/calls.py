"""Calls as they are recorded, or not, and the telephone systems that they come from."""

from hub.alerts.codes.alarm_code import AlarmCode
from hub.sdk import Severity

MANDATORY_NOT_RECORDED = AlarmCode(
    code="MANDATORY_NOT_RECORDED",
    severity=Severity.CRITICAL,
    title="Mandatory call not recorded",
    text="{calls} calls of {device} that must be recorded were not, counted over 24 hours; the last one, by the rule "
    "{rule}: {reason}.",
    one="A call of {device} was not recorded, though it must be by the rule {rule}: {reason}.",
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
    text="{calls} calls of {device} should have been recorded and were not, counted over 24 hours; the last one: "
    "{reason}.",
    one="A call of {device} should have been recorded and was not: {reason}.",
    hint="The page Unrecorded calls lists each with what to do.",
    lasting=False,
)
PACKETS_LOST = AlarmCode(
    code="PACKETS_LOST",
    severity=Severity.MAJOR,
    title="Packets lost",
    text="{packets} packets were lost on the way into the recorder.",
    one="A packet was lost on the way into the recorder.",
    hint="Run `recording-hub capture check`: it says what to mend on this machine.",
)
POOR_RECEPTION = AlarmCode(
    code="POOR_RECEPTION",
    severity=Severity.WARNING,
    title="Calls came in badly",
    text="A call came in badly ({call}).",
    hint="See whether the network or the mirror port is overloaded.",
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
