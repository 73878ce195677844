"""What can be bought and what somebody is about to buy: sizes for a picker, size and number in a manifest, and what a
change of it does to the price. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from billing.money import about, short
from billing.rating import Rate
from workloads.kinds import podspecs
from workloads.kinds.podspecs import Grid, OffGrid, Row, Specification

PRICE = "price in "
"""How every sentence about a change of price begins."""


class Wish(NamedTuple):
    """So many pods of this size."""

    specification: Specification
    pods: int


def common_sizes(flavor: str, grid: Grid = podspecs.DEFAULT) -> list[Specification]:
    """Of a family of sizes every doubling of its CPU, with the fewest, twice and four times that memory. A row that is
    one size is that size."""
    found = {size for row in grid.of(flavor) for size in _common_sizes(row)}
    return sorted(size for size in found if podspecs.on_grid(size, grid.of(flavor)))


def wish(obj: Mapping[str, Any], grid: Grid = podspecs.DEFAULT) -> Wish | None:
    """A pod, or as many as a template's owner wants, whatever it says of an owner of its own: people may write any.
    None for kinds that run nothing."""
    specification = size(obj, grid)
    if specification is None:
        return None
    return Wish(specification, 1 if obj.get("kind") == "Pod" else _side_by_side(obj.get("spec") or {}))


def size(obj: Mapping[str, Any], grid: Grid = podspecs.DEFAULT) -> Specification | None:
    """Of a pod, or of the pods of a template's owner. None for kinds that run nothing."""
    spec = obj.get("spec") or {}
    if obj.get("kind") == "Pod":
        return podspecs.chosen(dict(obj)) or _size(dict(obj), grid)
    template = (spec.get("jobTemplate") or {}).get("spec", spec).get("template")
    return _size(template, grid) if template and "spec" in template else None


@lru_cache(maxsize=1024)
def sentence(before: Rate, after: Rate, *, kind: str = "") -> str:
    """`price in CNY: 0.64/h -> 1.28/h (+0.64/h, ~460/month)`; "" when nothing changes. A month has 30 days. What runs
    to its end costs that while it runs."""
    more = after.per_second - before.per_second
    if not more:
        return ""
    change, sign = Rate(after.currency, abs(more)), "+" if more > 0 else "-"
    while_it_runs = " while it runs" if kind in ("Job", "CronJob") else ""
    hours = f"{short(before.per_hour)}/h -> {short(after.per_hour)}/h"
    month = f"~{'' if more > 0 else '-'}{about(change.per_month)}/month"
    return f"{PRICE}{after.currency}{while_it_runs}: {hours} ({sign}{short(change.per_hour)}/h, {month})"


def _side_by_side(spec: Mapping[str, Any]) -> int:
    """How many pods run at once: a Deployment's replicas, what a Job (a CronJob's next Job) has in parallel. What is
    suspended runs none."""
    if "replicas" in spec:
        return int(spec["replicas"])
    job = (spec.get("jobTemplate") or {}).get("spec", spec)
    if spec.get("suspend") or job.get("suspend"):
        return 0
    parallel = int(job.get("parallelism", 1))
    return min(parallel, int(job["completions"])) if job.get("completions") is not None else parallel


def _size(pod: dict[str, Any], grid: Grid) -> Specification | None:
    """Admission has judged the size already; `rounding` finds it under either policy."""
    flavor = podspecs.ACCELERATED if podspecs.effective_size(pod["spec"]).gpus else podspecs.GENERAL
    try:
        return podspecs.fit(pod, flavor=flavor, grid=grid, rounding=True).specification
    except OffGrid:
        return None


def _common_sizes(row: Row) -> list[Specification]:
    if row.min_cpu_millis == row.max_cpu_millis and row.min_memory_gib == row.max_memory_gib:
        return [Specification(row.min_cpu_millis, row.min_memory_gib, row.gpu, row.gpus)]
    sizes = []
    cpu_millis = row.min_cpu_millis
    while cpu_millis <= row.max_cpu_millis:
        least = max(row.min_memory_gib, int(-(-Decimal(cpu_millis) * (row.min_ratio or 1) // 1000)))
        sizes += [Specification(cpu_millis, least * times, row.gpu, row.gpus) for times in (1, 2, 4)]
        cpu_millis *= 2
    return sizes
