"""What the hub's own errors become for clients of the API."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hub.access.errors import AccessError, Forbidden, InvalidEntry, NotThere, PasswordRefused, SignInRefused
from hub.db.errors import DatabaseAway, DatabaseBroken
from hub.ingest.spool import SpoolAway
from hub.rules.errors import EntryChanged, EntryInUse, EntryMissing, EntryRefused, RuleError
from hub.runtime.failure import SupervisorAway
from hub.runtime.instances import InstanceMissing
from hub.vault.stream import FileMissing, StoreAway
from webui.api.v1.conditional import changed_meanwhile
from webui.api.v1.methods import allowed_methods
from webui.api.v1.problem import ApiError, FieldError, answer

_CODES = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    416: "range-not-satisfiable",
}
_RETRY = {"Retry-After": "5"}


def invalid(errors: Iterable[FieldError], hint: str = "") -> ApiError:
    """422 with every value that was not taken, named in the text too."""
    listed = list(errors)
    named = "; ".join(f"{'.'.join(str(part) for part in error.loc)}: {error.msg}" for error in listed)
    return ApiError(422, "invalid", named or "The request is not valid.", hint=hint, errors=listed)


def body_field(field: str, msg: str, code: str = "invalid") -> FieldError:
    """The error of one field of the body; `field` may be a dotted path."""
    loc: list[str | int] = ["body", *(int(part) if part.isdigit() else part for part in field.split(".") if part)]
    return FieldError(loc=loc, code=code, msg=msg)


def unexpected(request: Request, failure: Exception) -> Response:
    """500 that tells nothing but the request's id."""
    del failure
    detail = "Something went wrong in the hub; its log has the details under this request's id."
    return answer(request, ApiError(500, "internal", detail))


def _from_framework(request: Request, failure: Exception) -> Response:
    assert isinstance(failure, HTTPException)
    headers = dict(failure.headers or {})
    if failure.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        path = request.url.path.removeprefix(request.scope.get("root_path", ""))
        headers["Allow"] = ", ".join(allowed_methods(request.app.openapi(), path))
    code = _CODES.get(failure.status_code, "error")
    return answer(request, ApiError(failure.status_code, code, str(failure.detail), headers=headers))


def _from_validation(failure: RequestValidationError) -> ApiError:
    return invalid(
        FieldError(loc=list(error["loc"]), code=str(error["type"]), msg=_said(error)) for error in failure.errors()
    )


def _said(error: dict[str, Any]) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "json_invalid":
        text = f"{text}: {error.get('ctx', {}).get('error', '')}"
    return text


def _from_access(failure: AccessError) -> ApiError:
    match failure:
        case Forbidden():
            return ApiError(403, "forbidden", str(failure), hint=failure.hint)
        case NotThere():
            return ApiError(404, "not-found", str(failure), hint=failure.hint)
        case InvalidEntry():
            return invalid([body_field(failure.field, str(failure))], failure.hint)
        case PasswordRefused():
            return invalid([body_field("password", str(failure), failure.code)], failure.hint)
        case SignInRefused():
            headers = {"Retry-After": str(failure.retry_after_s)} if failure.retry_after_s else {}
            return ApiError(429, "too-many-tries", str(failure), hint=failure.hint, headers=headers)
    return ApiError(403, "forbidden", str(failure), hint=failure.hint)


def database_away(failure: Exception | None = None) -> ApiError:
    """503: where the database is and what it said is the administrator's affair, not the client's."""
    del failure
    detail = "The hub's database does not answer now; nothing was changed."
    return ApiError(503, "database-away", detail, headers=_RETRY)


def _from_missing_file(failure: FileMissing) -> ApiError:
    return ApiError(404, "media-missing", str(failure) or "Every store that should hold it answered, and none has it.")


def _from_away(failure: StoreAway | SpoolAway | SupervisorAway) -> ApiError:
    return ApiError(503, "away", str(failure), hint=failure.hint, headers=_RETRY)


def _from_missing(failure: InstanceMissing) -> ApiError:
    return ApiError(404, "not-found", str(failure), hint=failure.hint)


def _from_rules(failure: RuleError) -> ApiError:
    match failure:
        case EntryMissing():
            return ApiError(404, "not-found", str(failure), hint=failure.hint)
        case EntryChanged():
            return changed_meanwhile()
        case EntryInUse():
            return ApiError(409, "in-use", str(failure), hint=failure.hint)
        case EntryRefused():
            return invalid(body_field(field, text) for field, texts in failure.by_field.items() for text in texts)
    return ApiError(409, "not-possible", str(failure), hint=failure.hint)


Handler = Callable[[Request, Exception], Response]


def handler(convert: Callable[[Any], ApiError]) -> Handler:
    """An exception handler for FastAPI out of a conversion."""

    def handle(request: Request, failure: Exception) -> Response:
        return answer(request, convert(failure))

    return handle


def install(app: FastAPI) -> None:
    """Answer with problems to all that can go wrong, the framework's own errors included."""
    app.add_exception_handler(ApiError, handler(lambda failure: failure))
    app.add_exception_handler(HTTPException, _from_framework)
    app.add_exception_handler(RequestValidationError, handler(_from_validation))
    app.add_exception_handler(AccessError, handler(_from_access))
    app.add_exception_handler(DatabaseAway, handler(database_away))
    app.add_exception_handler(DatabaseBroken, handler(database_away))
    app.add_exception_handler(RuleError, handler(_from_rules))
    app.add_exception_handler(FileMissing, handler(_from_missing_file))
    app.add_exception_handler(StoreAway, handler(_from_away))
    app.add_exception_handler(SpoolAway, handler(_from_away))
    app.add_exception_handler(SupervisorAway, handler(_from_away))
    app.add_exception_handler(InstanceMissing, handler(_from_missing))
