"""The API keeps what its OpenAPI document promises: thousands of requests, valid and not, to a hub that really runs."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import ids
from hub.alerts.board import Board
from hub.app.offline import open_database
from hub.config import load_config
from hub.sdk import Alarm, Severity
from tests.doubles.hub import Administrator, Hub
from tests.doubles.recordings import commit_one

CONFIG = Path(__file__).with_name("api_contract.toml")
LIMIT_S = 300
OFFICE = {"name": "Office", "hours": [{"days": ["mon"], "begins": "08:00", "ends": "18:00"}]}
# a program that ends its own token would learn nothing after it
ENDS_THE_TOKEN = "revokeToken"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    data = tmp_path_factory.mktemp("contract") / "data"
    with Hub(data, {"RECORDING_HUB_API_REQUESTS_PER_MINUTE": "1000000"}) as running:
        yield running


@pytest.fixture(scope="module")
def who(hub: Hub) -> Iterator[Administrator]:
    with hub.administrator() as administrator:
        yield administrator


@pytest.fixture(scope="module")
def config(hub: Hub, who: Administrator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration with one of each thing that exists."""
    folder = tmp_path_factory.mktemp("hand-off")
    device = {"plugin": "ipoffice", "name": "Head office", "settings": {"folder": str(folder)}}
    shelf = {"plugin": "local", "name": "Shelf", "settings": {"folder": str(folder / "shelf")}}
    made = {
        "device": who.api.post("/devices", json=device).json()["id"],
        "connector": who.api.post("/connectors", json=shelf).json()["id"],
        "rule": who.api.post("/recording-rules", json={"name": "Sales"}).json()["id"],
        "profile": who.api.post("/time-profiles", json=OFFICE).json()["id"],
        "calendar": who.api.post("/holiday-calendars", json={"name": "Austria"}).json()["id"],
    }
    database = open_database(load_config(hub.environ, data=hub.data))
    board = Board(database)
    try:
        made["recording"] = ids.to_text(commit_one(database, instance_id=ids.from_text(made["device"])))
        alarm = Alarm(key="k", code="DISK_SPACE_ERROR", severity=Severity.MAJOR, text="Not enough space.")
        made["alarm"] = ids.to_text(board.raise_alarm("hub", alarm))
    finally:
        board.close()
        database.close()
    target = folder / "schemathesis.toml"
    target.write_text(re.sub(r"@(\w+)@", lambda found: made[found[1]], CONFIG.read_text(encoding="utf-8")))
    return target


def _schemathesis(hub: Hub, config: Path, token: str, *more: str) -> str:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
            *("--header", f"Authorization: Bearer {token}", "--seed", "7", "--workers", "2", "--no-color", *more),
            f"{hub.address}/api/v1/openapi.json",
        ],
        cwd=config.parent,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-20_000:]
    return said


def test_schemathesis_finds_nothing(hub: Hub, who: Administrator, config: Path) -> None:
    token = who.api.headers["authorization"].partition(" ")[2]
    said = _schemathesis(hub, config, token, "--exclude-operation-id", ENDS_THE_TOKEN)
    tried = re.search(r"(\d+) generated, (\d+) passed", said)
    assert tried, said[-2000:]
    assert int(tried[1]) > 1000
    assert who.api.get("/me").status_code == 200
    log = hub.log.read_text(encoding="utf-8")
    assert "request.failed" not in log, log[-5000:]


def test_schemathesis_finds_nothing_in_what_ends_tokens(hub: Hub, who: Administrator, config: Path) -> None:
    expires_at = who.api.get("/me").json()["token"]["expires_at"]
    body = {"name": "short", "permissions": ["account.manage"], "expires_at": expires_at}
    token = who.api.post("/tokens", json=body).json()["plain"]
    _schemathesis(hub, config, token, "--include-operation-id", ENDS_THE_TOKEN)
    assert who.api.get("/me").status_code == 200
