"""From what pods use to how many there should be. Pure; the rules are kube-controller-manager's replica calculator.

Pods that cannot be judged are counted so that they never cause what they would prevent: without figures they use all
they may when the rest would shrink, and nothing when the rest would grow. Within a tenth of the target nothing changes.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from workloads.meta import conditions, quantity, times

JSON = dict[str, Any]
Resource = Literal["cpu", "memory"]

TOLERANCE = 0.1
CPU_INITIALIZATION = timedelta(minutes=5)
READINESS_DELAY = timedelta(seconds=30)


class NoProposal(Exception):
    """The metric says nothing; the text is why."""


@dataclass(frozen=True)
class Reading:
    """What one pod uses: thousandths of a core, or of a byte. `window` ended at `at`."""

    value: int
    at: datetime
    window: timedelta


@dataclass(frozen=True)
class Proposal:
    """`value` is the average of the pods that were judged, in thousandths; `percent` of their requests."""

    replicas: int
    value: int
    percent: int | None = None


@dataclass(frozen=True)
class Groups:
    """Names of pods. `ready` is a number: their readings are all that is left to count."""

    ready: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


def by_utilization(
    pods: Sequence[JSON],
    readings: Mapping[str, Reading],
    *,
    resource: Resource,
    container: str,
    current: int,
    percent: int,
    now: datetime,
) -> Proposal:
    """As many pods as bring their average to `percent` of their requests. Raises NoProposal."""
    groups = group(pods, readings, resource=resource, now=now)
    judged = _judged(readings, groups)
    requests = {pod["metadata"]["name"]: _request(pod, resource, container) for pod in pods}
    ratio, utilization, average = _utilization(judged, requests, percent)

    def again(filled: Mapping[str, int]) -> float:
        return _utilization(filled, requests, percent)[0]

    fallback = {name: requests[name] * max(100, percent) // 100 for name in groups.missing}
    replicas = _replicas(groups, judged, ratio=ratio, again=again, most=fallback, current=current)
    return Proposal(replicas, average, utilization)


def by_average(
    pods: Sequence[JSON],
    readings: Mapping[str, Reading],
    *,
    resource: Resource,
    current: int,
    target: int,
    now: datetime,
) -> Proposal:
    """As many pods as bring their average to `target` thousandths. Raises NoProposal."""
    groups = group(pods, readings, resource=resource, now=now)
    judged = _judged(readings, groups)

    def again(filled: Mapping[str, int]) -> float:
        return (sum(filled.values()) // len(filled)) / target

    fallback = dict.fromkeys(groups.missing, target)
    replicas = _replicas(groups, judged, ratio=again(judged), again=again, most=fallback, current=current)
    return Proposal(replicas, sum(judged.values()) // len(judged))


def group(
    pods: Sequence[JSON], readings: Collection[str] | Mapping[str, Reading], *, resource: Resource, now: datetime
) -> Groups:
    ready, unready, missing, ignored = 0, set(), set(), set()
    for pod in pods:
        name, phase = pod["metadata"]["name"], (pod.get("status") or {}).get("phase", "Pending")
        if pod["metadata"].get("deletionTimestamp") or phase == "Failed":
            ignored.add(name)
        elif phase == "Pending":
            unready.add(name)
        elif name not in readings:
            missing.add(name)
        elif resource == "cpu" and isinstance(readings, Mapping) and _is_warming_up(pod, readings[name], now):
            unready.add(name)
        else:
            ready += 1
    return Groups(ready, frozenset(unready), frozenset(missing), frozenset(ignored))


def _is_warming_up(pod: JSON, reading: Reading, now: datetime) -> bool:
    """A pod that starts uses more CPU than it will: it is not judged before it has been ready for one window."""
    status = pod.get("status") or {}
    ready, began = conditions.find(status, "Ready"), status.get("startTime")
    if ready is None or not began:
        return True
    start, changed = times.parse(began), times.parse(ready["lastTransitionTime"])
    is_unready = ready["status"] == "False"
    if start + CPU_INITIALIZATION > now:
        return is_unready or reading.at < changed + reading.window
    return is_unready and start + READINESS_DELAY > changed


def _judged(readings: Mapping[str, Reading], groups: Groups) -> dict[str, int]:
    left_out = groups.ignored | groups.unready
    judged = {name: reading.value for name, reading in readings.items() if name not in left_out}
    if not judged:
        raise NoProposal("did not receive metrics for targeted pods (pods might be unready)")
    return judged


def _replicas(
    groups: Groups, judged: Mapping[str, int], *, ratio: float, again: Any, most: Mapping[str, int], current: int
) -> int:
    """`again(readings)` is the ratio anew; `most` what pods without figures use at most."""
    grows_with_unready = bool(groups.unready) and ratio > 1.0
    if not grows_with_unready and not groups.missing:
        return current if _is_within(ratio) else math.ceil(ratio * groups.ready)
    filled = dict(judged)
    if groups.missing and ratio != 1.0:
        filled |= most if ratio < 1.0 else dict.fromkeys(groups.missing, 0)
    if grows_with_unready:
        filled |= dict.fromkeys(groups.unready, 0)
    corrected = again(filled)
    turned = (ratio < 1.0 < corrected) or (corrected < 1.0 < ratio)
    if _is_within(corrected) or turned:
        return current
    proposed = math.ceil(corrected * len(filled))
    against = (corrected < 1.0 and proposed > current) or (corrected > 1.0 and proposed < current)
    return current if against else proposed


def _is_within(ratio: float) -> bool:
    return abs(1.0 - ratio) <= TOLERANCE


def _utilization(judged: Mapping[str, int], requests: Mapping[str, int], percent: int) -> tuple[float, int, int]:
    """Ratio to the target, percent of what was asked for, and the average."""
    known = {name: value for name, value in judged.items() if name in requests}
    asked = sum(requests[name] for name in known)
    if not asked:
        raise NoProposal("no metrics returned matched known pods")
    used = sum(known.values())
    utilization = used * 100 // asked
    return utilization / percent, utilization, used // len(known)


def _request(pod: JSON, resource: Resource, container: str) -> int:
    """In thousandths, of all that runs as long as the pod; of one container where it is named. Raises NoProposal."""
    total, found = 0, False
    sidecars = [one for one in pod["spec"].get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for one in (*pod["spec"]["containers"], *sidecars):
        if container and one["name"] != container:
            continue
        asked = ((one.get("resources") or {}).get("requests") or {}).get(resource)
        if asked is None:
            name = pod["metadata"]["name"]
            raise NoProposal(f"missing request for {resource} in container {one['name']} of Pod {name}")
        total, found = total + int(quantity.parse(asked) * 1000), True
    if not found:
        raise NoProposal(f"container {container} is not present in Pod {pod['metadata']['name']}")
    return total
