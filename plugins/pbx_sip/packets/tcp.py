"""TCP streams put together from the segments that were seen of them.

Source: RFC 9293 3.4 (sequence numbers) and 3.10.7. A capture is no receiver: it may begin in the middle, miss segments
that arrived, and see each of them more than once; what was seen first of a byte stands.
"""

from dataclasses import dataclass, field

FIN = 1
SYN = 2
RST = 4
ACK = 16

CONNECTIONS_MAX = 16_384
IDLE_S = 3600
GAP_S = 3
WINDOW_BYTES = 1 << 20  # a segment farther off than this begins anew
HELD_SEGMENTS_MAX = 256
HELD_BYTES_MAX = 256 << 10
HELD_TOTAL_BYTES_MAX = 64 << 20
_OVERHEAD_BYTES = 128
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpSegment:
    """A segment as captured; source and target are endpoint keys, time_ns is since 1970, UTC."""

    source: int
    target: int
    time_ns: int
    sequence: int
    flags: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamData:
    """The next bytes from source to target in a connection, which is a number no other connection has.

    time_ns: when they were captured. lost_bytes: how many were missed just before them. is_last: no more follow.
    """

    connection: int
    source: int
    target: int
    time_ns: int
    data: bytes = b""
    lost_bytes: int = 0
    is_last: bool = False


@dataclass(slots=True)
class _Way:
    """One direction of a connection; positions count bytes and never wrap.

    position: of the next byte. first: that of the byte after the SYN, if this was seen. end: where it was closed. held:
    what came too early, by position.
    """

    connection: int
    source: int
    target: int
    is_begun: bool = False
    position: int = 0
    first: int | None = None
    end: int | None = None
    is_closed: bool = False
    held: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    held_bytes: int = 0
    gap_since_ns: int = 0

    def begin(self, sequence: int, *, is_first: bool) -> None:
        """The next byte has this sequence number; whether it is the very first."""
        self.position = sequence & 0xFFFFFFFF
        self.first = self.position if is_first else None
        self.is_begun = True

    def locate(self, sequence: int) -> int:
        """The position that a sequence number means: the one that is nearest to the next byte."""
        return self.position + ((sequence - self.position + 0x80000000) & 0xFFFFFFFF) - 0x80000000

    def give(self, data: bytes, time_ns: int, lost_bytes: int = 0) -> StreamData:
        """Bytes at the present position, which moves behind them."""
        self.position += len(data)
        self.is_closed = self.end is not None and self.position >= self.end
        if self.is_closed:
            self.held.clear()
            self.held_bytes = 0
        return StreamData(
            connection=self.connection,
            source=self.source,
            target=self.target,
            time_ns=time_ns,
            data=data,
            lost_bytes=lost_bytes,
            is_last=self.is_closed,
        )

    def hold(self, position: int, data: bytes, time_ns: int) -> None:
        """Keep bytes that came too early; of two that begin at the same place the longer."""
        known, _ = self.held.get(position, (b"", 0))
        if len(data) > len(known):
            self.held[position] = (data, time_ns)
            self.held_bytes += len(data) - len(known) + (0 if known else _OVERHEAD_BYTES)

    def take_held(self) -> list[StreamData]:
        """What was held and follows without a gap."""
        given = []
        while self.held:
            start = min(self.held)
            if start > self.position:
                break
            data, time_ns = self.held.pop(start)
            self.held_bytes -= len(data) + _OVERHEAD_BYTES
            if start + len(data) > self.position:
                given.append(self.give(data[self.position - start :], time_ns))
        return given

    def skip_gap(self) -> list[StreamData]:
        """Do without what is missing before the first bytes held."""
        start = min(self.held)
        data, time_ns = self.held.pop(start)
        self.held_bytes -= len(data) + _OVERHEAD_BYTES
        lost_bytes, self.position = start - self.position, start
        return [self.give(data, time_ns, lost_bytes), *self.take_held()]

    def close(self, time_ns: int) -> list[StreamData]:
        """All that is held, whatever is missing, and that no more follows; nothing if that was said."""
        given = []
        while self.held:
            given += self.skip_gap()
        if self.is_begun and not self.is_closed:
            self.end = self.position
            given.append(self.give(b"", time_ns))
        self.is_closed = True
        return given


@dataclass(slots=True)
class _Connection:
    """Both directions, by their source, and when a segment was last seen of either."""

    ways: dict[int, _Way]
    seen_ns: int = 0


class TcpStreams:
    """Connections between endpoints; memory is bounded for each and in total, and a gap is given up after a while."""

    def __init__(self) -> None:
        self._connections: dict[tuple[int, int], _Connection] = {}  # the one that was silent longest first
        self._gaps: dict[tuple[int, int], _Way] = {}  # by connection and source, the oldest gap first
        self._held_bytes = 0
        self._number = 0

    def add(self, segment: TcpSegment) -> list[StreamData]:
        """What can be read now that a segment came, on its way and on others that have waited long enough."""
        pair = (min(segment.source, segment.target), max(segment.source, segment.target))
        given: list[StreamData] = []
        connection = self._connections.pop(pair, None)
        if connection is None or _begins_anew(connection, segment):
            given += self._end(connection, segment.time_ns)
            connection = self._open(segment)
        connection.seen_ns = segment.time_ns
        self._connections[pair] = connection
        way = connection.ways[segment.source]
        if not segment.flags & RST:
            given += self._receive(way, segment)
        elif not way.is_begun or _is_near(way, segment.sequence):
            given += self._end(connection, segment.time_ns)
        return given + self.expire(segment.time_ns)

    def expire(self, now_ns: int) -> list[StreamData]:
        """What is read because gaps before it are given up, and the ends of connections long silent."""
        given: list[StreamData] = []
        while self._gaps:
            way = next(iter(self._gaps.values()))
            if abs(now_ns - way.gap_since_ns) < GAP_S * _SECOND_NS and self._held_bytes <= HELD_TOTAL_BYTES_MAX:
                break
            given += self._skip_gap(way)
        while self._connections:
            pair, oldest = next(iter(self._connections.items()))
            if len(self._connections) <= CONNECTIONS_MAX and abs(now_ns - oldest.seen_ns) < IDLE_S * _SECOND_NS:
                break
            del self._connections[pair]
            given += self._end(oldest, now_ns)
        return given

    def close(self) -> list[StreamData]:
        """All that is left when nothing more comes."""
        given = [
            data for connection in self._connections.values() for data in self._end(connection, connection.seen_ns)
        ]
        self._connections.clear()
        return given

    def _open(self, segment: TcpSegment) -> _Connection:
        self._number += 1
        ends = (segment.source, segment.target), (segment.target, segment.source)
        ways = {source: _Way(self._number, source, target) for source, target in ends}
        return _Connection(ways)

    def _end(self, connection: _Connection | None, time_ns: int) -> list[StreamData]:
        given = []
        for way in connection.ways.values() if connection else ():
            self._held_bytes -= way.held_bytes
            self._gaps.pop((way.connection, way.source), None)
            given += way.close(time_ns)
        return given

    def _receive(self, way: _Way, segment: TcpSegment) -> list[StreamData]:
        sequence = segment.sequence + (1 if segment.flags & SYN else 0)
        if not way.is_begun:
            way.begin(sequence, is_first=segment.flags & SYN != 0)
        if way.is_closed:
            return []
        start = way.locate(sequence)
        data = segment.payload[max(0, way.position - start) :]
        start = max(start, way.position)
        if segment.flags & FIN and way.end is None:
            way.end = max(start + len(data), way.position)
        if way.end is not None:
            data = data[: max(0, way.end - start)]
        held_before = way.held_bytes
        given = []
        if start > way.position and data:
            way.hold(start, data, segment.time_ns)
        elif data or way.position == way.end:
            given = [way.give(data, segment.time_ns), *way.take_held()]
        self._held_bytes += way.held_bytes - held_before
        while len(way.held) > HELD_SEGMENTS_MAX or way.held_bytes > HELD_BYTES_MAX:
            given += self._skip_gap(way)
        self._watch_gap(way, has_moved=bool(given))
        return given

    def _skip_gap(self, way: _Way) -> list[StreamData]:
        held_before = way.held_bytes
        given = way.skip_gap()
        self._held_bytes += way.held_bytes - held_before
        self._watch_gap(way, has_moved=True)
        return given

    def _watch_gap(self, way: _Way, *, has_moved: bool) -> None:
        """Note since when a way waits for the bytes that it waits for now."""
        name = (way.connection, way.source)
        if has_moved:
            self._gaps.pop(name, None)
        if way.held and name not in self._gaps:
            _, way.gap_since_ns = way.held[min(way.held)]
            self._gaps[name] = way


def _is_near(way: _Way, sequence: int) -> bool:
    return abs(way.locate(sequence) - way.position) <= WINDOW_BYTES


def _begins_anew(connection: _Connection, segment: TcpSegment) -> bool:
    """Whether a segment is of another connection between the same endpoints, one whose end was not seen or is past."""
    way = connection.ways[segment.source]
    if segment.flags & RST:
        return False
    if not segment.flags & SYN:
        return way.is_begun and not _is_near(way, segment.sequence)
    first = segment.sequence + 1 & 0xFFFFFFFF
    if way.is_closed:
        return first != way.first
    if not way.is_begun:  # the answer to a SYN may be captured before it
        others = (other for other in connection.ways.values() if other.is_begun)
        return not segment.flags & ACK and any(other.position != other.first for other in others)
    return first != way.first if way.first is not None else not _is_near(way, first)
