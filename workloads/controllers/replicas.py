"""Counting pods: which are alive, ready, available, and which go first when there are too many. Pure.

ReplicaSets count with it; whatever else keeps a number of pods can.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workloads.controllers import owners
from workloads.meta import conditions, times

JSON = dict[str, Any]

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


@dataclass(frozen=True)
class Counts:
    replicas: int
    fully_labeled: int
    ready: int
    available: int


def is_active(pod: JSON) -> bool:
    """It runs, or may yet: not finished and not being deleted."""
    return _status(pod).get("phase") not in ("Succeeded", "Failed") and not owners.is_deleting(pod)


def is_ready(pod: JSON) -> bool:
    return conditions.is_true(_status(pod), "Ready")


def ready_since(pod: JSON) -> datetime | None:
    condition = conditions.find(_status(pod), "Ready")
    if condition is None or condition["status"] != "True":
        return None
    return times.parse(condition["lastTransitionTime"])


def available_in(pod: JSON, *, min_ready_seconds: int, now: datetime) -> float | None:
    """Seconds until the pod counts as available: 0.0 when it does, None while it is not ready."""
    since = ready_since(pod)
    if since is None:
        return None
    return max(0.0, (since + timedelta(seconds=min_ready_seconds) - now).total_seconds())


def count(pods: Iterable[JSON], *, labels: JSON, min_ready_seconds: int, now: datetime) -> Counts:
    """`labels` are the template's: a pod that carries them all is fully labeled."""
    pods = list(pods)
    waits = [available_in(pod, min_ready_seconds=min_ready_seconds, now=now) for pod in pods]
    return Counts(
        replicas=len(pods),
        fully_labeled=sum(labels.items() <= (pod["metadata"].get("labels") or {}).items() for pod in pods),
        ready=sum(wait is not None for wait in waits),
        available=sum(wait == 0.0 for wait in waits),
    )


def first_to_go(pods: Iterable[JSON]) -> list[JSON]:
    """In the order upstream deletes: without a node, then not running, not ready, cheapest to lose, ready for the
    shortest time, restarted most, youngest."""
    return sorted(pods, key=_worth)


def _worth(pod: JSON) -> tuple[Any, ...]:
    status = _status(pod)
    since = ready_since(pod)
    restarts = max((entry.get("restartCount", 0) for entry in status.get("containerStatuses") or ()), default=0)
    return (
        bool(pod["spec"].get("nodeName")),
        _PHASES.get(status.get("phase", "Pending"), 0),
        is_ready(pod),
        _cost(pod),
        -since.timestamp() if since else 0.0,
        -restarts,
        -times.parse(pod["metadata"]["creationTimestamp"]).timestamp(),
        pod["metadata"]["name"],
    )


def _cost(pod: JSON) -> int:
    try:
        return int((pod["metadata"].get("annotations") or {}).get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _status(pod: JSON) -> JSON:
    return pod.get("status") or {}
