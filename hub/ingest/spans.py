"""Spans of time as sorted pairs of (start, stop), without overlaps."""

from collections.abc import Iterable

Span = tuple[int, int]


def unite(spans: Iterable[Span]) -> list[Span]:
    """All that is in one of the spans."""
    united: list[Span] = []
    for start, stop in sorted(spans):
        if start >= stop:
            continue
        if united and start <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], stop)
        else:
            united.append((start, stop))
    return united


def subtract(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """All that is in the spans and in none of the others."""
    left = unite(spans)
    for start, stop in unite(others):
        left = [
            piece
            for first, last in left
            for piece in ((first, min(last, start)), (max(first, stop), last))
            if piece[0] < piece[1]
        ]
    return left


def clip(spans: Iterable[Span], start: int, stop: int) -> list[Span]:
    """All of the spans that is between `start` and `stop`."""
    return unite((max(first, start), min(last, stop)) for first, last in spans)
