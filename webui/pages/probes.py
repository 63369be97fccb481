"""Whether the hub lives, whether it can work, and what Prometheus reads."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from hub.app.services import Services
from hub.db.errors import DatabaseAway
from hub.ingest.spool import SpoolAway
from hub.jobs.listing import count_open
from hub.observe.metrics import (
    CONTENT_TYPE,
    FREE_BYTES,
    INSTANCE_UP,
    LAST_RECORDING,
    OPEN_ALARMS,
    QUARANTINE_ITEMS,
    SPOOL_ITEMS,
    WAITING_JOBS,
    Reading,
    exposition,
)
from hub.runtime.instance import InstanceState
from webui.reach import services_of

UNAVAILABLE = 503
_UP = frozenset({InstanceState.OK, InstanceState.DEGRADED})


async def alive(request: Request) -> Response:
    """The process answers; nothing else is looked at."""
    del request
    return PlainTextResponse("ok\n")


def ready(request: Request) -> Response:
    """Whether what the hub needs answers; to strangers only by name."""
    findings = services_of(request).readiness.examine()
    every = all(finding.ok for finding in findings)
    body = {"ready": every, "parts": {finding.name: finding.ok for finding in findings}}
    return JSONResponse(body, 200 if every else UNAVAILABLE)


def metrics(request: Request) -> Response:
    """Counts and gauges in Prometheus' text form."""
    return Response(exposition(lambda: list(_readings(request))), headers={"Content-Type": CONTENT_TYPE})


def _readings(request: Request) -> Iterator[Reading]:
    services = services_of(request)
    with suppress(SpoolAway):  # what does not need it is told all the same
        yield Reading(QUARANTINE_ITEMS, services.quarantine.count())
        yield Reading(SPOOL_ITEMS, services.spool.count())
    yield Reading(FREE_BYTES, shutil.disk_usage(services.config.data).free)
    with suppress(DatabaseAway):
        yield from _readings_of_the_catalog(services)


def _readings_of_the_catalog(services: Services) -> Iterator[Reading]:
    with services.db.read() as session:
        waiting = count_open(session)
    for kind, number in waiting.items():
        yield Reading(WAITING_JOBS, number, {"kind": kind})
    open_alarms = Counter({severity.value: number for severity, number in services.board.count_open().items()})
    for severity, number in open_alarms.items():
        yield Reading(OPEN_ALARMS, number, {"severity": severity})
    for instance in services.instances.list():
        name = str(instance.id)
        labels = {"instance": name, "kind": instance.kind.value, "plugin": instance.plugin}
        yield Reading(INSTANCE_UP, float(instance.health.state in _UP), labels)
        if instance.health.last_recording_ms is not None:
            yield Reading(LAST_RECORDING, instance.health.last_recording_ms / 1000, {"instance": name})
