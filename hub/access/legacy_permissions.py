"""The permission codes of the older recording system, each with what it is called here; none is lost.

There a page and its save button, or a page and its chart, were two codes to be ticked together: here one key
implies what it cannot do without.
Source: FEATURES.md section O, rows LV-PRM-01 to LV-PRM-58.
"""

from collections.abc import Iterable

from hub.access.permissions import PERMISSIONS

LEGACY: dict[str, tuple[str, ...]] = {
    "recording.list": ("recording.list", "recording.play"),
    "recording.delete": ("recording.delete",),
    "recording.download": ("recording.download",),
    "recording.export": ("recording.export",),
    "recording.tag.add": ("recording.tag.add",),
    "recording.tag.list": ("recording.tag.list",),
    "recording.tag.delete": ("recording.tag.delete",),
    "recording.rate": ("recording.rate",),
    "report.daily.page": ("report.daily",),
    "report.daily.chart": ("report.daily",),
    "report.daily.export": ("report.daily.export",),
    "report.monthly.page": ("report.monthly",),
    "report.monthly.chart": ("report.monthly",),
    "report.monthly.export": ("report.monthly.export",),
    "report.yearly.page": ("report.yearly",),
    "report.yearly.chart": ("report.yearly",),
    "report.yearly.export": ("report.yearly.export",),
    "report.department.page": ("report.department",),
    "report.department.chart": ("report.department",),
    "alarm.list": ("alarm.list",),
    "alarm.export": ("alarm.export",),
    "audit.list": ("audit.list",),
    "audit.export": ("audit.export",),
    "log.list": ("log.list",),
    "log.error.list": ("log.error.list",),
    "org.list": ("org.list",),
    "org.tree": ("org.list",),
    "org.add.page": ("org.list",),
    "org.add": ("org.add",),
    "org.edit.page": ("org.list",),
    "org.edit": ("org.change",),
    "org.delete": ("org.delete",),
    "user.list": ("user.list",),
    "user.add.page": ("user.list",),
    "user.add": ("user.add",),
    "user.edit.page": ("user.list",),
    "user.edit": ("user.change",),
    "user.delete": ("user.delete",),
    "user.template.download": ("user.list",),
    "user.import": ("user.import",),
    "user.delete.batch": ("user.delete",),
    "role.list": ("role.list",),
    "role.add.page": ("role.list",),
    "role.add": ("role.add",),
    "role.edit.page": ("role.list",),
    "role.edit": ("role.change",),
    "role.delete": ("role.delete",),
    "system.home": ("settings.view",),
    "device.list": ("device.list",),
    "device.add.page": ("device.list",),
    "device.add": ("device.add",),
    "device.edit.page": ("device.list",),
    "device.edit": ("device.change",),
    "device.delete": ("device.delete",),
    "alarm.settings.page": ("alarm.settings.view",),
    "alarm.settings.ping": ("alarm.settings.ping",),
    "alarm.settings.save": ("alarm.settings.change",),
    "alarm.settings.testmail": ("alarm.settings.test",),
}


def translate(legacy_keys: Iterable[str]) -> frozenset[str]:
    """What the legacy codes allow here, implied keys included.

    Raises: KeyError for a code that the older system did not have.
    """
    return PERMISSIONS.expand(key for legacy in legacy_keys for key in LEGACY[legacy])
