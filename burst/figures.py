"""What burst pods use, in the forms of a kubelet: /stats/summary and /metrics/resource.

CCI tells rates; who scrapes a kubelet wants counters. They are added up here from one asking to the next, so the rate
between two of them is what CCI said. Nothing is asked when nobody asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from burst import names, quantities, times
from burst.api import Api
from burst.mirrors import Key

JSON = dict[str, Any]

_WINDOW = timedelta(seconds=15)
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Figure:
    """Of one container at one moment."""

    pod: Key
    uid: str
    container: str
    started: str
    at: datetime
    cores: float
    bytes: int
    seconds: float = 0.0
    """Of CPU, added up."""


@dataclass
class Figures:
    cci: Api
    namespace: str
    _seconds: dict[tuple[str, str], tuple[datetime, float]] = field(default_factory=dict)

    async def now(self, there: dict[str, JSON]) -> list[Figure]:
        """`there`: pods in CCI by name. Raises ApiError."""
        said, _ = await self.cci.listed("podmetrics", self.namespace)
        found = [figure for metrics in said for figure in self._of(metrics, there.get(metrics["metadata"]["name"]))]
        known = {(figure.uid, figure.container) for figure in found}
        self._seconds = {key: value for key, value in self._seconds.items() if key in known}
        return found

    def _of(self, metrics: JSON, pod: JSON | None) -> list[Figure]:
        if pod is None:
            return []
        metadata = pod["metadata"]
        key = metadata["labels"][names.NAMESPACE_LABEL], metadata["annotations"][names.POD_ANNOTATION]
        uid, at = metadata["labels"][names.UID_LABEL], times.parse(metrics.get("timestamp")) or times.now()
        started = _starts(pod)
        found = []
        for container in metrics.get("containers") or []:
            usage = container.get("usage") or {}
            one = Figure(
                pod=key,
                uid=uid,
                container=container["name"],
                started=started.get(container["name"], ""),
                at=at,
                cores=float(_amount(usage.get("cpu"))),
                bytes=int(_amount(usage.get("memory"))),
            )
            one.seconds = self._added(one)
            found.append(one)
        return found

    def _added(self, figure: Figure) -> float:
        key = figure.uid, figure.container
        at, seconds = self._seconds.get(key, (figure.at - _WINDOW, 0.0))
        seconds += max((figure.at - at).total_seconds(), 0.0) * figure.cores
        self._seconds[key] = max(at, figure.at), seconds
        return seconds


def resource_metrics(figures: list[Figure]) -> tuple[str, str]:
    """Text and type of /metrics/resource."""
    lines: list[str] = []
    now = int(times.now().timestamp() * 1000)

    def family(name: str, kind: str, samples: list[tuple[str, float | int, int]]) -> None:
        lines.append(f"# TYPE {name} {kind}")
        lines.extend(f"{name}{labels} {value} {at}" for labels, value, at in samples)

    def of_container(figure: Figure) -> str:
        return f'{{container="{figure.container}",namespace="{figure.pod[0]}",pod="{figure.pod[1]}"}}'

    stamped = [(of_container(one), one, _millis(one.at)) for one in figures]
    family(
        "container_cpu_usage_seconds_total", "counter", [(name, round(one.seconds, 6), at) for name, one, at in stamped]
    )
    family("container_memory_working_set_bytes", "gauge", [(name, one.bytes, at) for name, one, at in stamped])
    starts = [(name, times.parse(one.started), at) for name, one, at in stamped]
    family("container_start_time_seconds", "gauge", [(name, when.timestamp(), at) for name, when, at in starts if when])
    pods = _by_pod(figures)
    of_pod = {key: f'{{namespace="{key[0]}",pod="{key[1]}"}}' for key in pods}
    sums = {key: (round(sum(f.seconds for f in its), 6), sum(f.bytes for f in its)) for key, its in pods.items()}
    at = {key: _millis(its[0].at) for key, its in pods.items()}
    family("pod_cpu_usage_seconds_total", "counter", [(of_pod[key], sums[key][0], at[key]) for key in pods])
    family("pod_memory_working_set_bytes", "gauge", [(of_pod[key], sums[key][1], at[key]) for key in pods])
    family("node_cpu_usage_seconds_total", "counter", [("", round(sum(one[0] for one in sums.values()), 6), now)])
    family("node_memory_working_set_bytes", "gauge", [("", sum(one[1] for one in sums.values()), now)])
    lines += [
        "# TYPE scrape_error gauge",
        "scrape_error 0",
        "# TYPE resource_scrape_error gauge",
        "resource_scrape_error 0",
    ]
    return "\n".join(lines) + "\n", _TEXT


def summary(figures: list[Figure]) -> JSON:
    """The body of /stats/summary."""
    now = times.text(times.now())
    pods = [
        {
            "podRef": {"namespace": key[0], "name": key[1], "uid": its[0].uid},
            "startTime": min((one.started for one in its if one.started), default=now),
            "containers": [
                {"name": one.container, "startTime": one.started or now, **_usage(one.at, [one])} for one in its
            ],
            **_usage(its[0].at, its),
        }
        for key, its in _by_pod(figures).items()
    ]
    node = {"nodeName": names.NODE, "startTime": now, **_usage(times.now(), figures)}
    return {"node": node, "pods": pods}


def _usage(at: datetime, figures: list[Figure]) -> JSON:
    when, used = times.text(at), sum(one.bytes for one in figures)
    return {
        "cpu": {
            "time": when,
            "usageNanoCores": int(sum(one.cores for one in figures) * 1e9),
            "usageCoreNanoSeconds": int(sum(one.seconds for one in figures) * 1e9),
        },
        "memory": {"time": when, "usageBytes": used, "workingSetBytes": used},
    }


def _by_pod(figures: list[Figure]) -> dict[Key, list[Figure]]:
    pods: dict[Key, list[Figure]] = {}
    for figure in figures:
        pods.setdefault(figure.pod, []).append(figure)
    return pods


def _starts(pod: JSON) -> dict[str, str]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return {one["name"]: ((one.get("state") or {}).get("running") or {}).get("startedAt", "") for one in statuses}


def _amount(text: Any) -> Decimal:
    return Decimal(0) if text is None else quantities.parse(text)


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
