"""Finding plug-ins; a bad one never stops the others."""

import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from hub.runtime.loader import scan, scan_all
from hub.runtime.plugins import PluginMissing, Plugins
from hub.runtime.vetting import vet
from hub.sdk import Kind
from tests.doubles.plugins import install

GOOD = """
from hub.sdk import *

class Settings(PluginSettings):
    x: int = setting("X", "X.", default=1)

class Box(Source):
    info = PluginInfo(name="box", kind=Kind.SOURCE, title="Box", summary="A box.", settings=Settings)
    def check(self): ...
    async def run(self): ...
"""


def reasons(kind=Kind.SOURCE):
    return {refused.name: refused.reason for refused in scan(kind).refused}


def test_the_hubs_own_plug_ins_load():
    scans = scan_all()
    assert all(scan.refused == [] for scan in scans.values())
    assert scans[Kind.SOURCE].found["ipoffice"].distribution == "recording-hub"
    assert scans[Kind.CONNECTOR].found["local"].info.kind is Kind.CONNECTOR


def test_a_strangers_plug_in_is_found_with_its_distribution(site):
    install(site, "rechub-acme", {"rechub_acme": GOOD}, {"source": {"box": "rechub_acme:Box"}}, version="2.1")
    found = scan(Kind.SOURCE).found["box"]
    assert (found.distribution, found.version, found.info.title) == ("rechub-acme", "2.1", "Box")


def test_a_plug_in_installed_a_moment_ago_is_seen(site):
    assert "box" not in scan(Kind.SOURCE).found
    install(site, "rechub-acme", {"rechub_acme": GOOD}, {"source": {"box": "rechub_acme:Box"}})
    assert "box" in scan(Kind.SOURCE).found


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("assert 1 == 2, 'boom'", "AssertionError: boom"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class Box: pass", "rechub_acme:Box is not a class derived from hub.sdk.Plugin"),
        ("Box = 3", "rechub_acme:Box is not a class derived from hub.sdk.Plugin"),
        (GOOD.replace('name="box"', 'name="crate"'), "the entry point is called 'box', the plug-in 'crate'"),
        (GOOD.replace("Kind.SOURCE", "Kind.NOTIFIER"), "registered as source but says it is a notifier"),
        (
            GOOD.replace("settings=Settings", "settings=Settings, api=ApiVersion(1, 7)"),
            "built for plug-in API 1.7, this hub has 1.0",
        ),
        (
            GOOD.replace("settings=Settings", "settings=Settings, api=ApiVersion(2, 0)"),
            "built for plug-in API 2.0, this hub has 1.0",
        ),
        (GOOD.replace("x: int", "x: dict"), "setting 'x' has a type that no form can show: <class 'dict'>"),
        (
            GOOD.replace("settings=Settings", "settings=dict"),
            "its settings are not derived from hub.sdk.PluginSettings",
        ),
        (GOOD.replace("info =", "other ="), "type object 'Box' has no attribute 'info'"),
    ],
)
def test_a_bad_plug_in_is_refused_with_its_reason_and_the_others_load(site, source, reason):
    install(site, "rechub-acme", {"rechub_acme": source}, {"source": {"box": "rechub_acme:Box"}})
    result = scan(Kind.SOURCE)
    assert [(refused.name, refused.distribution) for refused in result.refused] == [("box", "rechub-acme")]
    assert result.refused[0].reason == reason
    assert "ipoffice" in result.found


def test_ctrl_c_during_an_import_is_not_swallowed(site):
    install(site, "rechub-acme", {"rechub_acme": "raise KeyboardInterrupt"}, {"source": {"box": "rechub_acme:Box"}})
    with pytest.raises(KeyboardInterrupt):
        scan(Kind.SOURCE)


def test_of_two_equal_names_the_hubs_own_wins_and_the_other_is_refused(site):
    impostor = GOOD.replace('name="box"', 'name="ipoffice"')
    install(site, "aaa-evil", {"aaa_evil": impostor}, {"source": {"ipoffice": "aaa_evil:Box"}})
    result = scan(Kind.SOURCE)
    assert result.found["ipoffice"].distribution == "recording-hub"
    assert reasons() == {"ipoffice": "the name is taken by recording-hub"}


def test_of_two_strangers_with_one_name_the_second_is_refused(site):
    for name in ("zulu", "alpha"):
        install(site, name, {name: GOOD}, {"source": {"box": f"{name}:Box"}})
    assert scan(Kind.SOURCE).found["box"].distribution == "alpha"
    assert reasons() == {"box": "the name is taken by alpha"}


def test_an_import_that_would_end_the_process_is_tried_in_another_one(site):
    install(
        site,
        "rechub-bad",
        {"exits": "import os\nos._exit(0)", "good": GOOD},
        {"source": {"exits": "exits:Box", "box": "good:Box"}},
    )
    harmful = vet(time_limit_s=60)
    assert harmful == {(Kind.SOURCE, "exits", "rechub-bad"): "its import ended the process (exit code 0)"}
    result = scan_all(harmful)[Kind.SOURCE]
    assert {refused.name for refused in result.refused} == {"exits"}
    assert "box" in result.found


def test_an_import_that_never_returns_is_given_up(site):
    install(site, "rechub-bad", {"hangs": "import time\ntime.sleep(3600)"}, {"source": {"hangs": "hangs:Box"}})
    harmful = vet(time_limit_s=3)
    assert harmful == {(Kind.SOURCE, "hangs", "rechub-bad"): "its import did not return within 3 s"}
    assert [refused.name for refused in scan_all(harmful)[Kind.SOURCE].refused] == ["hangs"]


def test_a_missing_plug_in_and_a_refused_one_say_so(site):
    install(site, "rechub-acme", {"rechub_acme": "1 / 0"}, {"source": {"box": "rechub_acme:Box"}})
    plugins = Plugins()
    assert plugins.find(Kind.SOURCE, "ipoffice").distribution == "recording-hub"
    with pytest.raises(PluginMissing, match="There is no source 'nothing'"):
        plugins.find(Kind.SOURCE, "nothing")
    with pytest.raises(PluginMissing, match="was refused: ZeroDivisionError: division by zero"):
        plugins.find(Kind.SOURCE, "box")


def test_listing_plug_ins_imports_none_of_their_libraries():
    code = "import sys; from hub.runtime.loader import scan_all; scan_all(); print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    heavy = {
        "asyncssh",
        "paramiko",
        "av",
        "numpy",
        "watchdog",
        "boto3",
        "azure",
        "google",
        "smbprotocol",
        "cryptography",
    }
    assert heavy & {name.partition(".")[0] for name in done.stdout.split()} == set()


def test_no_other_distribution_owns_the_hubs_import_names():
    owners = packages_distributions()
    for name in ("hub", "webui"):
        assert set(owners.get(name, ["recording-hub"])) == {"recording-hub"}
