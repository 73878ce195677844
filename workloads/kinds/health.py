"""How an object does, in one word that the store keeps beside it, so that a list of what needs a look reads no other.

"" is well, or over and well; `CHANGING` is on its way; `LOOK` needs a person; `OPEN` is a workload that is at work: its
pods say. The console's sentences (`console.states`, `console.jobstates`) come to the same word; a test compares them.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.kinds import sleeping
from workloads.meta import conditions

JSON = Mapping[str, Any]

WELL, CHANGING, LOOK, OPEN = "", "changing", "look", "open"
IMAGE_PROBLEMS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
CANNOT_START = ("CreateContainerError", "CreateContainerConfigError", "RunContainerError", "ContainerCannotRun")
_WRONG = (*IMAGE_PROBLEMS, *CANNOT_START, "CrashLoopBackOff")
_WORST = (LOOK, CHANGING, WELL)
_ARE_WAITED_FOR = ("NetworkNotReady", "SchedulingGated")
"""Why a pod has no place yet, where nobody need do anything."""
FINISHED, SUSPENDED, ACTIVE = "Finished", "Suspended", "Active"


def of_pod(pod: JSON) -> str:
    status = dict(pod.get("status") or {})
    if pod["metadata"].get("deletionTimestamp"):
        return CHANGING
    if status.get("phase") in ("Succeeded", "Failed"):
        return LOOK if status["phase"] == "Failed" else WELL
    scheduled = conditions.find(status, "PodScheduled")
    if scheduled and scheduled.get("status") == "False":
        return CHANGING if scheduled.get("reason") in _ARE_WAITED_FOR else LOOK
    entries = status.get("containerStatuses") or []
    if not entries:
        return CHANGING
    worst = min((_of_container(pod, entry) for entry in entries), key=_WORST.index)
    ready = conditions.find(status, "Ready") or {}
    is_shut = ready.get("status") == "False" and ready.get("reason") == "ReadinessGatesNotReady"
    return CHANGING if worst == WELL and is_shut else worst


def of_deployment(deployment: JSON) -> str:
    spec, status = deployment["spec"], dict(deployment.get("status") or {})
    if deployment["metadata"].get("deletionTimestamp"):
        return CHANGING
    if conditions.is_true(status, "ReplicaFailure"):
        return LOOK
    if not settled(deployment):
        return OPEN
    if (conditions.find(status, "Progressing") or {}).get("status") == "False":
        return LOOK
    return LOOK if spec.get("paused") and not sleeping.is_asleep(deployment) else WELL


def of_job(job: JSON) -> str:
    status = dict(job.get("status") or {})
    if conditions.is_true(status, "Complete"):
        return WELL
    if conditions.is_true(status, "Failed"):
        return LOOK
    if job["metadata"].get("deletionTimestamp"):
        return CHANGING
    if conditions.is_true(status, "FailureTarget"):
        return LOOK
    if conditions.is_true(status, "SuccessCriteriaMet"):
        return CHANGING
    if job["spec"].get("suspend"):
        return CHANGING if status.get("active") else WELL
    return OPEN if status.get("startTime") else CHANGING


def stage_of_job(job: JSON) -> str:
    """Where it stands as a whole: FINISHED, SUSPENDED or ACTIVE."""
    status = dict(job.get("status") or {})
    if conditions.is_true(status, "Complete") or conditions.is_true(status, "Failed"):
        return FINISHED
    return SUSPENDED if job["spec"].get("suspend") else ACTIVE


def settled(deployment: JSON) -> bool:
    """Whether its counts alone say that all its pods are there and ready."""
    spec, status = deployment["spec"], deployment.get("status") or {}
    wanted = spec.get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
        and status.get("replicas", 0) == wanted
        and status.get("updatedReplicas", 0) == wanted
        and status.get("readyReplicas", 0) == wanted
    )


def _of_container(pod: JSON, entry: JSON) -> str:
    state = entry.get("state") or {}
    if "waiting" in state:
        return LOOK if state["waiting"].get("reason", "") in _WRONG else CHANGING
    if "terminated" in state:
        is_wrong = pod["spec"].get("restartPolicy", "Always") == "Always" or state["terminated"].get("exitCode")
        return LOOK if is_wrong else WELL
    return WELL if entry.get("ready") else CHANGING
