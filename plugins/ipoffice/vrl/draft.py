"""One file of a Voice Recording Library as the hub's neutral draft."""

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hub.sdk import MediaFile, RecordingDraft
from plugins.ipoffice.vrl.filename import NamePattern
from plugins.ipoffice.vrl.reading import Reading
from plugins.ipoffice.vrl.resolve import CallFields, Resolver


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file came from: the server, its name there as text from `os.fsdecode`, and when it was last written."""

    server: str
    name: str
    mtime_ns: int

    @property
    def shown_name(self) -> str:
        r"""The name for people and for the catalog: bytes that are no UTF-8 become \xNN."""
        return os.fsencode(self.name).decode("utf-8", "backslashreplace")

    def identify(self, size_bytes: int, sha256: str) -> str:
        """What makes the recording unique: where it came from and what it holds.

        The same file after a crash gets the same id; the same bytes under another name get another one, and the
        catalog then merges the two, because it also knows where both came from.
        """
        parts = (
            self.server.encode(),
            os.fsencode(self.name),
            b"%d" % self.mtime_ns,
            b"%d" % size_bytes,
            sha256.encode(),
        )
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


class Describer:
    """Makes drafts by the mapping of one site."""

    def __init__(self, resolver: Resolver, name_pattern: NamePattern) -> None:
        self._resolver = resolver
        self._name_pattern = name_pattern

    def fields(self, reading: Reading, origin: Origin) -> CallFields:
        """The fields of a recording, by what its file, its sidecars, its name and the file system say."""
        facts = reading.facts
        self._name_pattern.add_facts(facts, origin.shown_name)
        folder, _, name = origin.shown_name.rpartition("/")
        ended_at = datetime.fromtimestamp(max(0, origin.mtime_ns) / 1e9, UTC)
        for key, value in (("server", origin.server), ("folder", folder), ("name", name)):
            facts.add("file", key, value)
        facts.add("file", "stem", name.rpartition(".")[0] or name)
        facts.add("file", "mtime", ended_at.isoformat())
        fields = self._resolver.resolve(facts, ended_at, reading.audio.duration_s if reading.audio else None)
        if facts.notes:
            fields.extra["reading"] = "; ".join(facts.notes)
        return fields

    def draft(self, reading: Reading, origin: Origin, path: Path, sha256: str) -> RecordingDraft:
        """The draft of the file at `path` with the hash `sha256`."""
        fields = self.fields(reading, origin)
        return RecordingDraft(
            origin_id=origin.identify(reading.size_bytes, sha256),
            origin_server=origin.server,
            origin_name=origin.shown_name,
            started_at=fields.started_at,
            media=(MediaFile(path=path, sha256=sha256),),
            call_id=fields.call_id,
            direction=fields.direction,
            parties=fields.parties,
            owner=fields.owner,
            agent=fields.agent,
            target=fields.target,
            skill=fields.skill,
            notice=fields.notice,
            mixed=fields.mixed,
            merge_same_media=True,
            fields=fields.extra,
            provenance=fields.provenance,
            raw=reading.facts.raw,
            problem=reading.problem,
        )
