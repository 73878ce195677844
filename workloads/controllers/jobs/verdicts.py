"""Whether a Job is decided, and why. Pure.

A verdict is written before anything follows from it: first `FailureTarget` or `SuccessCriteriaMet`, then the pods that
are left go, and only when all have ended `Failed` or `Complete`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workloads.controllers.jobs import pods, policies
from workloads.meta import conditions, times
from workloads.meta.indexes import Indexes

JSON = dict[str, Any]

FAILURE, SUCCESS = "FailureTarget", "SuccessCriteriaMet"
FINAL = {FAILURE: "Failed", SUCCESS: "Complete"}


@dataclass(frozen=True)
class Verdict:
    type: str
    reason: str
    message: str

    @property
    def is_failure(self) -> bool:
        return self.type == FAILURE


@dataclass(frozen=True)
class Figures:
    """What a verdict is found from. `failed_indexes` is None without a limit per index."""

    succeeded: int
    failed: int
    active: int
    succeeded_indexes: Indexes
    failed_indexes: Indexes | None


def written(status: JSON) -> Verdict | None:
    """The verdict that stands in the status."""
    for type in (SUCCESS, FAILURE):
        condition = conditions.find(status, type)
        if condition is not None and condition["status"] == "True":
            return Verdict(type, condition.get("reason", ""), condition.get("message", ""))
    return None


def find(job: JSON, owned: list[JSON], figures: Figures, *, now: datetime) -> Verdict | None:
    """Failures come first, then what an Indexed Job ends by, then the plain number."""
    return (
        _failed_by_policy(job, owned)
        or _failed_too_often(job, owned, figures)
        or _took_too_long(job, now)
        or _by_indexes(job, figures)
        or _reached(job, figures)
    )


def deadline_in(job: JSON, now: datetime) -> float | None:
    """Seconds until `activeDeadlineSeconds` is over; None when nothing is counting."""
    spec, started = job["spec"], (job.get("status") or {}).get("startTime")
    if spec.get("activeDeadlineSeconds") is None or spec.get("suspend") or not started:
        return None
    end = times.parse(started) + timedelta(seconds=int(spec["activeDeadlineSeconds"]))
    return max(0.0, (end - now).total_seconds())


def _failed_by_policy(job: JSON, owned: list[JSON]) -> Verdict | None:
    if not job["spec"].get("podFailurePolicy"):
        return None
    for pod in owned:
        if pods.has_failed(job, pod) and (found := policies.failure(job, pod)).action == "FailJob":
            return Verdict(FAILURE, "PodFailurePolicy", found.message)
    return None


def _failed_too_often(job: JSON, owned: list[JSON], figures: Figures) -> Verdict | None:
    limit = int(job["spec"]["backoffLimit"])
    if figures.failed > limit or _restarted_too_often(job, owned, limit):
        return Verdict(FAILURE, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    return None


def _restarted_too_often(job: JSON, owned: list[JSON], limit: int) -> bool:
    """With restartPolicy OnFailure the restarts inside the pods are what is limited."""
    if job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    statuses = [pod.get("status") or {} for pod in owned]
    restarts = sum(
        int(entry.get("restartCount", 0))
        for status in statuses
        if status.get("phase") in ("Running", "Pending")
        for entry in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    )
    return restarts >= limit if limit else restarts > 0


def _took_too_long(job: JSON, now: datetime) -> Verdict | None:
    if deadline_in(job, now) != 0.0:
        return None
    return Verdict(FAILURE, "DeadlineExceeded", "Job was active longer than specified deadline")


def _by_indexes(job: JSON, figures: Figures) -> Verdict | None:
    spec, failed = job["spec"], figures.failed_indexes
    if failed:
        most = spec.get("maxFailedIndexes")
        if most is not None and len(failed) > most:
            message = "Job has exceeded the specified maximal number of failed indexes"
            return Verdict(FAILURE, "MaxFailedIndexesExceeded", message)
        if len(failed) + len(figures.succeeded_indexes) >= spec["completions"]:
            return Verdict(FAILURE, "FailedIndexes", "Job has failed indexes")
    message = policies.success(job, figures.succeeded_indexes)
    return Verdict(SUCCESS, "SuccessPolicy", message) if message else None


def _reached(job: JSON, figures: Figures) -> Verdict | None:
    """Without a number of completions the first success is enough, once all others have ended."""
    wanted = job["spec"].get("completions")
    if figures.active or figures.succeeded < (1 if wanted is None else wanted):
        return None
    return Verdict(SUCCESS, "CompletionsReached", "Reached expected number of succeeded pods")
