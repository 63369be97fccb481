"""What a recording lacks, taken from another device's recording of the same call; runs in the desk's process.

Only what is missing is taken: gaps that the timeline tells of, and sound before the first or behind the last of a
channel. Pauses and keys of either stay as they are. The same packets' sound lies on both sides of a join, so that it is
made where both agree, and is not heard.
"""

import wave
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from hub.catalog.prepared import TakeState
from hub.ingest.alignment import Aligned, align, refine
from hub.ingest.decode import NotAudio
from hub.ingest.pcm import Samples
from hub.ingest.sounds import Sound, unfold
from hub.ingest.spans import Span, clip, subtract, unite

MENDED_NAME = "mended.wav"
_SHORTEST_S = 0.02
_FADE_S = 0.005
_FRAME_S = 0.01
_NEAR_S = 0.5  # how far from the end of a gap its sound may be concealed or late
_MARGIN_S = 0.06
_LISTEN_S = 1.0
_DRIFT_S = 0.03
_SILENT = 32
_AGREEING = 0.02
_NOISE = 8.0
_BLOCK_S = 10
_DATA_MAX_BYTES = 4_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be mended.

    base, take: media files. folder: where the result and all that is in between goes. rate_hz: of the result.
    offset_s: how much later than in the base the clocks say that a moment comes in the take. longest_s: how long the
    result may be. gaps: what the base lacks: (channel, None for all; from, until). base_shut, take_shut: never
    filled of one, never taken of the other. take_gaps: what the take lacks itself. All in seconds of their recording.
    """

    base: str
    take: str
    folder: str
    rate_hz: int
    offset_s: float
    longest_s: float | None
    gaps: list[tuple[int | None, float, float]]
    base_shut: list[tuple[float, float]]
    take_gaps: list[tuple[int | None, float, float]]
    take_shut: list[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What came of it. lead_s: how much earlier it now begins. offset_s: the true one.

    filled: (channel, from, until) in seconds of the result.
    """

    state: TakeState
    lead_s: float = 0.0
    duration_s: float = 0.0
    offset_s: float = 0.0
    filled: tuple[tuple[int, float, float], ...] = ()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        filled = tuple((channel, at_s, until_s) for channel, at_s, until_s in data["filled"])
        return cls(**(data | {"state": TakeState(data["state"]), "filled": filled}))

    def to_json(self) -> dict[str, Any]:
        """It as JSON values."""
        return asdict(self) | {"state": self.state.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Some of the take that is laid over one channel of the base, in samples of the base."""

    channel: int
    start: int
    stop: int
    source: Aligned
    fades_in: bool = True
    fades_out: bool = True


def mend(order: Order, on_progress: Callable[[], None]) -> Mended:
    """Align, find what is missing, and write MENDED_NAME into the folder if something was filled.

    Raises: OSError (the disk).
    """
    folder = Path(order.folder)
    try:
        base = unfold(Path(order.base), folder / "base.raw", order.rate_hz, on_progress)
        mono = base.channels == 1
        take = unfold(Path(order.take), folder / "take.raw", order.rate_hz, on_progress, mono=mono)
    except NotAudio:
        return Mended(state=TakeState.UNLIKE)
    aligned = align(base, take, round(order.offset_s * order.rate_hz), on_progress)
    if not aligned:
        return Mended(state=TakeState.UNLIKE)
    return _Mending(order, base, take, aligned, on_progress).run(folder / MENDED_NAME)


class _Mending:
    """One base and its take, which are known to be alike."""

    def __init__(
        self, order: Order, base: Sound, take: Sound, aligned: dict[int, Aligned], on_progress: Callable[[], None]
    ) -> None:
        self._order = order
        self._base = base
        self._take = take
        self._aligned = aligned
        self._on_progress = on_progress

    def run(self, target: Path) -> Mended:
        """Fill what is missing."""
        holes = self._within_longest({channel: self._find_holes(channel) for channel in self._aligned})
        pieces = [piece for channel, spans in holes.items() for span in spans for piece in self._cut(channel, span)]
        rate = self._base.rate_hz
        offset_s = next(iter(self._aligned.values())).offset / rate
        if not pieces:
            return Mended(state=TakeState.NOTHING_NEW, offset_s=offset_s)
        first = min(0, *(start for spans in holes.values() for start, _ in spans))
        last = max(self._base.length, *(stop for spans in holes.values() for _, stop in spans))
        self._write(target, pieces, first, last)
        return Mended(
            state=TakeState.FILLED,
            lead_s=-first / rate,
            duration_s=(last - first) / rate,
            offset_s=offset_s,
            filled=tuple(
                (channel, (start - first) / rate, (stop - first) / rate)
                for channel, spans in holes.items()
                for start, stop in spans
            ),
        )

    def _find_holes(self, channel: int) -> list[Span]:
        """What a channel lacks and the take has, in samples of the base."""
        source, order = self._aligned[channel], self._order
        has = (-source.offset, self._take.length - source.offset)
        shut = self._shut(source)
        gaps = clip(self._samples(_of_channel(order.gaps, channel)), 0, self._base.length)
        sounding = _find_sound(self._base, channel, 0, self._base.length, self._on_progress)
        first, last = sounding or (has[1], has[1])  # of a channel without any sound all is missing
        ends = [(has[0], min(first, has[1])), (max(last, has[0]), has[1])]
        edges = [edge for span in subtract(ends, [*shut, *gaps]) if (edge := self._trim(span, source))]
        shortest = round(_SHORTEST_S * self._base.rate_hz)
        whole = unite([*subtract(clip(gaps, *has), shut), *edges])
        return [span for span in whole if span[1] - span[0] >= shortest]

    def _shut(self, source: Aligned) -> list[Span]:
        """Where nothing of the take may be laid, in samples of the base."""
        order, shift = self._order, -source.offset
        own, lacking = self._samples(order.base_shut), _of_channel(order.take_gaps, source.channel)
        return unite([*own, *self._samples(order.take_shut, shift), *self._samples(lacking, shift)])

    def _trim(self, span: Span, source: Aligned) -> Span | None:
        """Where the take sounds at all within the span."""
        start, stop = (place + source.offset for place in span)
        sounding = _find_sound(self._take, source.channel, start, stop, self._on_progress)
        return sounding and (sounding[0] - source.offset, sounding[1] - source.offset)

    def _samples(self, spans: list[tuple[float, float]], shift: int = 0) -> list[Span]:
        rate = self._base.rate_hz
        return unite((round(at_s * rate) + shift, round(until_s * rate) + shift) for at_s, until_s in spans)

    def _within_longest(self, holes: dict[int, list[Span]]) -> dict[int, list[Span]]:
        """The holes as far as the result does not become longer than it may."""
        longest_s, length = self._order.longest_s, self._base.length
        if longest_s is None:
            return holes
        room = max(round(longest_s * self._base.rate_hz) - length, 0)
        first = -min(room, max((-spans[0][0] for spans in holes.values() if spans), default=0))
        first = min(first, 0)
        kept = {channel: clip(spans, first, length + room + first) for channel, spans in holes.items()}
        shortest = round(_SHORTEST_S * self._base.rate_hz)
        return {channel: [span for span in spans if span[1] - span[0] >= shortest] for channel, spans in kept.items()}

    def _cut(self, channel: int, span: Span) -> Iterator[_Piece]:
        """The piece of the take for a hole; two where clocks went apart within it."""
        rate, source = self._base.rate_hz, self._aligned[channel]
        listen, slack, near = (round(each * rate) for each in (_LISTEN_S, _DRIFT_S, _NEAR_S))
        start, stop = span
        before = after = source.offset
        if start > 0:
            heard = (max(start - near - listen, 0), max(start - near // 4, 0))
            before = refine(self._base, self._take, channel, source, heard, slack)
        if stop < self._base.length:
            heard = (min(stop + near // 4, self._base.length), min(stop + near + listen, self._base.length))
            after = refine(self._base, self._take, channel, source, heard, slack)
        before, after = (after if start <= 0 else before), (before if stop >= self._base.length else after)
        early, late = Aligned(source.channel, before), Aligned(source.channel, after)
        joins_in, joins_out = start > 0, stop < self._base.length
        forbidden = self._shut(source)
        room_in = start - max((each for _, each in forbidden if each <= start), default=0)
        room_out = min((each for each, _ in forbidden if each >= stop), default=self._base.length) - stop
        first = self._meet(channel, early, start, -min(room_in, start)) if joins_in else start
        last = self._meet(channel, late, stop, min(room_out, self._base.length - stop)) if joins_out else stop
        if before == after:
            yield _Piece(channel=channel, start=first, stop=last, source=early, fades_in=joins_in, fades_out=joins_out)
            return
        middle = (start + stop) // 2
        fade = round(_FADE_S * rate)
        yield _Piece(channel=channel, start=first, stop=middle + fade, source=early, fades_in=joins_in, fades_out=False)
        yield _Piece(channel=channel, start=middle, stop=last, source=late, fades_out=joins_out)

    def _meet(self, channel: int, source: Aligned, edge: int, room: int) -> int:
        """Where, from the edge of a hole outwards, both recordings have the same sound again.

        room: how far may be gone, in samples, negative for back; nothing of the take is laid over what lies beyond.
        """
        rate = self._base.rate_hz
        frame, margin = round(_FRAME_S * rate), min(round(_MARGIN_S * rate), abs(room))
        count = min(round(_NEAR_S * rate), abs(room)) // frame
        start = edge - count * frame if room < 0 else edge
        stop = start + count * frame
        mine = self._base.read(start, stop)[:, channel].astype(np.float64).reshape(count, frame)
        theirs = self._take.read(start + source.offset, stop + source.offset)[:, source.channel]
        other = theirs.astype(np.float64).reshape(count, frame)
        apart = ((mine - other) ** 2).sum(axis=1)
        agrees = apart <= _AGREEING * ((mine**2).sum(axis=1) + (other**2).sum(axis=1)) + frame * _NOISE**2
        places = np.flatnonzero(agrees)
        if room < 0:
            return start + int(places[-1]) * frame if len(places) else edge - margin
        return start + (int(places[0]) + 1) * frame if len(places) else edge + margin

    def _write(self, target: Path, pieces: list[_Piece], first: int, last: int) -> None:
        rate, channels = self._base.rate_hz, self._base.channels
        if (last - first) * channels * 2 > _DATA_MAX_BYTES:
            raise OSError(f"the mended sound of {(last - first) / rate:.0f} s is too long for one file")
        with wave.open(str(target), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            for at, block in self._base.blocks(first, last, _BLOCK_S * rate):
                self._on_progress()
                for piece in pieces:
                    self._lay(block, at, piece)
                file.writeframesraw(np.ascontiguousarray(block, "<i2").data)

    def _lay(self, block: Samples, at: int, piece: _Piece) -> None:
        """Lay what of a piece falls into a block, which begins at `at`, over it."""
        start, stop = max(piece.start, at), min(piece.stop, at + len(block))
        if start >= stop:
            return
        fade = min(round(_FADE_S * self._base.rate_hz), max((piece.stop - piece.start) // 2, 1))
        places = np.arange(start, stop)
        weight = np.ones(stop - start)
        if piece.fades_in:
            weight = np.minimum(weight, (places - piece.start + 1) / (fade + 1))
        if piece.fades_out:
            weight = np.minimum(weight, (piece.stop - places) / (fade + 1))
        source = piece.source
        theirs = self._take.read(start + source.offset, stop + source.offset)[:, source.channel]
        mine = block[start - at : stop - at, piece.channel]
        block[start - at : stop - at, piece.channel] = np.rint(mine * (1 - weight) + theirs * weight).astype(np.int16)


def _of_channel(gaps: list[tuple[int | None, float, float]], channel: int) -> list[tuple[float, float]]:
    return [(at_s, until_s) for of, at_s, until_s in gaps if of is None or of == channel]


def _find_sound(sound: Sound, channel: int, start: int, stop: int, on_progress: Callable[[], None]) -> Span | None:
    """From the first to behind the last sample that is not silent."""
    first = last = -1
    for at, block in sound.blocks(start, stop, _BLOCK_S * sound.rate_hz):
        on_progress()
        loud = np.flatnonzero(np.abs(block[:, channel].astype(np.int32)) > _SILENT)
        if len(loud):
            first = at + int(loud[0]) if first < 0 else first
            last = at + int(loud[-1])
    return None if first < 0 else (first, last + 1)
