"""The price calculator: what pods of one specification cost for as long as they are wanted, by the bill's own rules."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billing import instants, marks, prices, rating
from billing.rating import NoPrice, Rate
from workloads.client import pod_specifications
from workloads.kinds import podspecs
from workloads.kinds.grids import Size, Specification
from workloads.meta.quantity import GIB

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "months": 30 * 86_400}
"""Of durations, in seconds. A month has 30 days, as in all prices by the month."""
LONGEST = timedelta(days=3650)
MOST_PODS = 1_000_000


@dataclass(frozen=True)
class Quote:
    """`rate` is what the pods cost together when they start. `total` is what the bill will say when they have run for
    `seconds`, with the prices that begin meanwhile (`later`)."""

    region: str
    flavor: str
    specification: Specification
    pods: int
    starts: datetime
    seconds: int
    rate: Rate
    total: Decimal
    later: tuple[tuple[datetime, Rate], ...]
    parts: tuple[Part, ...] = ()
    """What `rate` is made of, before it is fixed to ten places and taken times `pods`."""


@dataclass(frozen=True)
class Part:
    """So much of one item in a pod, at `amount` a unit and second."""

    item: str
    quantity: Decimal
    amount: Decimal

    @property
    def per_second(self) -> Decimal:
        return self.quantity * self.amount


class NotOffered(LookupError):
    """There is no such specification: `rules` are broken, `nearest` can be had, with their price (None: no price)."""

    def __init__(self, size: Size, rules: str, nearest: Sequence[tuple[Specification, Rate | None]]) -> None:
        super().__init__(f"{size} is no pod specification: {rules}")
        self.rules = rules
        self.nearest = tuple(nearest)


def quote(
    region: str, flavor: str, size: Size, *, pods: int, duration: timedelta, starts: datetime | None = None
) -> Quote:
    """`duration` is at most `LONGEST`. Raises NotOffered, and NoPrice when the region has no price for it."""
    listed, starts = prices.current(region), starts or datetime.now(UTC)
    specification = _offered(region, flavor, size, starts)
    billed = replace(marks.sized(specification), flavor=flavor)
    begins = instants.of(starts)
    rate = listed.rate(billed, begins).times(pods)
    parts = rating.spans(billed, listed, started=begins, until=instants.of(starts + duration))
    return Quote(
        region=region,
        flavor=flavor,
        specification=specification,
        pods=pods,
        starts=starts,
        seconds=rating.seconds(parts),
        rate=rate,
        total=rating.cost(parts) * pods,
        later=_later(parts, rate, pods),
        parts=_parts(listed, billed, begins),
    )


def _offered(region: str, flavor: str, size: Size, at: datetime) -> Specification:
    rows = pod_specifications().of(flavor)
    broken = podspecs.broken_rules(size, rows)
    if not broken:
        return Specification(size.cpu_millis, size.memory_bytes // GIB, size.gpu, size.gpus)
    near = [(one, _priced(region, flavor, one, at)) for one in podspecs.nearest(size, rows)]
    raise NotOffered(size, "; ".join(broken), near)


def _priced(region: str, flavor: str, one: Specification, at: datetime) -> Rate | None:
    with contextlib.suppress(NoPrice):
        return prices.current(region).rate(replace(marks.sized(one), flavor=flavor), instants.of(at))
    return None


def _parts(listed: rating.PriceList, billed: rating.Size, at: instants.Instant) -> tuple[Part, ...]:
    priced = {item: (much, listed.in_force(item, billed.flavor, at)) for item, much in billed.quantities().items()}
    return tuple(Part(item, much, price.amount) for item, (much, price) in priced.items() if price)


def _later(parts: Sequence[rating.Line], first: Rate, pods: int) -> tuple[tuple[datetime, Rate], ...]:
    """Where the price becomes another one."""
    found, rate = list[tuple[datetime, Rate]](), first
    for part in parts:
        if part.rate.times(pods) != rate:
            rate = part.rate.times(pods)
            found.append((instants.moment(part.start), rate))
    return tuple(found)
