"""The OpenAPI document, and the page that shows it."""

import json

import pytest
from starlette.testclient import TestClient

from hub.access.person import Person
from hub.app.services import Services
from tests.unit.webui.api.conftest import ACTOR, PASSWORD


@pytest.fixture
def document(site: TestClient) -> dict[str, object]:
    found: dict[str, object] = site.get("/api/v1/openapi.json").json()
    return found


def _operations(document: dict[str, object]) -> list[dict[str, object]]:
    paths: dict[str, dict[str, dict[str, object]]] = document["paths"]  # type: ignore[assignment]
    return [operation for methods in paths.values() for operation in methods.values()]


def test_the_document_needs_no_sign_in_and_is_openapi_3_1(document: dict[str, object]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "/api/v1"}]


def test_every_operation_has_an_id_a_summary_a_text_a_permission_and_a_scheme(document: dict[str, object]) -> None:
    operations = _operations(document)
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids)) > 35
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert isinstance(operation["x-permission"], str)
        assert operation["security"] == [{"token": []}]


def test_every_error_is_a_problem(document: dict[str, object]) -> None:
    for operation in _operations(document):
        responses: dict[str, dict[str, dict[str, object]]] = operation["responses"]  # type: ignore[assignment]
        assert {"401", "403", "422", "429", "500", "503"} <= responses.keys()
        for status, response in responses.items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]


def test_nothing_of_the_frameworks_own_errors_is_left(document: dict[str, object]) -> None:
    assert "HTTPValidationError" not in json.dumps(document)


def test_every_post_takes_a_key_and_every_change_a_tag(document: dict[str, object]) -> None:
    paths: dict[str, dict[str, dict[str, list[dict[str, object]]]]] = document["paths"]  # type: ignore[assignment]
    for methods in paths.values():
        for method, operation in methods.items():
            headers = {
                parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "header"
            }
            assert ("Idempotency-Key" in headers) == (method == "post")
            assert ("If-Match" in headers) or method not in ("patch", "put")


def test_no_page_of_the_framework_is_served(site: TestClient) -> None:
    for path in ("/api/v1/docs", "/api/v1/redoc", "/api/v1/docs/oauth2-redirect"):
        assert site.get(path).status_code == 401


def test_the_page_shows_every_operation_and_loads_nothing_from_elsewhere(
    site: TestClient, services: Services, administrator: Person, document: dict[str, object]
) -> None:
    site.cookies.set("sid", services.accounts.sign_in("maria", PASSWORD, ACTOR).session_token)
    page = site.get("/api/docs").text
    for operation in _operations(document):
        assert f'id="{operation["operationId"]}"' in page
    assert 'src="http' not in page
    assert "cdn" not in page.lower()
    assert "curl -H &#39;Authorization: Bearer &#39;$TOKEN http://127.0.0.1:8080/api/v1/recordings" in page


def test_the_page_is_for_those_who_are_signed_in(site: TestClient) -> None:
    assert site.get("/api/docs", follow_redirects=False).status_code == 401
