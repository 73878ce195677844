"""One look at one Job: count who has ended, let them go, bring the number of pods right, write how it stands.

Every step may be the last before a crash: what is counted is written before the finalizer goes (see the package), a
verdict before what follows from it, and pods are found by their owner's uid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import orjson

from workloads.client import Client, DeleteOptions
from workloads.controllers import hands, owners, replicasets
from workloads.controllers.base import Controller, Result
from workloads.controllers.jobs import births, claims, moves, pods, tally, verdicts
from workloads.kinds import jobs
from workloads.meta import conditions, times
from workloads.meta.errors import Conflict, NotFound, StatusError
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]

COMPONENT = "job-controller"
LOOK_AGAIN_AT_ONCE = 0.1


def controller() -> Controller:
    return Controller(name="jobs", queue="control", keys=keys, reconcile=reconcile, resync=resync)


def keys(entry: Entry) -> Iterable[Key]:
    """The Job itself; a pod's Job, now and before; for an orphan, every Job that would take it. The key of a pod means:
    it carries our finalizer and has no Job (any more)."""
    if entry.key.kind == "Job":
        return [entry.key]
    if entry.key.kind != "Pod":
        return []
    found = owners.unique(owners.controllers_in(entry, kind="Job"))
    if entry.type == "DELETED":
        return found
    pod = orjson.loads(entry.data)
    if owners.controller_of(pod) is None:
        found += replicasets.takers("Job", entry.key, pod)
    if pods.is_tracked(pod) and not _has_job(entry.key, pod):
        found.append(entry.key)
    return found


def resync() -> Iterator[Key]:
    yield from hands.every_key("Job")
    for row in objects.scan("Pod", containing=[jobs.TRACKING.encode()]).rows:
        yield row.key


def reconcile(key: Key) -> Result | None:
    door = hands.client("jobs", key.account)
    if key.kind == "Pod":
        return _free_orphan(door, key)
    job = hands.read(door, key)
    if job is None:
        _free_orphans(door, key)
        return None
    try:
        return _finished(door, job) if jobs.is_finished(job) else _look_at(door, job)
    except Conflict:
        return Result(LOOK_AGAIN_AT_ONCE)
    except NotFound:
        return None


def _look_at(door: Client, job: JSON) -> Result:
    owned = claims.claim(door, job)
    now = datetime.now(UTC)
    counted = tally.count(job, owned, now=now)
    before, job = job, hands.put_status(door, job, counted.status)
    _tell_suspension(door, before, job)
    freed = [claims.let_go(door, pod) for pod in counted.let_go]
    owned = claims.owned(door, job) if freed else owned
    plan = moves.plan(job, owned, now=now)
    failure = _move(door, job, plan)
    if plan.delete or plan.create:
        owned = claims.owned(door, job)
    job = hands.put_status(door, job, tally.settle(job, owned, now=now))
    if jobs.is_finished(job):
        _tell_end(door, job)
        return Result(_seconds_to_live(job, now))
    if failure is not None:
        raise failure
    if counted.more or None in freed:
        return Result(LOOK_AGAIN_AT_ONCE)
    waits = [wait for wait in (plan.wait, verdicts.deadline_in(job, now)) if wait is not None]
    return Result(min(waits, default=None))


# Pods


def _move(door: Client, job: JSON, plan: moves.Moves) -> StatusError | None:
    for pod in plan.delete:
        _send_away(door, job, pod)
    batch, number = 1, 0
    while number < len(plan.create):
        for birth in plan.create[number : number + batch]:
            failure = _make(door, job, birth)
            if failure is not None:
                return failure
        number, batch = number + batch, batch * 2
    return None


def _send_away(door: Client, job: JSON, pod: JSON) -> None:
    """Finalizer first: a pod that is deleted with it counts as failed."""
    free = claims.let_go(door, pod)
    if free is None:
        return
    metadata = free["metadata"]
    try:
        door.delete("Pod", metadata["name"], metadata["namespace"], options=DeleteOptions(uid=metadata["uid"]))
    except (NotFound, Conflict):
        return
    _tell(door, job, "SuccessfulDelete", f"Deleted pod: {metadata['name']}")


def _make(door: Client, job: JSON, birth: births.Birth) -> StatusError | None:
    try:
        made = door.create("Pod", births.pod_of(job, birth), job["metadata"]["namespace"]).obj
    except StatusError as error:
        _tell(door, job, "FailedCreate", f"Error creating: {error.message}", type="Warning")
        return error
    _tell(door, job, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
    return None


# The end


def _finished(door: Client, job: JSON) -> Result | None:
    """Nothing is counted any more; whoever comes late is let go. Then it goes when its time to live is over."""
    for pod in claims.owned(door, job):
        claims.let_go(door, pod)
    left = _seconds_to_live(job, datetime.now(UTC))
    if left is None or owners.is_deleting(job):
        return None
    if left > 0:
        return Result(left)
    metadata = job["metadata"]
    options = DeleteOptions(uid=metadata["uid"], propagation="Foreground", resource_version=metadata["resourceVersion"])
    door.delete("Job", metadata["name"], metadata["namespace"], options=options)
    return None


def _seconds_to_live(job: JSON, now: datetime) -> float | None:
    """By `ttlSecondsAfterFinished`; None: as long as people want."""
    ttl, end = job["spec"].get("ttlSecondsAfterFinished"), jobs.finished_condition(job)
    if ttl is None or end is None:
        return None
    return max(0.0, (times.parse(end["lastTransitionTime"]) + timedelta(seconds=ttl) - now).total_seconds())


def _free_orphans(door: Client, key: Key) -> None:
    """The Job is gone: what it had not counted yet need not be counted."""
    tracked = [jobs.TRACKING.encode()]
    for row in objects.scan("Pod", account=key.account, namespace=key.namespace, containing=tracked).rows:
        _free_orphan(door, row.key)


def _free_orphan(door: Client, key: Key) -> Result | None:
    pod = hands.read(door, key)
    if pod is None or not pods.is_tracked(pod) or _has_job(key, pod):
        return None
    return None if claims.let_go(door, pod) else Result(LOOK_AGAIN_AT_ONCE)


def _has_job(key: Key, pod: JSON) -> bool:
    ref = owners.controller_of(pod)
    if ref is None or ref["kind"] != "Job":
        return False
    with suppress(objects.Missing):
        return bool(objects.read(Key(key.account, "Job", key.namespace, ref["name"])).uid == ref["uid"])
    return False


# Words


def _tell_suspension(door: Client, before: JSON, job: JSON) -> None:
    was, is_now = (conditions.is_true(one.get("status") or {}, "Suspended") for one in (before, job))
    if is_now and not was:
        _tell(door, job, "Suspended", "Job suspended")
    if was and not is_now:
        _tell(door, job, "Resumed", "Job resumed")


def _tell_end(door: Client, job: JSON) -> None:
    end = jobs.finished_condition(job) or {}
    if end.get("type") == "Failed":
        _tell(door, job, end.get("reason", ""), end.get("message", ""), type="Warning")
        return
    wanted = job["spec"].get("completions")
    if wanted is not None and job["status"].get("succeeded", 0) > wanted:
        message = "Too many succeeded pods running after completion count reached"
        _tell(door, job, "TooManySucceededPods", message, type="Warning")
    _tell(door, job, "Completed", "Job completed")


def _tell(door: Client, job: JSON, reason: str, message: str, *, type: Literal["Normal", "Warning"] = "Normal") -> None:
    hands.tell(door, job, component=COMPONENT, reason=reason, message=message, type=type)
