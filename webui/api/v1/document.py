"""The OpenAPI document: what FastAPI does not say by itself."""

from typing import Any

from webui.api.v1.operation import TOLD
from webui.api.v1.problem import MEDIA_TYPE

_OPERATIONS = ("get", "post", "put", "patch", "delete")

_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of your own, new for each request: sent again with the same request within a day, "
    "it gives the same answer and does nothing twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "6f9b1c2e-4d8a-4f67-9f0e-2b1d0c9a7e55",
}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The document with its security scheme, the key of POST requests, and problems for all errors."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "rh_ and 49 letters and digits",
            "description": "An API token, made on the account page.",
        }
    }
    for unused in ("HTTPValidationError", "ValidationError"):
        components.get("schemas", {}).pop(unused, None)
    for path in document["paths"].values():
        for method in _OPERATIONS:
            if method in path:
                _complete_operation(path[method], method)
    return document


def _complete_operation(operation: dict[str, Any], method: str) -> None:
    operation["security"] = [{"token": []}]
    permission = operation["x-permission"]
    needs = f"Needs the permission `{permission}`." if permission else "Any token will do."
    operation["description"] = f"{operation.get('description', '')}\n\n{needs}".strip()
    if method == "post":
        operation.setdefault("parameters", []).append(_KEY)
    for status in _implied(operation, method):
        operation["responses"].setdefault(str(status), {"description": TOLD[status]})
    operation["responses"] = dict(sorted(operation["responses"].items()))
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            # a problem is never plain application/json
            content = response.get("content", {})
            content.pop("application/json", None)
            response["content"] = {MEDIA_TYPE: content.get(MEDIA_TYPE, {"schema": _PROBLEM})}
        response.setdefault("headers", {})["X-Request-ID"] = _REQUEST_ID


def _implied(operation: dict[str, Any], method: str) -> set[int]:
    """The errors that come with a body, and with a key that is in use."""
    return ({400, 413} if "requestBody" in operation else set()) | ({409} if method == "post" else set())


_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_REQUEST_ID = {"description": "Names this request in the hub's log.", "schema": {"type": "string"}}
