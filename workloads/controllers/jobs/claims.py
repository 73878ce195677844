"""Whose pods: the Job takes in orphans that its selector matches, lets go what it no longer matches, and gives back
what it has counted."""

from __future__ import annotations

from typing import Any

from workloads.client import Client
from workloads.controllers import owners, replicasets
from workloads.controllers.jobs import pods
from workloads.kinds import jobs
from workloads.meta.errors import Conflict, NotFound

JSON = dict[str, Any]


def owned(door: Client, job: JSON) -> list[JSON]:
    return door.list("Pod", job["metadata"]["namespace"], owner_uid=job["metadata"]["uid"]).items


def claim(door: Client, job: JSON) -> list[JSON]:
    """The Job's pods, after taking in and letting go."""
    mine = owned(door, job)
    if owners.is_deleting(job):
        return mine
    kept = [pod for pod in mine if _matches(job, pod) or not _release(door, job, pod)]
    orphans = door.list("Pod", job["metadata"]["namespace"], owner_uid="").items
    taken = [_adopt(door, job, pod) for pod in orphans if _matches(job, pod) and not owners.is_deleting(pod)]
    return kept + [pod for pod in taken if pod is not None]


def let_go(door: Client, pod: JSON) -> JSON | None:
    """Takes the Job's finalizer off. None when the pod went or changed meanwhile: then it is looked at again."""
    if not pods.is_tracked(pod):
        return pod
    return _change(door, pod, finalizers=_without_tracking(pod))


def _matches(job: JSON, pod: JSON) -> bool:
    return replicasets.selects(job, pod["metadata"].get("labels") or {})


def _adopt(door: Client, job: JSON, pod: JSON) -> JSON | None:
    references = [*owners.without(pod, job["metadata"]["uid"]), owners.reference(job)]
    finalizers = [*_without_tracking(pod), jobs.TRACKING]
    return _change(door, pod, ownerReferences=references, finalizers=finalizers)


def _release(door: Client, job: JSON, pod: JSON) -> bool:
    references = owners.without(pod, job["metadata"]["uid"])
    return _change(door, pod, ownerReferences=references, finalizers=_without_tracking(pod)) is not None


def _without_tracking(pod: JSON) -> list[str]:
    return [name for name in pod["metadata"].get("finalizers") or () if name != jobs.TRACKING]


def _change(door: Client, pod: JSON, **changes: list[Any]) -> JSON | None:
    """Compare and set on the metadata."""
    metadata = pod["metadata"]
    pinned = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    patch = {"metadata": {**pinned, **{name: value or None for name, value in changes.items()}}}
    try:
        return door.patch("Pod", metadata["name"], patch, "application/merge-patch+json", metadata["namespace"]).obj
    except (NotFound, Conflict):
        return None
