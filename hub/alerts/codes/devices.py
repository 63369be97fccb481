"""Devices, and the plug-ins behind them."""

from hub.alerts.codes.alarm_code import AlarmCode
from hub.sdk import Severity

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
