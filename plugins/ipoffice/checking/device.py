"""The test of a whole device: all its parts at once, within 10 s."""

import threading
import time
from collections.abc import Callable

from hub.sdk import Health, HealthState, PluginContext, PluginError, RetryLater
from plugins.ipoffice.checking.findings import Findings
from plugins.ipoffice.checking.folder import check_folder
from plugins.ipoffice.checking.network import check_fetch, check_pbx, check_port
from plugins.ipoffice.running import running_pids
from plugins.ipoffice.settings import IPOfficeSettings
from plugins.ipoffice.ways_in import FETCH, FOLDER, PUSH

TIME_S = 8.5


def check_device(settings: IPOfficeSettings, ctx: PluginContext) -> Health:
    """Try all parts of the device.

    Raises: SettingsError, AuthError, RetryLater.
    """
    findings = Findings()
    running = running_pids(ctx.state)
    parts: dict[str, Callable[[], None]] = {}
    if settings.topology in FOLDER:
        parts[settings.folder] = lambda: check_folder(settings, ctx, running, findings)
    if settings.topology in FETCH:
        parts[settings.fetch_host] = lambda: check_fetch(settings, findings)
    if settings.topology in PUSH:
        place = (settings.landing_address, settings.landing_port)
        parts["the SFTP port"] = lambda: check_port("landing_address", place, "SFTP", running, findings)
    if settings.smdr == "listen":
        address = (settings.smdr_host, settings.smdr_port)
        parts["the SMDR port"] = lambda: check_port("smdr_host", address, "SMDR", running, findings)
    if settings.smdr == "connect":
        parts[settings.smdr_host] = lambda: check_pbx(settings, running, findings)
    _run_all(parts, findings)
    if findings.errors:
        raise findings.errors[0]
    state = HealthState.DEGRADED if findings.warnings else HealthState.OK
    return Health(state, " ".join(findings.lines), "", findings.numbers, tuple(findings.warnings))


def _run_all(parts: dict[str, Callable[[], None]], findings: Findings) -> None:
    """Run the parts side by side; one that does not answer is an error."""
    threads = {name: threading.Thread(target=_run, args=(part, findings), daemon=True) for name, part in parts.items()}
    for thread in threads.values():
        thread.start()
    until = time.monotonic() + TIME_S
    for name, thread in threads.items():
        thread.join(max(0.0, until - time.monotonic()))
        if thread.is_alive():
            findings.errors.append(RetryLater(f"{name} does not answer.", hint="Look at the network or the mount."))


def _run(part: Callable[[], None], findings: Findings) -> None:
    try:
        part()
    except PluginError as error:
        findings.errors.append(error)
    except OSError as error:
        findings.errors.append(RetryLater(str(error)))
