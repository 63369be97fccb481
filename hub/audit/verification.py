"""Proving that nobody changed, removed or reordered a line of the trail."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from hub.audit.action import Action
from hub.audit.chain import GENESIS, Head, commitment, line_hash
from hub.audit.models import AuditLine, AuditPrivate, AuditSegment
from hub.audit.sealing import head
from hub.db.database import Database

_CHUNK = 5_000
_PROBLEMS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One break. seq: where, 0 if it concerns the whole. what: a constant such as "changed"; text: for people."""

    seq: int
    what: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a walk through the whole chain found.

    lines: sealed and proven. dropped: lines of expired segments, of which only the hash is kept. erased: private values
    that were erased on purpose. unsealed: lines of the last second. head: the proven end of the chain.
    """

    intact: bool
    lines: int
    dropped: int
    erased: int
    unsealed: int
    head: Head | None
    problems: tuple[Problem, ...] = ()


def verify(db: Database, known: Head | None = None) -> Verdict:
    """Walk the chain from its first line to its head.

    known: a head that was kept elsewhere; it must be part of this chain.
    Raises: DatabaseAway.
    """
    with db.read() as session:
        walk = _Walk(session, known)
        walk.go()
        return walk.verdict()


@dataclass
class _Walk:
    """One pass in the order of the chain, chunk by chunk."""

    session: Session
    known: Head | None
    seq: int = 0
    digest: bytes = GENESIS
    lines: int = 0
    dropped: int = 0
    problems: list[Problem] = field(default_factory=list)
    missing: set[tuple[int, str]] = field(default_factory=set)
    erasures: list[tuple[frozenset[int], frozenset[str]]] = field(default_factory=list)
    announced_drops: set[int] = field(default_factory=set)

    def go(self) -> None:
        segments = list(self.session.scalars(select(AuditSegment).order_by(AuditSegment.first_seq)))
        gone = {segment.first_seq: segment for segment in segments if segment.dropped_ms is not None}
        ends = {segment.last_seq: segment for segment in segments}
        self._skip(gone)
        for line, private in self._stored():
            self._skip(gone)
            self._check_line(line, private)
            closing = ends.get(self.seq)
            if closing is not None and closing.last_hash != self.digest.hex():
                self._break(self.seq, "segment", f"the end of day {closing.day} is not what was recorded that day")
        self._skip(gone)
        self._check_end()
        self._check_drops(gone)

    def verdict(self) -> Verdict:
        covered = {
            (line_id, key) for line_ids, keys in self.erasures for line_id in line_ids for key in keys
        } & self.missing
        for line_id, key in sorted(self.missing - covered):
            self._break(0, "private_missing", f"line {line_id} lost its {key} without an erasure being recorded")
        unsealed = self.session.scalar(select(func.count()).select_from(AuditLine).where(AuditLine.seq.is_(None))) or 0
        return Verdict(
            intact=not self.problems,
            lines=self.lines,
            dropped=self.dropped,
            erased=len(covered),
            unsealed=unsealed,
            head=head(self.session),
            problems=tuple(self.problems[:_PROBLEMS_SHOWN]),
        )

    def _stored(self) -> Iterator[tuple[Row[Any], dict[str, tuple[bytes, str]]]]:
        """Sealed lines in order, each with its private values: key -> (salt, value)."""
        table, private = AuditLine.table(), AuditPrivate.table()
        last = 0
        while True:
            lines = self.session.execute(
                select(table).where(table.c.seq > last).order_by(table.c.seq).limit(_CHUNK)
            ).all()
            if not lines:
                return
            last = lines[-1].seq
            values: dict[int, dict[str, tuple[bytes, str]]] = {}
            of_these = select(table.c.id).where(table.c.seq.between(lines[0].seq, last))
            for row in self.session.execute(select(private).where(private.c.line_id.in_(of_these))):
                values.setdefault(row.line_id, {})[row.key] = (row.salt, row.value)
            for line in lines:
                yield line, values.get(line.id, {})

    def _skip(self, gone: dict[int, AuditSegment]) -> None:
        """Step over dropped segments: their last hash carries the chain on."""
        while (segment := gone.get(self.seq + 1)) is not None:
            self.dropped += segment.last_seq - self.seq
            self.seq, self.digest = segment.last_seq, bytes.fromhex(segment.last_hash)
            self._check_known()

    def _check_line(self, line: Row[Any], private: dict[str, tuple[bytes, str]]) -> None:
        if line.seq != self.seq + 1:
            self._break(self.seq + 1, "removed", f"lines {self.seq + 1} to {line.seq - 1} are missing")
        self.seq = line.seq
        expected = line_hash(self.digest, line.seq, line)
        if expected.hex() != line.hash:
            self._break(line.seq, "changed", f"line {line.id} ({line.action}) does not follow from the one before")
        self.digest = bytes.fromhex(line.hash)
        self.lines += 1
        self._check_private(line, private)
        self._check_known()
        if line.action == Action.AUDIT_ERASE:
            self.erasures.append((frozenset(line.facts["lines"]), frozenset(line.facts["keys"])))
        elif line.action == Action.AUDIT_DROP:
            self.announced_drops.add(line.facts["day"])

    def _check_private(self, line: Row[Any], private: dict[str, tuple[bytes, str]]) -> None:
        for key, promised in line.commitments.items():
            if key not in private:
                self.missing.add((line.id, key))
            elif commitment(private[key][0], key, private[key][1]) != promised:
                self._break(line.seq, "private_changed", f"{key} of line {line.id} was changed")
        for key in private.keys() - line.commitments.keys():
            self._break(line.seq, "private_added", f"{key} was added to line {line.id}")

    def _check_known(self) -> None:
        if self.known is not None and self.known.seq == self.seq and self.known.hash != self.digest.hex():
            self._break(self.seq, "known_head", "the chain differs from the head that was kept elsewhere")

    def _check_end(self) -> None:
        end = head(self.session)
        if end is None and self.seq:
            self._break(0, "head", "the chain has lines and no head")
        elif end is not None and (end.seq, end.hash) != (self.seq, self.digest.hex()):
            self._break(self.seq, "head", f"the chain ends at line {self.seq}, its head says {end.seq}")
        if self.known is not None and self.known.seq > self.seq:
            self._break(self.seq, "known_head", f"the chain ended at line {self.known.seq} before, now at {self.seq}")

    def _check_drops(self, gone: dict[int, AuditSegment]) -> None:
        for segment in gone.values():
            if segment.day not in self.announced_drops:
                self._break(0, "dropped", f"day {segment.day} was dropped without a line that says so")

    def _break(self, seq: int, what: str, text: str) -> None:
        self.problems.append(Problem(seq, what, text))
