from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from plugins.ipoffice.assembly import make_describer
from plugins.ipoffice.plugin import IPOffice
from plugins.ipoffice.settings import IPOfficeSettings
from plugins.ipoffice.sftp import make_remote

SENDER = {"name": "Vienna", "login": "wien", "password": "geheim-123"}


def wrong(**settings: Any) -> str:
    """The field that is refused, and why."""
    with pytest.raises(ValidationError) as told:
        IPOfficeSettings.model_validate(settings)
    error = told.value.errors()[0]
    return f"{error['loc'][0]}: {error['msg']}"


def test_the_defaults_are_those_of_a_hub_beside_voicemail_pro() -> None:
    settings = IPOfficeSettings()
    assert (settings.topology, settings.folder, settings.after_pickup) == ("beside", "/opt/vmpro/MM/VRL", "move")
    assert (settings.settle_age_s, settings.rescan_s) == (5, 300)
    assert IPOffice.info.settings is IPOfficeSettings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"topology": "push"}, "senders: Value error, name at least one"),
        ({"topology": "push", "senders": [{"name": "A", "login": "a"}]}, "senders: Value error, A has neither"),
        ({"topology": "push", "senders": [SENDER, SENDER]}, "senders: Value error, two servers have the login wien"),
        ({"topology": "push", "senders": [{**SENDER, "login": "../x"}]}, "senders: "),
        (
            {"topology": "push", "senders": [{**SENDER, "password": "short"}]},
            "senders: Value error, a password of less",
        ),
        ({"topology": "push", "senders": [{**SENDER, "public_key": "x"}]}, "senders: Value error, this is no OpenSSH"),
        (
            {"topology": "push", "senders": [{**SENDER, "public_key": "ssh-rsa AAAA"}]},
            "senders: Value error, this is no",
        ),
        ({"topology": "fetch"}, "fetch_host: "),
        ({"topology": "fetch", "fetch_host": "a", "fetch_login": "b"}, "fetch_key: Value error, give a password"),
        ({"fetch_host_key": "MD5:aa"}, "fetch_host_key: "),
        ({"folder": "vrl"}, "folder: Value error, 'vrl' is not an absolute path"),
        ({"timezone": "Europe/Wien"}, "timezone: Value error, no time zone"),
        ({"timezone": "../../etc/passwd"}, "timezone: Value error, no time zone"),
        ({"mapping": "agent"}, "mapping: Value error, line 1"),
        ({"filename_pattern": "("}, "filename_pattern: Value error, not a regular expression"),
        ({"filename_pattern": "x"}, "filename_pattern: Value error, name at least one group"),
        ({"include": []}, "include: "),
        ({"include": ["a/b.wav"]}, "include: Value error"),
        ({"smdr": "listen"}, "smdr_peers: Value error, say from which"),
        ({"smdr_peers": ["pbx"]}, "smdr_peers: Value error, 'pbx' is no address"),
        ({"smdr": "connect"}, "smdr_host: Value error, give the name"),
        ({"work_folder": "x"}, "work_folder: Value error"),
        ({"folde": "/x"}, "folde: Extra inputs"),
    ],
)
def test_a_wrong_setting_is_refused_at_its_field(settings: dict[str, Any], said: str) -> None:
    assert wrong(**settings).startswith(said)


def test_secrets_do_not_show() -> None:
    settings = IPOfficeSettings.model_validate(
        {
            "topology": "fetch_push",
            "fetch_host": "a",
            "fetch_login": "b",
            "fetch_password": "topsecret",
            "senders": [SENDER],
        }
    )
    for shown in (repr(settings), str(settings), repr(make_remote(settings))):
        assert "topsecret" not in shown
        assert "geheim" not in shown


def test_every_setting_has_a_title_a_help_and_labels_for_its_choices() -> None:
    for name, field in IPOfficeSettings.model_fields.items():
        assert field.title, name
        assert field.description, name
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        for other, values in (extra.get("shown_if") or {}).items():  # type: ignore[union-attr]
            choices = IPOfficeSettings.model_fields[other].json_schema_extra["labels"]  # type: ignore[index]
            assert set(values) <= set(choices)  # type: ignore[arg-type]


def test_the_code_that_reads_files_can_be_made_from_the_settings(tmp_path: Path) -> None:
    assert make_describer(IPOfficeSettings(timezone="Europe/Vienna", mapping="agent = any:x"))
