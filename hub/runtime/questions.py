"""What the process of a plug-in asks the supervisor: how far a recording has come; to seal something and to open it."""

import asyncio
from base64 import b64decode, b64encode
from typing import Any

import structlog

from hub.catalog.placements import receipt_stage
from hub.db.database import Database
from hub.errors import HubError
from hub.runtime.failure import Failure, FailureKind
from hub.runtime.plugin_seals import PluginSeals
from hub.sdk import NotFound, PluginError, RetryLater

WORDS = frozenset({"stage", "seal", "unseal"})
_log = structlog.get_logger(__name__)


class Questions:
    """Answers them in a thread; sealing needs no database."""

    def __init__(self, db: Database, seals: PluginSeals) -> None:
        self._db = db
        self._seals = seals

    async def answer(self, instance_id: int, message: dict[str, Any]) -> dict[str, Any]:
        """The answer as JSON values: what was asked for, or the failure."""
        try:
            return await asyncio.to_thread(self._find, instance_id, message)
        except PluginError as exc:
            return {"failure": Failure.of(exc).to_json()}
        except Exception as exc:  # noqa: BLE001 - one bad question must not end the supervisor
            _log.exception("question.failed", instance_id=instance_id, question=message["says"])
            return {"failure": Failure(kind=FailureKind.RETRY_LATER, message=f"The hub failed: {exc!r}.").to_json()}

    def _find(self, instance_id: int, message: dict[str, Any]) -> dict[str, Any]:
        match message["says"]:
            case "seal":
                return {"sealed": self._seals.seal(instance_id, b64decode(message["plain"]))}
            case "unseal":
                return {"plain": b64encode(self._seals.unseal(instance_id, str(message["sealed"]))).decode()}
        return {"stage": self._stage_of(str(message["receipt_id"]))}

    def _stage_of(self, receipt_id: str) -> str:
        try:
            with self._db.read() as session:
                stage = receipt_stage(session, receipt_id)
        except HubError as exc:
            raise RetryLater(str(exc), hint=exc.hint) from exc
        if stage is None:
            raise NotFound("The hub knows no such receipt.")
        return stage.value
