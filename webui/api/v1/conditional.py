"""Changes that lose nothing of what somebody else changed: entity tags and If-Match (RFC 9110, RFC 6585)."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response

from webui.api.v1.problem import ApiError, FieldError

_TAG = re.compile(r'"(\d{1,18})"', re.ASCII)

IF_MATCH: Mapping[str, Any] = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of what you have seen.",
    "schema": {"type": "string", "pattern": '^("[0-9]{1,18}"|\\*)$'},
    "example": '"1"',
}


def put_tag(response: Response, revision: int) -> None:
    """Tell the revision as the answer's ETag."""
    response.headers["ETag"] = f'"{revision}"'


def check_match(request: Request, revision: int, *, required: bool = True) -> None:
    """Let pass what is meant for `revision`.

    Raises: ApiError 428 without an If-Match where one is needed, 412 for another revision.
    """
    wanted = request.headers.get("if-match")
    if wanted is None:
        if required:
            msg = "Send If-Match with the ETag of what you have seen."
            raise ApiError(428, "if-match-needed", msg, errors=[_header_error("missing", msg)])
        return
    if wanted.strip() == "*":
        return
    if str(revision) not in _TAG.findall(re.sub(r'W/"[^"]*"', "", wanted)):
        raise changed_meanwhile()


def changed_meanwhile() -> ApiError:
    """412: somebody else was faster."""
    msg = "Somebody else changed it in the meantime."
    return ApiError(412, "changed-meanwhile", msg, hint="Get it again and repeat your change.")


def _header_error(code: str, msg: str) -> FieldError:
    return FieldError(loc=["header", "If-Match"], code=code, msg=msg)
