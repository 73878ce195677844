"""What can be bought and what somebody is about to buy: sizes for a picker, size and number in a manifest. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from billing.money import format_rate, plain
from billing.rating import Rate
from workloads.kinds import podspecs
from workloads.kinds.podspecs import Grid, OffGrid, Row, Specification


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
    """A pod, or as many as a template's owner wants. None for kinds that run nothing, and for what another owner wants
    already (a Deployment's ReplicaSet)."""
    if any(owner.get("controller") for owner in obj.get("metadata", {}).get("ownerReferences") or ()):
        return None
    spec = obj.get("spec") or {}
    if obj.get("kind") == "Pod":
        return _wish(dict(obj), 1, grid)
    template = (spec.get("jobTemplate") or {}).get("spec", spec).get("template")
    return _wish(template, _side_by_side(spec), grid) if template and "spec" in template else None


def sentence(asked: Wish, rate: Rate) -> str:
    """`price: 2 pods of 0.5 cores, 1 GiB cost 0.000089 CNY/s, 0.3204 CNY/h, 230.688 CNY in 30 days`."""
    if not asked.pods:
        return "price: no pods, no cost"
    pods = "1 pod" if asked.pods == 1 else f"{asked.pods} pods"
    verb = "costs" if asked.pods == 1 else "cost"
    hour, month = plain(rate.per_hour), plain(rate.per_month)
    return (
        f"price: {pods} of {asked.specification} {verb} {format_rate(rate.per_second, rate.currency)}, "
        f"{hour} {rate.currency}/h, {month} {rate.currency} in 30 days"
    )


def _side_by_side(spec: Mapping[str, Any]) -> int:
    """How many pods run at once: a Deployment's replicas, what a Job (a CronJob's next Job) has in parallel."""
    if "replicas" in spec:
        return int(spec["replicas"])
    job = (spec.get("jobTemplate") or {}).get("spec", spec)
    parallel = int(job.get("parallelism", 1))
    return min(parallel, int(job["completions"])) if job.get("completions") is not None else parallel


def _wish(pod: dict[str, Any], pods: int, grid: Grid) -> Wish | None:
    """Admission has judged the size already; `rounding` finds it under either policy."""
    flavor = podspecs.ACCELERATED if podspecs.effective_size(pod["spec"]).gpus else podspecs.GENERAL
    try:
        return Wish(podspecs.fit(pod, flavor=flavor, grid=grid, rounding=True).specification, pods)
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
