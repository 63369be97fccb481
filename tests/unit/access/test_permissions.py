import re

import pytest

from hub.access.errors import Forbidden
from hub.access.legacy_permissions import LEGACY, translate
from hub.access.permissions import CORE, PERMISSIONS, Permission, PermissionRegistry, allows, require
from hub.access.person import Person
from hub.access.scope import visible

NOBODY = Person(id=1, login="otto", name="Otto", is_administrator=False, permissions=frozenset())


def test_the_58_codes_of_the_older_system_all_have_a_meaning_here() -> None:
    assert len(LEGACY) == 58
    for legacy, keys in LEGACY.items():
        assert keys, legacy
        assert PERMISSIONS.unknown(keys) == [], legacy


def test_whoever_had_every_code_loses_nothing() -> None:
    everything = translate(LEGACY)
    assert {key for keys in LEGACY.values() for key in keys} <= everything


def test_a_page_code_alone_lets_nobody_change_anything() -> None:
    pages = [legacy for legacy in LEGACY if legacy.endswith(".page")]
    assert not [key for key in translate(pages) if key.endswith((".add", ".change", ".delete"))]


def test_to_list_was_to_play_in_the_older_system() -> None:
    assert translate(["recording.list"]) == {"recording.list", "recording.play"}


def test_a_permission_brings_along_what_it_cannot_do_without() -> None:
    assert PERMISSIONS.expand(["device.add"]) == {"device.add", "device.list", "device.test"}
    assert PERMISSIONS.expand(["user.import"]) >= {"user.add", "user.list", "org.list"}


def test_every_implied_key_exists_and_every_permission_has_label_and_group() -> None:
    for permission in CORE:
        assert PERMISSIONS.unknown(permission.implies) == []
        assert permission.label
        assert permission.group
        assert re.fullmatch(r"[a-z]+(\.[a-z]+)+", permission.key)
    assert len({permission.label for permission in CORE}) == len(CORE)


def test_a_plug_in_adds_permissions_and_its_leaving_leaves_no_trouble() -> None:
    registry = PermissionRegistry()
    registry.add(Permission("acme.dial", "Dial", "Acme", ("recording.list",)))
    assert registry.expand(["acme.dial"]) == {"acme.dial", "recording.list"}
    assert "Acme" in registry.groups()
    assert PERMISSIONS.expand(["acme.dial", "recording.list"]) == {"recording.list"}
    with pytest.raises(ValueError, match="exists already"):
        registry.add(Permission("acme.dial", "Dial again", "Acme"))
    with pytest.raises(ValueError, match="no permission"):
        registry.add(Permission("acme.x", "X", "Acme", ("acme.nothing",)))
    assert "acme.x" not in registry


def test_a_decision_always_comes_with_its_reason() -> None:
    may = PERMISSIONS.decide(
        Person(id=1, login="o", name="O", is_administrator=False, permissions=frozenset({"audit.list"})), "audit.list"
    )
    may_not = PERMISSIONS.decide(NOBODY, "audit.list")
    assert may.allowed
    assert may.reason
    assert not may_not.allowed
    assert "See the audit trail" in may_not.reason


def test_a_refusal_names_the_permission() -> None:
    with pytest.raises(Forbidden) as refused:
        require(NOBODY, "device.add")
    assert refused.value.permission == "device.add"
    assert not allows(NOBODY, "device.add")


def test_asking_for_a_permission_that_does_not_exist_is_a_fault_of_the_code() -> None:
    with pytest.raises(KeyError):
        require(NOBODY, "device.explode")


def test_an_administrator_sees_all_recordings_and_others_none_so_far() -> None:
    chief = Person(id=2, login="m", name="M", is_administrator=True, permissions=frozenset())
    assert str(visible(chief).where) == "true"
    assert str(visible(NOBODY).where) == "false"
