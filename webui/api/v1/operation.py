"""What the declaration of an operation has to say, in one call."""

from collections.abc import Iterable
from typing import Any

from hub.access.permissions import PERMISSIONS
from webui.api.v1.problem import MEDIA_TYPE, Problem

TOLD = {
    400: "The cursor or the body cannot be read.",
    401: "The token is missing, unknown, expired or revoked.",
    403: "The token lacks the permission.",
    404: "There is no such thing, or you may not see it.",
    409: "It is not possible in this state, or the same request is still under way.",
    412: "Somebody else changed it in the meantime.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    416: "The range lies behind the end.",
    422: "A value is not taken; `errors` names each.",
    428: "If-Match is needed.",
    429: "Too many requests.",
    500: "Something went wrong in the hub.",
    503: "The hub cannot do it now; Retry-After says when to try again.",
}
_ALWAYS = (401, 403, 422, 429, 500, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that an operation may answer with, those of every operation included."""
    return {
        status: {
            "description": TOLD[status],
            "model": Problem,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({*statuses, *_ALWAYS})
    }


def operation(
    operation_id: str, summary: str, permission: str, *, errors: Iterable[int] = (), **more: Any
) -> dict[str, Any]:
    """Keyword arguments for `router.get(path, **operation(...))`.

    permission: its key; "" for any token.
    Raises: ValueError for a key that is none.
    """
    if permission and permission not in PERMISSIONS:
        raise ValueError(f"{permission} is no permission")
    extra = {"x-permission": permission, **more.pop("openapi_extra", {})}
    responses = {**problems(*errors), **more.pop("responses", {})}
    return {"operation_id": operation_id, "summary": summary, "responses": responses, "openapi_extra": extra, **more}
