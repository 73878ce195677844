"""What workloads really used, hour by hour, for a week: for whoever asks whether their pods are too large.

Written by the agent every few minutes, added to what the hour has already. A dead agent loses those minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from workloads.meta import buckets
from workloads.store.models import UsageHour
from workloads.store.writing import write


@dataclass(frozen=True)
class Place:
    """The workload is the outermost owner: the Deployment, the CronJob; a bare pod is its own."""

    account: str
    namespace: str
    kind: str
    name: str
    container: str


@dataclass(frozen=True)
class Used:
    """`cpu` counts readings by bucket of millicores; peaks are of single readings."""

    readings: int = 0
    cpu_peak: int = 0
    memory_peak: int = 0
    cpu: Mapping[int, int] = field(default_factory=dict)

    def __add__(self, other: Used) -> Used:
        return Used(
            self.readings + other.readings,
            max(self.cpu_peak, other.cpu_peak),
            max(self.memory_peak, other.memory_peak),
            buckets.together([self.cpu, other.cpu]),
        )


@dataclass(frozen=True)
class Hour:
    container: str
    hour: datetime
    used: Used


def add(hour: datetime, found: Mapping[Place, Used]) -> None:
    """To what the hour has; all of it, or nothing."""
    with write():
        for place, used in found.items():
            key = {**place.__dict__, "hour": hour}
            row = UsageHour.objects.select_for_update().filter(**key).first()
            both = used if row is None else _used(row) + used
            UsageHour.objects.update_or_create(**key, defaults=_columns(both))


def of(account: str, namespace: str, kind: str, name: str, *, since: datetime) -> Sequence[Hour]:
    """The oldest first."""
    rows = UsageHour.objects.filter(account=account, namespace=namespace, kind=kind, name=name, hour__gte=since)
    return [Hour(row.container, row.hour, _used(row)) for row in rows.order_by("hour", "container")]


def forget(before: datetime) -> int:
    """Returns how many rows went."""
    return UsageHour.objects.filter(hour__lt=before).delete()[0]


def together(several: Iterable[Used]) -> Used:
    total = Used()
    for one in several:
        total += one
    return total


def _used(row: UsageHour) -> Used:
    counts = {int(number): count for number, count in orjson.loads(row.cpu).items()}
    return Used(row.readings, row.cpu_peak, row.memory_peak, counts)


def _columns(used: Used) -> dict[str, object]:
    counts = {str(number): count for number, count in sorted(used.cpu.items())}
    return {
        "readings": used.readings,
        "cpu_peak": used.cpu_peak,
        "memory_peak": used.memory_peak,
        "cpu": orjson.dumps(counts).decode(),
    }
