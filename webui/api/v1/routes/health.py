"""How the hub is, in one answer."""

from collections import Counter

from fastapi import APIRouter
from pydantic import Field

import hub as house
from hub.runtime.instance import InstanceState
from hub.sdk import Kind, Severity
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.parts import Hub
from webui.api.v1.schemas.shape import Out

router = APIRouter(route_class=GuardedRoute, prefix="/health", tags=["Health"])


class FindingOut(Out):
    """One part of the hub that was tried."""

    name: str = Field(examples=["database"])
    ok: bool
    text: str


class SummaryOut(Out):
    """How the hub is."""

    ok: bool = Field(description="Whether every part that the hub needs answers.")
    version: str
    findings: list[FindingOut]
    devices: dict[InstanceState, int] = Field(description="How many devices are in each state.")
    connectors: dict[InstanceState, int] = Field(description="How many connectors are in each state.")
    open_alarms: dict[Severity, int]
    quarantined: int = Field(description="How many items are in quarantine.")
    waiting: int = Field(description="How many recordings are on their way to the catalog.")


@router.get("", **operation("getHealth", "Get the health of the hub", "health.view"))
def get_health(hub: Hub) -> SummaryOut:
    """What works, what is wrong, what waits."""
    findings = hub.readiness.examine()
    return SummaryOut(
        ok=all(finding.ok for finding in findings),
        version=house.__version__,
        findings=[FindingOut.model_validate(finding) for finding in findings],
        devices=Counter(found.health.state for found in hub.instances.list(Kind.SOURCE)),
        connectors=Counter(found.health.state for found in hub.instances.list(Kind.CONNECTOR)),
        open_alarms=hub.board.count_open(),
        quarantined=hub.quarantine.count(),
        waiting=hub.spool.count(),
    )
