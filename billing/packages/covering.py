"""What packages pay for, in the ledger's order. Pure: no clock, no database, whole numbers alone.

One walk is about one item, cores or memory. A package is an amount of `units`: millicore-seconds or MiB-seconds. Each
segment takes its size times its seconds, of the package that is lost first, then of the one that was bought first. The
segment at which everything runs out is covered up to the second in which it does, that second included.

Within an hour segments come in the order of their start, then of their pod's uid. That order matters only in the hour
in which packages run out: where all of a day, or of an hour, is covered (or nothing is), nobody looks inside. The walk
that looks nowhere closer and the one that always does give the same, and a test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from billing import instants
from billing.instants import Instant

K = TypeVar("K")


@dataclass(frozen=True)
class Grant:
    """In force in [starts, ends), full hours, and bought until `expires` (`ends` is earlier when it was ended before).
    `monthly`: the whole amount anew with each month, what was left is gone. A smaller `number` was bought earlier."""

    number: int
    units: int
    starts: Instant
    ends: Instant
    expires: Instant
    monthly: bool = False

    def lost_at(self, instant: Instant) -> Instant:
        """When what is left of it at `instant` is gone, as was known from the beginning."""
        return min(self.expires, instants.next_month(instant)) if self.monthly else self.expires


@dataclass(frozen=True)
class Use(Generic[K]):
    """`size` units a second, for so many seconds, of what `key` names."""

    key: K
    size: int
    seconds: int

    @property
    def units(self) -> int:
        return self.size * self.seconds


@dataclass
class Pool:
    """What is left. `used` is what the present month took of each package, or, of those that do not begin anew, all
    months."""

    grants: Sequence[Grant]
    used: dict[int, int] = field(default_factory=dict)

    def begin_month(self) -> None:
        for grant in self.grants:
            if grant.monthly:
                self.used[grant.number] = 0

    def in_force(self, at: Instant) -> list[Grant]:
        """In the order in which they are used."""
        found = [grant for grant in self.grants if grant.starts <= at < grant.ends]
        return sorted(found, key=lambda grant: (grant.lost_at(at), grant.number))

    def left_of(self, grant: Grant) -> int:
        return grant.units - self.used.get(grant.number, 0)

    def left(self, at: Instant) -> int:
        return sum(self.left_of(grant) for grant in self.in_force(at))

    def take(self, units: int, at: Instant) -> None:
        for grant in self.in_force(at):
            some = min(units, self.left_of(grant))
            self.used[grant.number] = self.used.get(grant.number, 0) + some
            units -= some

    def is_steady(self, since: Instant, until: Instant) -> bool:
        """Whether the same packages are in force all the time."""
        return not any(since < edge < until for grant in self.grants for edge in (grant.starts, grant.ends))


@dataclass(frozen=True)
class Span(Generic[K]):
    """A day, or an hour of it. `closer` gives its parts in order: a day's hours, an hour's single segments as spans of
    one use each; None where there is nothing closer."""

    start: Instant
    end: Instant
    uses: Sequence[Use[K]]
    closer: Callable[[], Iterable[Span[K]]] | None = None


def walk(pool: Pool, spans: Iterable[Span[K]], covered: dict[K, int]) -> None:
    """Adds the seconds that are paid for to `covered` and takes them out of `pool`. Spans come in their order, of one
    month."""
    for span in spans:
        units = sum(use.units for use in span.uses)
        if units <= 0:
            continue
        is_steady = pool.is_steady(span.start, span.end)
        left = pool.left(span.start)
        if is_steady and units <= left:
            _cover(span.uses, covered)
            pool.take(units, span.start)
        elif not (is_steady and left <= 0):
            _look_closer(pool, span, covered, left)


def _look_closer(pool: Pool, span: Span[K], covered: dict[K, int], left: int) -> None:
    if span.closer is not None:
        walk(pool, span.closer(), covered)
        return
    (use,) = span.uses
    covered[use.key] = covered.get(use.key, 0) + min(use.seconds, -(-left // use.size))
    pool.take(left, span.start)


def _cover(uses: Iterable[Use[K]], covered: dict[K, int]) -> None:
    for use in uses:
        if use.size:
            covered[use.key] = covered.get(use.key, 0) + use.seconds
