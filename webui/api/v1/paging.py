"""Lists in pages: cursors in the answer and in the Link header."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from hub.db.page import Cursor, Page
from webui.api.v1.cursors import Cursors, Place
from webui.api.v1.guarded import Caller
from webui.api.v1.values import Limit

_PAGE_FIELDS = {"limit", "cursor"}


class FilterQuery(BaseModel):
    """Conditions; unknown parameters are refused, so that a mistyped filter is not taken for none."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(FilterQuery):
    """What every list in pages takes."""

    limit: Limit = 50
    cursor: str = Field("", max_length=1024, description="From `next` or `prev` of a page with the same filters.")

    def filters(self) -> dict[str, Any]:
        """All but the place in the list."""
        return self.model_dump(mode="json", exclude=_PAGE_FIELDS)


@dataclass(frozen=True, slots=True)
class Window:
    """What to ask a service for; older and newer than these places."""

    before: Cursor | None
    after: Cursor | None
    limit: int


class Pager:
    """One request's view on a list."""

    def __init__(self, request: Request, response: Response, caller: Caller, query: PageQuery) -> None:
        self._request = request
        self._response = response
        self._cursors: Cursors = request.app.state.parts.cursors
        self._person_id = caller.person.id
        self._query = query
        self._filters = {"list": request.scope["route"].path, **query.filters()}

    def window(self) -> Window:
        """Which page is asked for.

        Raises: ApiError for a cursor that does not fit.
        """
        if not self._query.cursor:
            return Window(None, None, self._query.limit)
        place = self._cursors.open(self._query.cursor, self._person_id, self._filters, keys=2)
        at = Cursor(*place.keys)
        newer = place.toward == "newer"
        return Window(None if newer else at, at if newer else None, self._query.limit)

    def cursors(self, page: Page[Any]) -> dict[str, str | None]:
        """`next` and `prev` for the answer; the same in its Link header."""
        found = {"next": self._seal(page.older, "older"), "prev": self._seal(page.newer, "newer")}
        links = [f'<{self._address(cursor)}>; rel="{name}"' for name, cursor in found.items() if cursor]
        if links:
            self._response.headers["Link"] = ", ".join(links)
        return found

    def shaped(self, page: Page[Any], shape: Callable[[Any], Any]) -> dict[str, Any]:
        """The page as the answer's fields."""
        return {"items": [shape(item) for item in page.items], **self.cursors(page)}

    def _seal(self, cursor: Cursor | None, toward: str) -> str | None:
        if cursor is None:
            return None
        return self._cursors.seal(Place((cursor.start_ms, cursor.id), toward), self._person_id, self._filters)

    def _address(self, cursor: str) -> str:
        pairs = [(name, value) for name, value in self._request.query_params.multi_items() if name != "cursor"]
        return f"{self._request.url.path}?{urlencode([*pairs, ('cursor', cursor)])}"
