"""What is remembered of a pod that goes: what it belonged to, how and when it ended. Pure, but for `write`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from workloads.controllers.pods.look import Look
from workloads.meta import times
from workloads.meta.keys import Uid
from workloads.store import endedpods
from workloads.store.endedpods import Ended

JSON = dict[str, Any]

_HASH = "pod-template-hash"
_LONGEST_REASON = 64


def write(look: Look) -> None:
    endedpods.put(of(look.pod, account=look.key.account, now=look.now))


def of(pod: JSON, *, account: str, now: datetime) -> Ended:
    metadata, status = pod["metadata"], pod.get("status") or {}
    owner = _controller(pod)
    kind, workload = _workload(pod, owner)
    ended = _ended(status) or now
    outcome = _outcome(pod, ended)
    return Ended(
        uid=Uid(metadata["uid"]),
        account=account,
        namespace=metadata["namespace"],
        name=metadata["name"],
        workload_kind=kind,
        workload=workload,
        owner_uid=owner.get("uid", ""),
        outcome=outcome,
        reason="" if outcome == "Deleted" else _reason(status)[:_LONGEST_REASON],
        message=str(status.get("message") or ""),
        created=times.parse(metadata["creationTimestamp"]),
        ended=ended,
        gone=now,
    )


def _controller(pod: JSON) -> JSON:
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((dict(owner) for owner in owners if owner.get("controller")), {})


def _workload(pod: JSON, owner: JSON) -> tuple[str, str]:
    """What people call it: the Deployment of a ReplicaSet that carries its template's hash in its name."""
    if not owner:
        return "", ""
    hash = (pod["metadata"].get("labels") or {}).get(_HASH, "")
    if owner["kind"] == "ReplicaSet" and hash and owner["name"].endswith(f"-{hash}"):
        return "Deployment", owner["name"].removesuffix(f"-{hash}")
    return owner["kind"], owner["name"]


def _ended(status: JSON) -> datetime | None:
    """When its last container ended."""
    found = [state["finishedAt"] for state in _terminated(status) if state.get("finishedAt")]
    return max(map(times.parse, found), default=None)


def _outcome(pod: JSON, ended: datetime) -> str:
    """It ended by itself, or because it was deleted: the deletion was asked for a grace before `deletionTimestamp`."""
    metadata, phase = pod["metadata"], (pod.get("status") or {}).get("phase")
    grace = timedelta(seconds=metadata.get("deletionGracePeriodSeconds") or 0)
    asked = times.parse(metadata["deletionTimestamp"]) - grace if metadata.get("deletionTimestamp") else None
    if phase not in ("Succeeded", "Failed") or (asked is not None and ended >= asked):
        return "Deleted"
    return "Completed" if phase == "Succeeded" else "Failed"


def _reason(status: JSON) -> str:
    """Of the pod, else of the container that failed."""
    failed = (state.get("reason", "") for state in _terminated(status) if state.get("exitCode"))
    return str(status.get("reason") or next(failed, ""))


def _terminated(status: JSON) -> list[JSON]:
    entries = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    return [state for entry in entries if (state := (entry.get("state") or {}).get("terminated"))]
