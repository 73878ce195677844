"""Sets of completion indexes, written as Kubernetes writes them: `1,3-5,7`. Kept as spans, so that a million indexes
in a row cost as much as one."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Span = tuple[int, int]
"""First and last, both in it."""


class IndexesError(ValueError):
    """Not a set of indexes; the text is a sentence."""


@dataclass(frozen=True)
class Indexes:
    """`spans` ascend and never touch each other."""

    spans: tuple[Span, ...] = ()

    def __contains__(self, index: object) -> bool:
        if not isinstance(index, int):
            return False
        at = bisect_right(self.spans, index, key=lambda span: span[0])
        return at > 0 and index <= self.spans[at - 1][1]

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.spans)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.spans:
            yield from range(first, last + 1)

    def __or__(self, other: Indexes) -> Indexes:
        return Indexes(_joined([*self.spans, *other.spans]))

    def __and__(self, other: Indexes) -> Indexes:
        found = []
        for first, last in self.spans:
            met = ((max(first, start), min(last, end)) for start, end in other.spans)
            found += [span for span in met if span[0] <= span[1]]
        return Indexes(_joined(found))

    def __str__(self) -> str:
        return ",".join(_written(span) for span in self.spans)

    def below(self, end: int) -> Indexes:
        """The indexes smaller than `end`."""
        return Indexes(tuple((first, min(last, end - 1)) for first, last in self.spans if first < end))


def of(numbers: Iterable[int]) -> Indexes:
    return Indexes(_joined([(number, number) for number in numbers]))


def parse(text: str, *, below: int | None = None) -> Indexes:
    """Raises IndexesError: for what is not a number, does not ascend, or is not smaller than `below`."""
    spans: list[Span] = []
    for fragment in text.split(",") if text else []:
        first, last = _span(fragment)
        if spans and first <= spans[-1][1]:
            raise IndexesError(f"non-increasing order, previous: {spans[-1][1]}, current: {first}")
        if below is not None and last >= below:
            raise IndexesError(f'too large index: "{last}"')
        spans.append((first, last))
    return Indexes(_joined(spans))


def _span(fragment: str) -> Span:
    parts = fragment.split("-")
    if len(parts) > 2:
        raise IndexesError(
            f'the fragment "{fragment}" violates the requirement that an index interval can have at most two parts '
            "separated by '-'"
        )
    first, last = _number(parts[0]), _number(parts[-1])
    if len(parts) == 2 and last <= first:
        raise IndexesError(f"non-increasing order, previous: {first}, current: {last}")
    return first, last


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,10}", text):
        raise IndexesError(f'cannot convert string to integer for index: "{text}"')
    return int(text)


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """In order, with what touches or overlaps made one."""
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def _written(span: Span) -> str:
    """Two neighbours are `3,4`, only longer runs have a dash."""
    first, last = span
    if first == last:
        return str(first)
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"
