"""When recording rules hold: time profiles and calendars of holidays."""

from fastapi import APIRouter, Request, Response

from hub.rules.hours import HolidayCalendar, TimeProfile
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.kept_entries import EntryId, Kept, changing, deleting
from webui.api.v1.operation import operation
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.schemas.rule import (
    CalendarIn,
    CalendarList,
    CalendarOut,
    TimeProfileIn,
    TimeProfileList,
    TimeProfileOut,
)

profiles = APIRouter(route_class=GuardedRoute, prefix="/time-profiles", tags=["Time profiles"])
calendars = APIRouter(route_class=GuardedRoute, prefix="/holiday-calendars", tags=["Holiday calendars"])

_PROFILES = Kept(TimeProfile, TimeProfileOut)
_CALENDARS = Kept(HolidayCalendar, CalendarOut)


@profiles.get("", **operation("listTimeProfiles", "List time profiles", "rule.list"))
def list_profiles(hub: Hub) -> TimeProfileList:
    """All of them."""
    return TimeProfileList(items=_PROFILES.all(hub))


@profiles.post("", status_code=201, **operation("addTimeProfile", "Add a time profile", "rule.change"))
def add_profile(body: TimeProfileIn, request: Request, response: Response, caller: Asking, hub: Hub) -> TimeProfileOut:
    """Keep it; rules can refer to it."""
    return _PROFILES.add(hub, body, caller.actor, request, response)


@profiles.get("/{id}", **operation("getTimeProfile", "Get a time profile", "rule.list", errors=[404]))
def get_profile(id: EntryId, response: Response, hub: Hub) -> TimeProfileOut:
    """One of them; its ETag is what a change needs."""
    return _PROFILES.get(hub, id, response)


@profiles.put("/{id}", **changing("changeTimeProfile", "Change a time profile"))
def change_profile(
    id: EntryId, body: TimeProfileIn, request: Request, response: Response, caller: Asking, hub: Hub
) -> TimeProfileOut:
    """Replace it, for all rules that refer to it."""
    return _PROFILES.change(hub, id, body, caller.actor, request, response)


@profiles.delete("/{id}", status_code=204, **deleting("deleteTimeProfile", "Delete a time profile"))
def delete_profile(id: EntryId, request: Request, caller: Asking, hub: Hub) -> None:
    """Forget it; refused with 409 while rules refer to it."""
    _PROFILES.delete(hub, id, caller.actor, request)


@calendars.get("", **operation("listHolidayCalendars", "List holiday calendars", "rule.list"))
def list_calendars(hub: Hub) -> CalendarList:
    """All of them."""
    return CalendarList(items=_CALENDARS.all(hub))


@calendars.post("", status_code=201, **operation("addHolidayCalendar", "Add a holiday calendar", "rule.change"))
def add_calendar(body: CalendarIn, request: Request, response: Response, caller: Asking, hub: Hub) -> CalendarOut:
    """Keep it; time profiles can refer to it."""
    return _CALENDARS.add(hub, body, caller.actor, request, response)


@calendars.get("/{id}", **operation("getHolidayCalendar", "Get a holiday calendar", "rule.list", errors=[404]))
def get_calendar(id: EntryId, response: Response, hub: Hub) -> CalendarOut:
    """One of them; its ETag is what a change needs."""
    return _CALENDARS.get(hub, id, response)


@calendars.put("/{id}", **changing("changeHolidayCalendar", "Change a holiday calendar"))
def change_calendar(
    id: EntryId, body: CalendarIn, request: Request, response: Response, caller: Asking, hub: Hub
) -> CalendarOut:
    """Replace it, for all time profiles that refer to it."""
    return _CALENDARS.change(hub, id, body, caller.actor, request, response)


@calendars.delete("/{id}", status_code=204, **deleting("deleteHolidayCalendar", "Delete a holiday calendar"))
def delete_calendar(id: EntryId, request: Request, caller: Asking, hub: Hub) -> None:
    """Forget it; refused with 409 while time profiles refer to it."""
    _CALENDARS.delete(hub, id, caller.actor, request)
