"""What pods use now, beside the size they are billed for. A courtesy of the agent: while it is away nothing is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from console import curves, rows
from console.curves import Curves
from console.rows import PodRow
from console.sizes import Size
from workloads.client import Client, PodFigures, UsagePoint
from workloads.meta.errors import StatusError

_MIB = 1024**2


@dataclass(frozen=True)
class Usage:
    cpu_millis: int
    memory_mib: int
    size: Size | None
    """What it is billed for."""

    @property
    def cores(self) -> str:
        """`0.12`, `<0.01` for next to nothing, `0` for nothing."""
        if 0 < self.cpu_millis < 10:
            return "<0.01"
        return f"{Decimal(self.cpu_millis) / 1000:.2f}" if self.cpu_millis else "0"

    @property
    def memory(self) -> str:
        """`34 MiB`, `1.25 GiB`, `<1 MiB`."""
        if self.memory_mib >= 1024:
            return f"{Decimal(self.memory_mib) / 1024:.2f} GiB"
        return f"{self.memory_mib} MiB" if self.memory_mib else "<1 MiB"

    @property
    def cpu_percent(self) -> int:
        return _percent(self.cpu_millis, self.size.cpu_millis if self.size else 0)

    @property
    def memory_percent(self) -> int:
        return _percent(self.memory_mib, self.size.memory_mib if self.size else 0)


def of_pod(client: Client, row: PodRow) -> Usage | None:
    with suppress(StatusError):
        return _usage(client.pod_usage(row.namespace, row.name), row.size)
    return None


def of_owned(client: Client, pods: Sequence[PodRow]) -> dict[str, Usage]:
    """By the pods' uid, of pods that somebody controls; without those that cannot be measured."""
    by_uid = {row.uid: row for row in pods}
    owners = {(row.namespace, owner["uid"]) for row in pods if (owner := rows.controller_of(row.obj))}
    found: dict[str, Usage] = {}
    with suppress(StatusError):
        for namespace, uid in owners:
            measured = client.usage(namespace, owner_uid=uid)
            found.update({one.uid: _usage(one, by_uid[one.uid].size) for one in measured if one.uid in by_uid})
    return found


def curves_of_pod(client: Client, row: PodRow) -> Curves | None:
    with suppress(StatusError):
        return _curves(client.usage_history(row.namespace, pod=row.name), [row])
    return None


def curves_of_owned(client: Client, pods: Sequence[PodRow]) -> Curves | None:
    """The sum over pods that somebody controls."""
    points: dict[str, Sequence[UsagePoint]] = {}
    with suppress(StatusError):
        for namespace, uid in {(row.namespace, owner["uid"]) for row in pods if (owner := rows.controller_of(row.obj))}:
            points.update(client.usage_history(namespace, owner_uid=uid))
    return _curves(points, pods)


def _curves(points: Mapping[str, Sequence[UsagePoint]], pods: Sequence[PodRow]) -> Curves | None:
    sizes = [row.size for row in pods if row.uid in points and row.size]
    return curves.of(
        points,
        cpu_millis=sum(size.cpu_millis for size in sizes),
        memory_mib=sum(size.memory_mib for size in sizes),
        now=datetime.now(UTC),
    )


def _usage(figures: PodFigures, size: Size | None) -> Usage:
    return Usage(round(figures.cpu_nanocores / 1_000_000), figures.memory_bytes // _MIB, size)


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0
