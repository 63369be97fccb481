"""Every error of the API in one shape: application/problem+json (RFC 9457)."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:recording-hub:problem:"
_TITLES = {
    400: "Bad request",
    401: "No valid token",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible now",
    412: "Changed in the meantime",
    413: "Too large",
    415: "Not JSON",
    416: "Range behind the end",
    422: "Not valid",
    428: "If-Match needed",
    429: "Too many requests",
    500: "Failure of the hub",
    503: "Away",
}


class FieldError(BaseModel):
    """What is wrong with one value."""

    loc: list[str | int] = Field(
        description="Where it stands: `body`, `query`, `path` or `header`, then the names down to it.",
        examples=[["body", "settings", "folder"]],
    )
    code: str = Field(description="For programs.", examples=["missing"])
    msg: str = Field(description="For people.", examples=["Field required"])


class Problem(BaseModel):
    """An error."""

    type: str = Field(description="Names the kind of error.", examples=["urn:recording-hub:problem:not-found"])
    title: str = Field(description="The kind of error in words.", examples=["Not found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(
        description="What happened here.", examples=["There is no such recording, or you may not see it."]
    )
    hint: str = Field("", description="What to do about it.")
    instance: str = Field(
        description="This very request; the log of the hub has more under it.",
        examples=["urn:recording-hub:request:0123456789ABC"],
    )
    errors: list[FieldError] = Field(default=[], description="Each value that was not taken.")


class ApiError(Exception):
    """Answers the request with a problem.

    code: ends the type's URN. headers: go with the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        hint: str = "",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.hint = hint
        self.errors = list(errors)
        self.headers = dict(headers or {})


def answer(request: Request, error: ApiError) -> Response:
    """The problem as a response."""
    request_id = request.scope.get("state", {}).get("request_id", "")
    problem = Problem(
        type=_TYPE_PREFIX + error.code,
        title=_TITLES.get(error.status, "Error"),
        status=error.status,
        detail=error.detail,
        hint=error.hint,
        instance=f"urn:recording-hub:request:{request_id}",
        errors=error.errors,
    )
    return Response(
        problem.model_dump_json(exclude_defaults=True),
        status_code=error.status,
        headers=error.headers,
        media_type=MEDIA_TYPE,
    )
