"""What pods use now, beside the size they are billed for. A courtesy of the agent: while it is away nothing is said."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.http import HttpRequest

from console import attempts, curves, rows
from console.access import Visit
from console.curves import Curves, Restart
from console.pages import Context
from console.rows import PodRow, Row
from console.sizes import Size
from workloads.client import Client, PodFigures, UsageGrain, UsageHistory
from workloads.meta.errors import StatusError

MOST_LOOKED_AT = 100
"""Pods whose restarts are told at most."""
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


def span_of(request: HttpRequest) -> UsageGrain:
    """What the address asks for: an hour, or a day."""
    return "day" if request.GET.get("span") == "day" else "hour"


def context(visit: Visit, workload: Row, pods: Sequence[PodRow]) -> Context:
    """For the tab Monitoring of what pods belong to."""
    span = span_of(visit.request)
    return {"span": span, "curves": curves_of_workload(visit.client, span, workload, pods)}


def curves_of_pod(client: Client, grain: UsageGrain, row: PodRow) -> Curves | None:
    with suppress(StatusError):
        return _curves(client, client.usage_history(row.namespace, grain, pod=row.name), grain, [row])
    return None


def curves_of_workload(client: Client, grain: UsageGrain, workload: Row, pods: Sequence[PodRow]) -> Curves | None:
    """The sum over its pods, those among them that are gone."""
    owners = {owner["uid"] for row in pods if (owner := rows.controller_of(row.obj))}
    with suppress(StatusError):
        named = (str(workload.obj["kind"]), workload.name)
        history = client.usage_history(workload.namespace, grain, owner_uids=sorted(owners), workload=named)
        return _curves(client, history, grain, pods)
    return None


def _curves(client: Client, history: UsageHistory, grain: UsageGrain, pods: Sequence[PodRow]) -> Curves | None:
    sizes = [row.size for row in pods if row.uid in history.uids and row.size and not row.ended]
    return curves.of(
        history,
        grain,
        cpu_millis=sum(size.cpu_millis for size in sizes),
        memory_mib=sum(size.memory_mib for size in sizes),
        now=datetime.now(UTC),
        restarts=[one for row in pods[:MOST_LOOKED_AT] for one in _restarts(client, row)],
    )


def _restarts(client: Client, row: PodRow) -> list[Restart]:
    """Starts after the first one, as logs are kept of them and as its status tells."""
    entries = row.status.get("containerStatuses") or ()
    if not any(entry.get("restartCount") for entry in entries):
        return []
    found = [one for entry in entries for one in attempts.of_entry(entry)]
    with suppress(StatusError):
        found += attempts.of_kept(client.kept_logs(row.uid))
    known = {(one.container, one.number): one for one in found}
    return [
        Restart(one.started, row.name, one.container, before.ended if before and before.finished else "")
        for one in known.values()
        if one.number and one.started
        for before in [known.get((one.container, one.number - 1))]
    ]


def _usage(figures: PodFigures, size: Size | None) -> Usage:
    return Usage(round(figures.cpu_nanocores / 1_000_000), figures.memory_bytes // _MIB, size)


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0
