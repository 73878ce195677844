"""What a change of the grid of pod specifications means in money and for what runs: the prices of its sizes, and the
running pods whose size could not be had any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import Count

from billing import instants, marks, offers, prices, sizes
from billing.models import MeteredPod
from billing.rating import NoPrice, Rate
from workloads.kinds import podspecs
from workloads.kinds.grids import Grid, Row, Specification


@dataclass(frozen=True)
class GridEffect:
    """`sizes` are common ones of the new row, each with its price (None: it has none). `gone` are sizes of running pods
    that can be had now and could not be had then, with how many run."""

    sizes: tuple[tuple[Specification, Rate | None], ...]
    gone: tuple[tuple[str, Specification, int], ...]

    @property
    def pods(self) -> int:
        return sum(pods for _flavor, _size, pods in self.gone)


def grid_effect(before: Sequence[Row], after: Sequence[Row], row: Row | None = None) -> GridEffect:
    """Of a grid that becomes another one; `row` is what is new in it."""
    return GridEffect(tuple(_priced(row)) if row else (), tuple(_gone(before, after)))


def _priced(row: Row) -> list[tuple[Specification, Rate | None]]:
    price_list, now = prices.current(), instants.now()
    found: list[tuple[Specification, Rate | None]] = []
    for size in offers.common_sizes(row.flavor, Grid((row,))):
        try:
            found.append((size, price_list.rate(replace(marks.sized(size), flavor=row.flavor), now)))
        except NoPrice:
            found.append((size, None))
    return found


def _gone(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[str, Specification, int]]:
    running = MeteredPod.objects.filter(finished__isnull=True).values("priced_size").annotate(pods=Count("uid"))
    counts = {group["priced_size"]: group["pods"] for group in running.order_by()}
    found: dict[tuple[str, Specification], int] = {}
    for number, priced in sizes.of(counts).items():
        size = priced.size
        wanted = Specification(size.cpu_millis, size.memory_mib // 1024, size.gpu_model, size.gpu_count)
        was, will = ([row for row in rows if row.flavor == size.flavor] for rows in (before, after))
        if podspecs.on_grid(wanted, was) and not podspecs.on_grid(wanted, will):
            found[size.flavor, wanted] = found.get((size.flavor, wanted), 0) + counts[number]
    return [(flavor, size, pods) for (flavor, size), pods in sorted(found.items())]
