"""Background work: what waits, runs, was done or given up."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from hub.jobs import listing
from hub.jobs.models import JobState
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.paging import PageQuery, Pager
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.problem import ApiError
from webui.api.v1.schemas.shape import Out
from webui.api.v1.values import Id, Moment, SearchText

router = APIRouter(route_class=GuardedRoute, prefix="/jobs", tags=["Jobs"])


class ProgressOut(Out):
    """How far it has come."""

    done: int
    of: int = Field(description="0: not known.")
    note: str


class JobOut(Out):
    """One piece of background work."""

    id: Id
    kind: str = Field(examples=["vault.copy"])
    state: JobState
    run_at: Moment = Field(description="When it is or was due.")
    attempts: int
    progress: ProgressOut
    error: str = Field(description="Why the last attempt did not do.")
    created_at: Moment
    finished_at: Moment | None


class JobPage(Out):
    """One page, the newest first."""

    items: list[JobOut]
    next: str | None = Field(description="Cursor of the older page.")
    prev: str | None = Field(description="Always null: jobs are read backwards.")


class JobQuery(PageQuery):
    """The conditions; every given one must hold."""

    state: list[JobState] = Field([], description="Any of these.")
    kind: list[SearchText] = Field([], max_length=20, description="Any of these.")


@router.get("", **operation("listJobs", "List background jobs", "health.view", errors=[400]))
def list_jobs(
    asked: Annotated[JobQuery, Query()], request: Request, response: Response, caller: Asking, hub: Hub
) -> JobPage:
    """What waits, runs, was done or given up, the newest first."""
    pager = Pager(request, response, caller, asked)
    window = pager.window()
    with hub.db.read() as session:
        page = listing.list_jobs(
            session, states=asked.state, kinds=asked.kind, before=window.before, limit=window.limit
        )
    return JobPage(**pager.shaped(page, JobOut.model_validate))


@router.get("/{id}", **operation("getJob", "Get a background job", "health.view", errors=[404]))
def get_job(id: Annotated[Id, Path(description="The job.")], hub: Hub) -> JobOut:
    """One job: how far it has come, or why it was given up."""
    with hub.db.read() as session:
        found = listing.find(session, id)
    if found is None:
        raise ApiError(404, "not-found", "There is no such job; those that are long done are forgotten.")
    return JobOut.model_validate(found)
