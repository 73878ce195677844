"""Who is counted: the status of a Job before and after its pods are let go. Pure."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workloads.controllers import replicas
from workloads.controllers.jobs import pods, policies, verdicts
from workloads.controllers.jobs.verdicts import Figures, Verdict
from workloads.kinds import jobspecs
from workloads.meta import conditions, indexes, times
from workloads.meta.indexes import Indexes

JSON = dict[str, Any]

MOST_UNCOUNTED = 500
"""Uids in the status at most: the rest is counted in the next look."""


@dataclass
class Count:
    """`status` is written first. Then the pods of `let_go` may lose their finalizer: all that matters of them stands in
    it. `more`: there are others, look again."""

    status: JSON
    let_go: list[JSON] = field(default_factory=list)
    more: bool = False


def count(job: JSON, owned: list[JSON], *, now: datetime) -> Count:
    """What this look adds to the status: pods that have ended, the verdict, suspension."""
    status = started(job, now=now)
    _move_counted(status, owned)
    figures = figures_of(job, status, owned)
    verdict = verdicts.written(status) or verdicts.find({**job, "status": status}, owned, figures, now=now)
    if verdict is not None:
        conditions.put(status, verdict.type, "True", reason=verdict.reason, message=verdict.message, now=now)
    counted = Count(status)
    _count_ended(counted, job, owned, verdict=verdict, waiting=waiting_for_heirs(job, figures, owned))
    _write_indexes(status, job, figures)
    return counted


def started(job: JSON, *, now: datetime) -> JSON:
    """The status with suspension and the start of the clock in it. A Job that is resumed begins its time anew."""
    status: JSON = deepcopy(job.get("status") or {})
    status.setdefault("uncountedTerminatedPods", {})
    suspended = bool(job["spec"].get("suspend"))
    was = conditions.is_true(status, "Suspended")
    if verdicts.written(status) is None:
        if suspended:
            conditions.put(status, "Suspended", "True", reason="JobSuspended", message="Job suspended", now=now)
        elif was:
            conditions.put(status, "Suspended", "False", reason="JobResumed", message="Job resumed", now=now)
    if not suspended and (was or not status.get("startTime")):
        status["startTime"] = times.format_seconds(now)
    return status


def figures_of(job: JSON, status: JSON, owned: list[JSON]) -> Figures:
    """All that ended, written down already or not."""
    uncounted = status["uncountedTerminatedPods"]
    fresh = [pod for pod in owned if pods.is_tracked(pod) and pods.may_count(job, pod)]
    failed = [
        pod
        for pod in fresh
        if pods.has_failed(job, pod)
        and pods.uid(pod) not in uncounted.get("failed", ())
        and policies.failure(job, pod).counts
    ]
    active = sum(pods.is_active(pod) for pod in owned)
    failures = status.get("failed", 0) + len(uncounted.get("failed", ())) + len(failed)
    done = [pod for pod in fresh if pods.has_succeeded(pod)]
    if not jobspecs.is_indexed(job["spec"]):
        known = uncounted.get("succeeded", ())
        fresh_successes = sum(pods.uid(pod) not in known for pod in done)
        return Figures(status.get("succeeded", 0) + len(known) + fresh_successes, failures, active, Indexes(), None)
    succeeded = _known(job, status, "completedIndexes") | _indexes(job, done)
    failed_indexes = None
    if job["spec"].get("backoffLimitPerIndex") is not None:
        lost = [pod for pod in fresh if pods.has_failed(job, pod) and policies.fails_index(job, pod)]
        failed_indexes = _known(job, status, "failedIndexes") | _indexes(job, lost)
    return Figures(len(succeeded), failures, active, succeeded, failed_indexes)


def waiting_for_heirs(job: JSON, figures: Figures, owned: list[JSON]) -> dict[int, JSON]:
    """By index, the last failed pod whose index gets another one, which inherits its number of failures. It keeps its
    finalizer until then."""
    if figures.failed_indexes is None:
        return {}
    active = {pods.index_of(job, pod) for pod in owned if pods.is_active(pod)}
    last: dict[int, JSON] = {}
    for pod in owned:
        index = pods.index_of(job, pod)
        if index is None or index in active or not pods.is_tracked(pod) or not pods.has_failed(job, pod):
            continue
        if index in figures.succeeded_indexes or index in figures.failed_indexes:
            continue
        if index not in last or _age(last[index]) <= _age(pod):
            last[index] = pod
    return last


def settle(job: JSON, owned: list[JSON], *, now: datetime) -> JSON:
    """The status after the pods were let go, made and deleted. A verdict becomes final when nobody is left."""
    status: JSON = deepcopy(job.get("status") or {})
    status.setdefault("uncountedTerminatedPods", {})
    _move_counted(status, owned)
    active = [pod for pod in owned if pods.is_active(pod)]
    _put_number(status, "active", len(active))
    status["ready"] = sum(replicas.is_ready(pod) for pod in active)
    status["terminating"] = sum(pods.is_terminating(pod) for pod in owned)
    verdict = verdicts.written(status)
    busy = active or status["terminating"] or any(status["uncountedTerminatedPods"].values())
    if verdict is not None and not busy and not any(pods.is_tracked(pod) for pod in owned):
        final = verdicts.FINAL[verdict.type]
        conditions.put(status, final, "True", reason=verdict.reason, message=verdict.message, now=now)
        if final == "Complete":
            status["completionTime"] = times.format_seconds(now)
    return status


def _move_counted(status: JSON, owned: list[JSON]) -> None:
    """Uids whose pods have lost the finalizer (or are gone) become numbers."""
    tracked = {pods.uid(pod) for pod in owned if pods.is_tracked(pod)}
    uncounted = status["uncountedTerminatedPods"]
    for name in ("succeeded", "failed"):
        left = [uid for uid in uncounted.get(name, ()) if uid in tracked]
        _put_number(status, name, status.get(name, 0) + len(uncounted.get(name, ())) - len(left))
        uncounted.pop(name, None)
        if left:
            uncounted[name] = left


def _count_ended(
    counted: Count, job: JSON, owned: list[JSON], *, verdict: Verdict | None, waiting: dict[int, JSON]
) -> None:
    """Writes down who has ended. Once the Job is decided all are let go; if it failed, whoever still ran failed."""
    uncounted = counted.status["uncountedTerminatedPods"]
    over = verdict is not None or bool(job["metadata"].get("deletionTimestamp"))
    held = set() if over else {pods.uid(pod) for pod in waiting.values()}
    for pod in owned:
        ended = pods.has_succeeded(pod) or pods.has_failed(job, pod)
        if not pods.is_tracked(pod) or not (ended or over) or pods.uid(pod) in held:
            continue
        if len(counted.let_go) >= MOST_UNCOUNTED:
            counted.more = True
            return
        counted.let_go.append(pod)
        name = _column(job, pod, failing=verdict is not None and verdict.is_failure)
        known = any(pods.uid(pod) in uids for uids in uncounted.values())
        if name and not known:
            uncounted.setdefault(name, []).append(pods.uid(pod))


def _column(job: JSON, pod: JSON, *, failing: bool) -> str:
    """Where its uid is written: "succeeded", "failed", or "" for what is not counted by uid."""
    if not pods.may_count(job, pod):
        return ""
    if pods.has_succeeded(pod):
        return "" if jobspecs.is_indexed(job["spec"]) else "succeeded"
    if not pods.has_failed(job, pod) and not failing:
        return ""
    return "failed" if policies.failure(job, pod).counts else ""


def _write_indexes(status: JSON, job: JSON, figures: Figures) -> None:
    """An index is succeeded once, however many pods of it were: the set needs no uids."""
    if not jobspecs.is_indexed(job["spec"]):
        return
    _put_number(status, "succeeded", len(figures.succeeded_indexes))
    status.pop("completedIndexes", None)
    if figures.succeeded_indexes:
        status["completedIndexes"] = str(figures.succeeded_indexes)
    if figures.failed_indexes is not None:
        status["failedIndexes"] = str(figures.failed_indexes)


def _known(job: JSON, status: JSON, name: str) -> Indexes:
    return indexes.parse(status.get(name, "")).below(int(job["spec"]["completions"]))


def _indexes(job: JSON, some: list[JSON]) -> Indexes:
    return indexes.of(index for pod in some if (index := pods.index_of(job, pod)) is not None)


def _age(pod: JSON) -> tuple[int, datetime]:
    return sum(pods.failures(pod)), pods.ended_at(pod)


def _put_number(status: JSON, name: str, number: int) -> None:
    """0 is absent, as upstream."""
    status.pop(name, None)
    if number:
        status[name] = number
