"""The devices that recording rules name, those that were deleted among them."""

from collections.abc import Mapping
from dataclasses import dataclass

from hub.app.services import Services
from hub.rules.rule import Rule
from hub.sdk import Kind
from webui.language import gettext


@dataclass(frozen=True, slots=True)
class RuleDevices:
    """present, gone: names by id, of devices that are there and of those that were deleted."""

    present: Mapping[int, str]
    gone: Mapping[int, str]

    @classmethod
    def of(cls, services: Services) -> "RuleDevices":
        """As they are now."""
        present = {device.id: device.name for device in services.instances.list(Kind.SOURCE)}
        return cls(
            present, {number: name for number, name in services.instances.names().items() if number not in present}
        )

    def name_of(self, device_id: int) -> str:
        """Its name, with a word where it was deleted."""
        if device_id in self.present:
            return self.present[device_id]
        name = self.gone.get(device_id, "")
        return gettext("%(name)s (deleted)") % {"name": name} if name else gettext("Deleted device")

    def gone_of(self, rule: Rule) -> dict[int, str]:
        """What it names that was deleted."""
        return {number: self.name_of(number) for number in rule.devices if number not in self.present}

    def is_idle(self, rule: Rule) -> bool:
        """Whether it can fit no call, as each of its devices was deleted."""
        return bool(rule.devices) and not any(number in self.present for number in rule.devices)


def rules_naming(services: Services, device_id: int) -> list[tuple[Rule, bool]]:
    """The rules that name a device, each with whether none of its other devices is there."""
    devices = RuleDevices.of(services)
    named = [rule for rule in services.rules.load().rules if device_id in rule.devices]
    return [(rule, not any(each in devices.present for each in rule.devices if each != device_id)) for rule in named]
