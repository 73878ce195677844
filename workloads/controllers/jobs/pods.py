"""What one pod means to its Job: its index, whether it is counted already, how and when it ended. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workloads.controllers import owners, replicas
from workloads.kinds import jobs, jobspecs
from workloads.meta import times

JSON = dict[str, Any]

INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"


def uid(pod: JSON) -> str:
    return str(pod["metadata"]["uid"])


def is_tracked(pod: JSON) -> bool:
    """It has not been counted yet, or its finalizer has not gone yet."""
    return jobs.TRACKING in (pod["metadata"].get("finalizers") or ())


def is_active(pod: JSON) -> bool:
    return replicas.is_active(pod)


def has_succeeded(pod: JSON) -> bool:
    return _phase(pod) == "Succeeded"


def has_failed(job: JSON, pod: JSON) -> bool:
    """A pod that is being deleted has failed, unless the Job wants to know first how it ends."""
    if _phase(pod) == "Failed":
        return True
    return owners.is_deleting(pod) and not has_succeeded(pod) and not replaces_only_failed(job)


def is_terminating(pod: JSON) -> bool:
    return owners.is_deleting(pod) and _phase(pod) not in ("Succeeded", "Failed")


def replaces_only_failed(job: JSON) -> bool:
    return bool(job["spec"].get("podReplacementPolicy") == jobspecs.FAILED)


def index_of(job: JSON, pod: JSON) -> int | None:
    """Its completion index, if the Job is Indexed and has such an index."""
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    if not (text.isascii() and text.isdigit()) or not jobspecs.is_indexed(job["spec"]):
        return None
    index = int(text)
    return index if index < int(job["spec"].get("completions") or 0) else None


def may_count(job: JSON, pod: JSON) -> bool:
    """A pod of an Indexed Job without a valid index is nobody."""
    return not jobspecs.is_indexed(job["spec"]) or index_of(job, pod) is not None


def failures(pod: JSON) -> tuple[int, int]:
    """(counted, ignored) failures of its index before it."""
    annotations = pod["metadata"].get("annotations") or {}
    return _number(annotations.get(FAILURES)), _number(annotations.get(IGNORED_FAILURES))


def ended_at(pod: JSON) -> datetime:
    """When it ended, as exactly as anybody knows."""
    status, metadata = pod.get("status") or {}, pod["metadata"]
    ends = [(entry.get("state") or {}).get("terminated") or {} for entry in status.get("containerStatuses") or ()]
    known = [
        (status.get("lifecycle") or {}).get("finishedAt"),
        max((end["finishedAt"] for end in ends if end.get("finishedAt")), default=None),
        metadata.get("deletionTimestamp"),
        metadata["creationTimestamp"],
    ]
    return times.parse(next(text for text in known if text))


def _phase(pod: JSON) -> str:
    return str((pod.get("status") or {}).get("phase", "Pending"))


def _number(text: Any) -> int:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else 0
