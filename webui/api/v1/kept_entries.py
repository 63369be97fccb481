"""What the operations on recording rules, time profiles and calendars have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Path, Request, Response

from hub.app.services import Services
from hub.audit.actor import Actor
from hub.rules.book import parse
from hub.rules.entry import Entry
from webui.api.v1.conditional import IF_MATCH, check_match, put_tag
from webui.api.v1.operation import operation
from webui.api.v1.schemas.shape import In, Out
from webui.api.v1.values import Id

E = TypeVar("E", bound=Entry)
O = TypeVar("O", bound=Out)  # noqa: E741 - the counterpart of In
EntryId = Annotated[Id, Path(description="Which one.")]
NEEDS_MATCH: Mapping[str, Any] = {"parameters": [{**IF_MATCH, "required": True}]}
TAKES_MATCH: Mapping[str, Any] = {"parameters": [{**IF_MATCH, "required": False}]}


@dataclass(frozen=True, slots=True)
class Kept(Generic[E, O]):
    """One kind of entry, and how the API shows it."""

    kind: type[E]
    shown: type[O]

    def show(self, entry: E, response: Response) -> O:
        """The entry as the answer, with its revision as the ETag."""
        put_tag(response, entry.revision)
        return self.shown.model_validate(entry)

    def all(self, hub: Services) -> list[O]:
        """All of the kind, in their order."""
        return [self.shown.model_validate(entry) for entry in hub.rules.load().shelf(self.kind)]

    def get(self, hub: Services, entry_id: int, response: Response) -> O:
        """One of them. Raises: EntryMissing."""
        return self.show(hub.rules.get(self.kind, entry_id), response)

    def add(self, hub: Services, body: In, actor: Actor, request: Request, response: Response) -> O:
        """Keep a new one. Raises: EntryRefused."""
        made = hub.rules.add(parse(self.kind, body.model_dump()), actor)
        shown = self.show(made, response)
        response.headers["Location"] = f"{request.url.path}/{shown.model_dump()['id']}"
        return shown

    def change(self, hub: Services, entry_id: int, body: In, actor: Actor, request: Request, response: Response) -> O:
        """Replace one. Raises: EntryMissing, EntryChanged, EntryRefused, ApiError."""
        before = hub.rules.get(self.kind, entry_id)
        check_match(request, before.revision)
        entry = parse(self.kind, {**body.model_dump(), "id": entry_id})
        return self.show(hub.rules.change(entry, before.revision, actor), response)

    def delete(self, hub: Services, entry_id: int, actor: Actor, request: Request) -> None:
        """Forget one. Raises: EntryMissing, EntryChanged, EntryInUse, ApiError."""
        before = hub.rules.get(self.kind, entry_id)
        check_match(request, before.revision, required=False)
        hub.rules.delete(self.kind, entry_id, actor, before.revision)


def changing(operation_id: str, summary: str) -> dict[str, Any]:
    """The declaration of an operation that replaces an entry."""
    return operation(operation_id, summary, "rule.change", errors=[404, 412, 428], openapi_extra=dict(NEEDS_MATCH))


def deleting(operation_id: str, summary: str) -> dict[str, Any]:
    """The declaration of an operation that deletes an entry."""
    return operation(operation_id, summary, "rule.change", errors=[404, 409, 412], openapi_extra=dict(TAKES_MATCH))
