"""What pods use now, beside the size they are billed for. A courtesy of the agent: while it is away nothing is said."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from console import rows
from console.rows import PodRow
from console.sizes import Size
from workloads.client import Client, PodFigures
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


def _usage(figures: PodFigures, size: Size | None) -> Usage:
    return Usage(round(figures.cpu_nanocores / 1_000_000), figures.memory_bytes // _MIB, size)


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0
