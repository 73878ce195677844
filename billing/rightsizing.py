"""Is a pod larger than it needs to be? From what its containers really used to a smaller specification, with what it
would save. Pure.

Memory goes by the highest peak, because what does not fit is killed; CPU by the 95th percentile, because what does not
fit waits. Both get headroom, and nothing below what was seen is ever advised. With little evidence there is no advice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.rating import Rate
from workloads.client import UsedHour
from workloads.kinds import podspecs
from workloads.kinds.podspecs import Grid, Specification
from workloads.meta import buckets, quantity
from workloads.meta.quantity import GIB, MIB

JSON = dict[str, Any]
Price = Callable[[Specification], Rate]

PERCENT = 95
CPU_HEADROOM, MEMORY_HEADROOM = Decimal("1.15"), Decimal("1.20")
LEAST_HOURS = {"Deployment": 24}
LEAST_HOURS_OF_OTHERS = 5
"""What runs now and then is seen in few hours."""
LEAST_READINGS = 500
_STEP = 250
_LEAST_MEMORY = 256 * MIB


@dataclass(frozen=True)
class Need:
    """One container: what it used, and what it should have. `cpu_millis` is the percentile, memory the peak."""

    container: str
    cpu_millis: int
    cpu_peak: int
    memory_bytes: int
    readings: int
    hours: int

    @property
    def wanted_cpu(self) -> int:
        """With headroom, in the steps containers have."""
        return max(_STEP, math.ceil(self.cpu_millis * CPU_HEADROOM / _STEP) * _STEP)

    @property
    def wanted_memory(self) -> int:
        """With headroom, in quarters of a GiB."""
        return max(_LEAST_MEMORY, math.ceil(self.memory_bytes * MEMORY_HEADROOM / _LEAST_MEMORY) * _LEAST_MEMORY)


@dataclass(frozen=True)
class Advice:
    """`specification` is None where there is none to give, and `why` says why not."""

    needs: Sequence[Need]
    hours: int
    readings: int
    why: str
    specification: Specification | None = None
    rate: Rate | None = None
    """Of a pod of it."""


def needs(hours: Iterable[UsedHour]) -> list[Need]:
    """By container name."""
    several: dict[str, list[UsedHour]] = {}
    for one in hours:
        several.setdefault(one.container, []).append(one)
    return [_need(name, found) for name, found in sorted(several.items())]


def advise(
    kind: str, template: JSON, hours: Sequence[UsedHour], *, current: Specification, grid: Grid, price: Price
) -> Advice:
    """For pods of this template that have the size `current`."""
    names = [container["name"] for container in template["spec"]["containers"]]
    found = [need for need in needs(hours) if need.container in names]
    seen, readings = len({one.hour for one in hours}), sum(need.readings for need in found)
    least = LEAST_HOURS.get(kind, LEAST_HOURS_OF_OTHERS)
    if {need.container for need in found} != set(names) or seen < least or readings < LEAST_READINGS:
        why = f"not enough is known yet: {seen} of {least} hours, {readings} of {LEAST_READINGS} readings"
        return Advice(found, seen, readings, why)
    if any(init.get("restartPolicy") == "Always" for init in template["spec"].get("initContainers") or ()):
        return Advice(found, seen, readings, "pods with sidecars are not judged")
    if current.gpus:
        return Advice(found, seen, readings, "sizes with cards are as they are")
    wanted = _wanted(template, found)
    offers = [(price(size), size) for size in _smaller(wanted, current, grid)]
    cheaper = [(rate, size) for rate, size in offers if rate.per_second < price(current).per_second]
    if not cheaper:
        return Advice(found, seen, readings, "it is as small as its use allows")
    rate, size = min(cheaper, key=lambda one: (one[0].per_second, one[1]))
    return Advice(found, seen, readings, "", size, rate)


def used(found: Iterable[Need]) -> tuple[int, int]:
    """Millicores and bytes that the pod really needs, without headroom."""
    several = list(found)
    return sum(need.cpu_millis for need in several), sum(need.memory_bytes for need in several)


def patch(kind: str, advice: Advice) -> JSON:
    """A strategic merge patch of the workload: its pods' size, and what each container has of it."""
    if advice.specification is None:
        return {}
    containers = [
        {
            "name": need.container,
            "resources": {side: _amounts(need) for side in ("requests", "limits")},
        }
        for need in advice.needs
    ]
    annotations = {podspecs.ANNOTATION: advice.specification.annotation()}
    template = {"template": {"metadata": {"annotations": annotations}, "spec": {"containers": containers}}}
    return {"spec": {"jobTemplate": {"spec": template}} if kind == "CronJob" else template}


def _need(name: str, hours: Sequence[UsedHour]) -> Need:
    counts = buckets.together(one.used.cpu for one in hours)
    return Need(
        container=name,
        cpu_millis=buckets.percentile(counts, PERCENT),
        cpu_peak=max(one.used.cpu_peak for one in hours),
        memory_bytes=max(one.used.memory_peak for one in hours),
        readings=sum(one.used.readings for one in hours),
        hours=len({one.hour for one in hours}),
    )


def _wanted(template: JSON, found: Sequence[Need]) -> tuple[int, int]:
    """Millicores and bytes: all containers together, and what an init container asks for."""
    cpu, memory = sum(need.wanted_cpu for need in found), sum(need.wanted_memory for need in found)
    for init in template["spec"].get("initContainers") or ():
        limits: Mapping[str, str] = (init.get("resources") or {}).get("limits") or {}
        cpu = max(cpu, math.ceil(quantity.parse(limits.get("cpu", "0")) * 1000))
        memory = max(memory, math.ceil(quantity.parse(limits.get("memory", "0"))))
    return cpu, memory


def _smaller(wanted: tuple[int, int], current: Specification, grid: Grid) -> Iterable[Specification]:
    """What holds `wanted` and is no larger than `current`, of each number of cores the one with the fewest GiB."""
    rows = grid.of(podspecs.GENERAL)
    least = -(-wanted[1] // GIB)
    for cpu in range(-(-wanted[0] // _STEP) * _STEP, current.cpu_millis + 1, _STEP):
        for memory in range(least, current.memory_gib + 1):
            size = Specification(cpu, memory)
            if podspecs.on_grid(size, rows):
                yield size
                break


def _amounts(need: Need) -> dict[str, str]:
    return {"cpu": f"{need.wanted_cpu}m", "memory": f"{need.wanted_memory // MIB}Mi"}
