"""What is said before a device is deleted."""

import pytest
from starlette.testclient import TestClient

from hub.access.person import Person
from hub.app.services import Services
from hub.audit import SYSTEM
from hub.sdk import Kind
from tests.doubles import recordings
from tests.unit.webui.api.conftest import ACTOR, PASSWORD


@pytest.mark.parametrize(
    ("plugin", "settings", "said"),
    [
        ("sip_mirror", {"interface": "lo"}, "unless another device records it"),
        ("ipoffice", {"folder": "/x"}, "stays with the PBX"),
    ],
)
def test_it_is_told_what_becomes_of_its_calls(
    site: TestClient,
    services: Services,
    administrator: Person,
    plugin: str,
    settings: dict[str, str],
    said: str,
) -> None:
    site.cookies.set("sid", services.accounts.sign_in("maria", PASSWORD, ACTOR).session_token)
    device = services.instances.create(Kind.SOURCE, plugin, "Tokyo", settings, SYSTEM)
    text = site.get(f"/devices/{device.id}/delete").text
    assert [words for words in ("unless another device records it", "stays with the PBX") if words in text] == [said]


def test_what_a_device_brought_is_counted_before_it_is_deleted(
    site: TestClient, services: Services, administrator: Person
) -> None:
    site.cookies.set("sid", services.accounts.sign_in("maria", PASSWORD, ACTOR).session_token)
    device = services.instances.create(Kind.SOURCE, "ipoffice", "Tokyo", {"folder": "/x"}, SYSTEM)
    said = []
    for origin in ("", "a", "b"):
        if origin:
            recordings.commit(services.db, recordings.prepared(device.id, origin_id=origin))
        text = site.get(f"/devices/{device.id}/delete").text
        said += [words for words in ("none so far", "1 recording keeps", "2 recordings keep") if words in text]
    assert said == ["none so far", "1 recording keeps", "2 recordings keep"]
