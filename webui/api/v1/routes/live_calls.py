"""Calls that go on now: list, steer, hear."""

from collections.abc import Mapping
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response

from hub.app.services import Services
from hub.catalog.live_calls import ListedCall
from hub.runtime.failure import FailureKind, PluginFailure
from hub.runtime.live.audio_line import AudioLine
from hub.runtime.live.control import Actions
from hub.sdk import Kind
from webui.api.v1.guarded import Caller, GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.paging import Pager
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.problem import ApiError
from webui.api.v1.schemas.live_call import (
    ControlIn,
    ControlOut,
    LiveCallOut,
    LiveCallPage,
    LiveListQuery,
)
from webui.api.v1.values import Id
from webui.live_audio import LiveAudioResponse

router = APIRouter(route_class=GuardedRoute, prefix="/live-calls", tags=["Live calls"])

LiveId = Annotated[Id, Path(description="The call.")]
_AUDIO = {
    200: {
        "description": "A WAV file without an end: 16 bits, two channels, 8000 Hz, as it is spoken.",
        "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_NOT_NOW = frozenset({FailureKind.RETRY_LATER, FailureKind.TIMEOUT, FailureKind.CRASHED})


@router.get("", **operation("listLiveCalls", "List calls that go on", "live.list", errors=[400]))
def list_live_calls(
    request: Request, response: Response, asked: Annotated[LiveListQuery, Query()], caller: Asking, hub: Hub
) -> LiveCallPage:
    """One page, the newest calls first. The event `live.changed` says when to ask again."""
    pager = Pager(request, response, caller, asked)
    window = pager.window()
    page = hub.live.search(caller.person, asked.conditions(), before=window.before, limit=window.limit)
    actions, askers = _actions(hub, caller), hub.live_control.askers_of(page.items)
    return LiveCallPage(**pager.shaped(page, lambda call: _shown(call, actions, askers)))


@router.get("/{id}", **operation("getLiveCall", "Get a call that goes on", "live.list", errors=[404]))
def get_live_call(id: LiveId, caller: Asking, hub: Hub) -> LiveCallOut:
    """One of them; 404 as soon as it is over."""
    call = hub.live.find(caller.person, id)
    return _shown(call, _actions(hub, caller), hub.live_control.askers_of([call]))


@router.post(
    "/{id}/actions",
    **operation("controlLiveCall", "Pause, resume, stop, keep or discard", "live.control", errors=[404, 409]),
)
def control_live_call(id: LiveId, body: ControlIn, caller: Asking, hub: Hub) -> ControlOut:
    """Have the device do it, or 409 with the reason; an audit line tells of it. To discard needs `live.discard`."""
    try:
        result = hub.live_control.act(caller.person, id, body.action, caller.actor, resume_after_s=body.resume_after_s)
    except PluginFailure as failure:
        raise _refusal(failure) from None
    if not result.done:
        raise ApiError(409, "cannot-control", result.text or "The device did not do it.")
    return ControlOut(done=True, text=result.text)


@router.get(
    "/{id}/audio",
    response_class=Response,
    **operation("hearLiveCall", "Listen to a call", "live.listen", errors=[404, 409], responses=_AUDIO),
)
async def hear_live_call(id: LiveId, request: Request, caller: Asking, hub: Hub) -> Response:
    """What is spoken, until the call ends; each listening is an audit line. Who is too slow is cut off."""
    bearer = request.headers["authorization"].partition(" ")[2].strip()

    def may_go_on() -> bool:
        now = hub.tokens.find(bearer)
        return now is not None and hub.live_control.may_go_on_listening(now.person, id)

    try:
        place = await to_thread.run_sync(hub.live_control.listen, caller.person, id, caller.actor)
        return LiveAudioResponse(await AudioLine.open(place), may_go_on)
    except PluginFailure as failure:
        raise _refusal(failure) from None


def _actions(hub: Services, caller: Caller) -> Actions:
    return hub.live_control.actions_for(caller.person, hub.instances.list(Kind.SOURCE))


def _shown(call: ListedCall, actions: Actions, askers: Mapping[int, str]) -> LiveCallOut:
    more = {"can_listen": actions.can_listen(call), "actions": list(actions.of(call))}
    return LiveCallOut.model_validate(call).model_copy(update=more | {"state_login": askers.get(call.id, "")})


def _refusal(failure: PluginFailure) -> ApiError:
    if failure.kind is FailureKind.NOT_FOUND:
        return ApiError(404, "not-found", str(failure), hint=failure.hint)
    if failure.kind in _NOT_NOW:
        return ApiError(503, "away", str(failure), hint=failure.hint, headers={"Retry-After": "5"})
    return ApiError(409, "cannot-control", str(failure), hint=failure.hint)
