"""Is there room on this host? CPU may be promised several times over (`CCI_OVERCOMMIT`), memory once.

What counts is the billed size of every pod that has a place and has not finished.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from workloads.meta import quantity
from workloads.runtimes.base import Capacity
from workloads.runtimes.translate import SIZE_ANNOTATION
from workloads.store import objects

JSON = Mapping[str, Any]
UNFINISHED = ("Pending", "Running")


@dataclass(frozen=True)
class Size:
    cpu_millis: int
    memory_bytes: int

    def __add__(self, other: Size) -> Size:
        return Size(self.cpu_millis + other.cpu_millis, self.memory_bytes + other.memory_bytes)


NOTHING = Size(0, 0)


def size_of(pod: JSON) -> Size:
    """The billed size: admission writes it on every pod."""
    text = (pod["metadata"].get("annotations") or {}).get(SIZE_ANNOTATION)
    if text:
        cores, _, gib = text.partition("_")
        return Size(int(Decimal(cores) * 1000), int(Decimal(gib) * quantity.GIB))
    return sum((_limits(container) for container in pod["spec"]["containers"]), NOTHING)


def room(capacity: Capacity, *, overcommit: int) -> Size:
    return Size(capacity.cpu_millis * overcommit, capacity.memory_bytes)


def shortage(need: Size, *, taken: Size, room: Size) -> str:
    """What is missing, as a sentence the event can carry; "" when the pod fits."""
    cpu, memory = room.cpu_millis - taken.cpu_millis, room.memory_bytes - taken.memory_bytes
    missing = []
    if need.cpu_millis > cpu:
        missing.append(f"needs {_cores(need.cpu_millis)}, {_number(max(cpu, 0), 1000)} free")
    if need.memory_bytes > memory:
        missing.append(f"needs {_gib(need.memory_bytes)} of memory, {_gib(max(memory, 0))} free")
    return f"0/1 nodes are available: {'; '.join(missing)}" if missing else ""


def taken(*, but: str) -> Size:
    """The sum over all accounts' pods that have a place, the pod with uid `but` left out. There is one host, whatever
    it was called when they were placed."""
    rows = (row for phase in UNFINISHED for row in objects.scan("Pod", phase=phase).rows)
    sizes = (size_of(orjson.loads(row.data)) for row in rows if row.node and row.uid != but)
    return sum(sizes, NOTHING)


@contextmanager
def one_hand(lock: Path) -> Iterator[None]:
    """Room on this host is counted and given away by one hand at a time, over all threads and processes."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _limits(container: JSON) -> Size:
    limits = (container.get("resources") or {}).get("limits") or {}
    return Size(quantity.millicores(limits.get("cpu", 0)), quantity.whole(limits.get("memory", 0)))


def _cores(millis: int) -> str:
    return f"{_number(millis, 1000)} core{'' if millis == 1000 else 's'}"


def _gib(count: int) -> str:
    return f"{_number(count, quantity.GIB)} GiB"


def _number(count: int, unit: int) -> str:
    return f"{Decimal(count) / unit:.2f}".rstrip("0").rstrip(".")
