"""What can be done, by the names that the audit trail keeps."""

from enum import StrEnum


class Action(StrEnum):
    """An act worth a line in the trail; the value is `subject.verb` and never changes its meaning."""

    SIGN_IN = "session.sign_in"
    SIGN_IN_FAILED = "session.sign_in_failed"
    SIGN_OUT = "session.sign_out"
    SETUP = "hub.setup"
    PERSON_ADD = "person.add"
    PERSON_CHANGE = "person.change"
    PASSWORD_CHANGE = "person.password_change"  # noqa: S105 - the name of an act
    SEARCH = "recording.search"
    REPLAY = "recording.replay"
    DOWNLOAD = "recording.download"
    DELETE = "recording.delete"
    EXPORT = "recording.export"
    SHARE = "recording.share"
    VERIFY = "recording.verify"
    INGEST = "recording.ingest"
    CALL_LISTEN = "call.listen"
    CALL_PAUSE = "call.pause"
    CALL_RESUME = "call.resume"
    CALL_STOP = "call.stop"
    CALL_KEEP = "call.keep"
    CALL_DISCARD = "call.discard"
    DETAILS_FILL = "recording.details_fill"
    QUARANTINE_RETRY = "quarantine.retry"
    QUARANTINE_DOWNLOAD = "quarantine.download"
    DEVICE_ADD = "device.add"
    DEVICE_CHANGE = "device.change"
    DEVICE_DELETE = "device.delete"
    DEVICE_TEST = "device.test"
    DEVICE_UPLOAD = "device.upload"
    SETTINGS_CHANGE = "settings.change"
    RULES_ADD = "rules.add"
    RULES_CHANGE = "rules.change"
    RULES_DELETE = "rules.delete"
    TOKEN_ADD = "token.add"  # noqa: S105 - the name of an act
    TOKEN_REVOKE = "token.revoke"  # noqa: S105 - the name of an act
    SECRETS_ROTATE = "secrets.rotate"
    ALARM_ACKNOWLEDGE = "alarm.acknowledge"
    AUDIT_ERASE = "audit.erase"
    AUDIT_DROP = "audit.drop"
    AUDIT_EXPORT = "audit.export"
