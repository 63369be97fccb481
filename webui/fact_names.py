"""Names of facts in the viewer's language: numbers of devices, fields of recordings, details of the audit trail.

Plug-ins and the hub name facts by words such as "files_waiting"; those that are not listed here show these words.
"""

import re

from webui.language import gettext, later

FACT_NAMES = (
    "Account code",
    "Added",
    "Calls",
    "Calls failed",
    "Calls recording",
    "Calls without recording",
    "Captures",
    "Code",
    "Device",
    "Directions",
    "Enabled",
    "Expires ms",
    "Fetched total",
    "Fields",
    "Files held",
    "Files waiting",
    "Free",
    "Groups",
    "How",
    "Instance",
    "Instances",
    "Is administrator",
    "Is disabled",
    "Journal",
    "Kind",
    "Lag",
    "Media",
    "Metadata problems",
    "Name",
    "Numbers",
    "Other media",
    "Packets kept",
    "Packets lost for want of disk",
    "Packets lost in kernel",
    "Packets received",
    "Packets strange",
    "Permissions",
    "Person",
    "Plugin",
    "Primary store",
    "Range",
    "Reason",
    "Recording rule",
    "Recordings",
    "Referred to",
    "Remote files",
    "Revision",
    "Rule",
    "Session",
    "Sessions",
    "Sessions ended",
    "Settings",
    "Source",
    "Spare workers",
    "State",
    "Submitted total",
    "Take",
    "Text",
    "Timeline",
    "Used",
    "Vanished total",
    "Waiting",
    "Worker restarts",
)


_SPELLED = {
    "group_id": later("Group ID"),
    "other_call_ids": later("Other call IDs"),
    "replaces_call_id": later("Replaces call ID"),
    "session_id": later("Session ID"),
    "sip_call_id": later("SIP call ID"),
    "smdr_calls_total": later("SMDR calls in total"),
    "smdr_refused_total": later("SMDR refused in total"),
    "smdr_rows_total": later("SMDR rows in total"),
    "ucid": later("UCID"),
}
_OF_PARTIES = {
    "codec": later("Codec"),
    "concealed_s": later("Concealed loss (s)"),
    "far_end_jitter_ms": later("Jitter at the far end (ms)"),
    "far_end_loss_percent": later("Packet loss at the far end (%)"),
    "far_end_mos": later("Voice quality at the far end (MOS)"),
    "far_end_round_trip_ms": later("Round trip to the far end (ms)"),
    "jitter_ms": later("Jitter (ms)"),
    "keys_pressed": later("Keys pressed"),
    "loss_percent": later("Packet loss (%)"),
    "mos": later("Voice quality (MOS)"),
}
_PARTIES = {"caller": later("Caller"), "called": later("Called"), "stream": later("Stream")}
_OF_PARTY = re.compile(rf"({'|'.join(_PARTIES)})(?:[ _](.*?))??_({'|'.join(_OF_PARTIES)})")


def name_of_fact(word: str) -> str:
    """A fact's name for people: "skill_group" becomes "Skill group", in the viewer's language where it is listed."""
    if of_party := _OF_PARTY.fullmatch(word):
        party, which, what = of_party.groups("")
        return " · ".join(
            (f"{gettext(_PARTIES[party])} {which.replace('_', ', ')}".strip(), gettext(_OF_PARTIES[what]))
        )
    return gettext(_SPELLED.get(word) or word.replace("_", " ").strip().capitalize())
