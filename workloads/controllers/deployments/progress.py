"""A Deployment's counts and conditions: is it available, does it get on, since when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from workloads.controllers.deployments import rollout
from workloads.meta import conditions, times

JSON = dict[str, Any]

NO_DEADLINE = 2**31 - 1

CREATED = "NewReplicaSetCreated"
FOUND = "FoundNewReplicaSet"
UPDATED = "ReplicaSetUpdated"
AVAILABLE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"
FAILED_CREATE = "ReplicaSetCreateError"


def counted(deployment: JSON, *, new: JSON | None, everybody: Sequence[JSON], now: datetime) -> JSON:
    """The next status: counts, Available, ReplicaFailure; Progressing is left as it was."""
    status: JSON = deepcopy(deployment.get("status") or {})
    replicas, available = _sum(everybody, "replicas"), _sum(everybody, "availableReplicas")
    counts = {
        "replicas": replicas,
        "updatedReplicas": _sum([new] if new else [], "replicas"),
        "readyReplicas": _sum(everybody, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, replicas - available),
    }
    for name, number in counts.items():
        status.pop(name, None)
        if number:
            status[name] = number
    status["observedGeneration"] = deployment["metadata"].get("generation", 1)
    _set_available(status, available >= rollout.wanted(deployment) - rollout.max_unavailable(deployment), now)
    return status


def rolled(deployment: JSON, *, new: JSON | None, everybody: Sequence[JSON], now: datetime) -> JSON:
    """The next status of a Deployment that is being rolled out, or was."""
    before: JSON = deployment.get("status") or {}
    status = counted(deployment, new=new, everybody=everybody, now=now)
    _set_progressing(status, before, deployment, new, now)
    _set_failure(status, new, everybody, now)
    return status


def has_deadline(deployment: JSON) -> bool:
    return deployment["spec"].get("progressDeadlineSeconds", 600) not in (None, NO_DEADLINE)


def is_complete(deployment: JSON, status: JSON) -> bool:
    wanted = rollout.wanted(deployment)
    counts = [status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas")]
    return counts == [wanted] * 3 and status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 1)


def note(status: JSON, state: conditions.State, reason: str, message: str, *, now: datetime) -> None:
    """Sets Progressing; `lastUpdateTime` moves even when it says the same again: there was progress."""
    before = conditions.find(status, "Progressing")
    conditions.drop(status, "Progressing")
    conditions.put(status, "Progressing", state, reason=reason, message=message, now=now, update_time=True)
    if before and before["status"] == state:
        after = next(one for one in status["conditions"] if one["type"] == "Progressing")
        after["lastTransitionTime"] = before["lastTransitionTime"]


def paused_status(deployment: JSON, *, now: datetime) -> JSON | None:
    """The status that says that it was paused or goes on again; None when there is nothing new to say."""
    status: JSON = deepcopy(deployment.get("status") or {})
    reason = (conditions.find(status, "Progressing") or {}).get("reason")
    paused = bool(deployment["spec"].get("paused"))
    if not has_deadline(deployment) or reason == TIMED_OUT or paused == (reason == PAUSED):
        return None
    if paused:
        note(status, "Unknown", PAUSED, "Deployment is paused", now=now)
    else:
        note(status, "Unknown", RESUMED, "Deployment is resumed", now=now)
    return status


def seconds_to_deadline(deployment: JSON, status: JSON, *, now: datetime) -> float | None:
    """When to look again whether it got stuck; None when that question does not stand."""
    condition = conditions.find(status, "Progressing")
    if condition is None or not has_deadline(deployment) or deployment["spec"].get("paused"):
        return None
    if is_complete(deployment, status) or condition.get("reason") in (TIMED_OUT, AVAILABLE):
        return None
    return max(1.0, (_deadline(deployment, condition) - now).total_seconds() + 1)


def _set_available(status: JSON, enough: bool, now: datetime) -> None:
    if enough:
        state: conditions.State = "True"
        reason, message = "MinimumReplicasAvailable", "Deployment has minimum availability."
    else:
        state = "False"
        reason, message = "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    conditions.put(status, "Available", state, reason=reason, message=message, now=now, update_time=True)


def _set_progressing(status: JSON, before: JSON, deployment: JSON, new: JSON | None, now: datetime) -> None:
    if not has_deadline(deployment):
        conditions.drop(status, "Progressing")
        return
    condition = conditions.find(before, "Progressing")
    settled = condition is not None and condition.get("reason") == AVAILABLE
    if settled and status.get("replicas", 0) == status.get("updatedReplicas", 0):
        return
    who = f'ReplicaSet "{rollout.name(new)}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    if is_complete(deployment, status):
        note(status, "True", AVAILABLE, f"{who} has successfully progressed.", now=now)
    elif _got_on(before, status):
        note(status, "True", UPDATED, f"{who} is progressing.", now=now)
    elif condition is not None and _timed_out(deployment, condition, now):
        message = f"{who} has timed out progressing."
        conditions.put(status, "Progressing", "False", reason=TIMED_OUT, message=message, now=now, update_time=True)


def _got_on(before: JSON, after: JSON) -> bool:
    def old(status: JSON) -> int:
        return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))

    grew = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old(after) < old(before) or any(after.get(name, 0) > before.get(name, 0) for name in grew)


def _timed_out(deployment: JSON, condition: JSON, now: datetime) -> bool:
    if condition.get("reason") in (AVAILABLE, PAUSED):
        return False
    return condition.get("reason") == TIMED_OUT or _deadline(deployment, condition) < now


def _deadline(deployment: JSON, condition: JSON) -> datetime:
    since = times.parse(condition.get("lastUpdateTime") or condition["lastTransitionTime"])
    return since + timedelta(seconds=int(deployment["spec"].get("progressDeadlineSeconds", 600)))


def _set_failure(status: JSON, new: JSON | None, everybody: Sequence[JSON], now: datetime) -> None:
    """A ReplicaSet that cannot make pods says so here as well; the new one first."""
    for replicaset in ([new] if new else []) + list(everybody):
        failure = conditions.find(replicaset.get("status") or {}, "ReplicaFailure")
        if failure is not None:
            conditions.put(
                status,
                "ReplicaFailure",
                failure["status"],
                reason=failure.get("reason", ""),
                message=failure.get("message", ""),
                now=now,
                update_time=True,
            )
            return
    conditions.drop(status, "ReplicaFailure")


def _sum(replicasets: Sequence[JSON], name: str) -> int:
    return sum(int((one.get("status") or {}).get(name, 0)) for one in replicasets)
