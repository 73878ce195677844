"""A CronJob makes a Job whenever its time has come, watches it end, and keeps the last few.

A Job's name is the CronJob's and the minute it was due: whoever dies after making it finds it again by trying to make
it. Times that were missed while nobody looked are not made up for, but for the newest. The rules, reasons and messages
are the CronJob controller's of Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from workloads.client import Client, DeleteOptions
from workloads.controllers import hands, owners
from workloads.controllers.base import Controller, Result
from workloads.kinds import cronjobs, jobs
from workloads.kinds.schedules import Schedule, ScheduleError
from workloads.meta import times
from workloads.meta.errors import AlreadyExists, Conflict, NotFound, StatusError
from workloads.meta.keys import Key
from workloads.store.changes import Entry

JSON = dict[str, Any]

COMPONENT = "cronjob-controller"
SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
LOOK_AGAIN_AT_ONCE = 0.1
RFC1123Z = "%a, %d %b %Y %H:%M:%S +0000"


def controller() -> Controller:
    return Controller(
        name="cronjobs",
        queue="control",
        keys=keys,
        reconcile=reconcile,
        resync=lambda: hands.every_key("CronJob"),
    )


def keys(entry: Entry) -> Iterable[Key]:
    """The CronJob itself; a Job's CronJob, now and before."""
    if entry.key.kind == "CronJob":
        return [entry.key] if entry.type != "DELETED" else []
    if entry.key.kind == "Job":
        return owners.unique(owners.controllers_in(entry, kind="CronJob"))
    return []


def reconcile(key: Key) -> Result | None:
    door = hands.client("cronjobs", key.account)
    cronjob = hands.read(door, key)
    if cronjob is None:
        return None
    try:
        return _look_at(door, cronjob)
    except Conflict:
        return Result(LOOK_AGAIN_AT_ONCE)
    except NotFound:
        return None


def _look_at(door: Client, cronjob: JSON) -> Result:
    now = datetime.now(UTC)
    children = door.list("Job", cronjob["metadata"]["namespace"], owner_uid=cronjob["metadata"]["uid"]).items
    seen = watch(cronjob, children)
    failure: StatusError | None = None
    wait: float | None = None
    if not owners.is_deleting(cronjob):
        wait, failure = _serve(door, cronjob, seen, now)
        _forget_old(door, cronjob, seen, children)
    hands.put_status(door, cronjob, seen.status)
    for word in seen.words:
        hands.tell(door, cronjob, component=COMPONENT, reason=word.reason, message=word.message, type=word.type)
    if failure is not None:
        raise failure
    return Result(wait)


# What has become of its Jobs


@dataclass(frozen=True)
class Word:
    """An Event that is told once the status is written."""

    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"


@dataclass
class Seen:
    """`status` as it will be written."""

    status: JSON
    words: list[Word] = field(default_factory=list)

    @property
    def active(self) -> list[JSON]:
        return list(self.status.get("active") or ())

    def tell(self, reason: str, message: str, *, type: Literal["Normal", "Warning"] = "Normal") -> None:
        self.words.append(Word(reason, message, type))

    def drop(self, uid: str) -> None:
        left = [one for one in self.active if one["uid"] != uid]
        self.status.pop("active", None)
        if left:
            self.status["active"] = left

    def started(self, job: JSON, at: datetime) -> None:
        self.drop(job["metadata"]["uid"])
        self.status["active"] = [*self.active, _reference(job)]
        self.status["lastScheduleTime"] = times.format_seconds(at)


def watch(cronjob: JSON, children: list[JSON]) -> Seen:
    """Which of its Jobs still run, which have ended, which are gone. Pure."""
    seen = Seen(deepcopy(cronjob.get("status") or {}))
    known = {one["uid"] for one in seen.active}
    for job in children:
        metadata, end = job["metadata"], jobs.finished_condition(job)
        by_hand = (metadata.get("annotations") or {}).get(cronjobs.INSTANTIATE) == "manual"
        if metadata["uid"] not in known and end is None and not by_hand:
            message = f"Saw a job that the controller did not create or forgot: {metadata['name']}"
            seen.tell("UnexpectedJob", message, type="Warning")
        if metadata["uid"] in known and end is not None:
            seen.drop(metadata["uid"])
            seen.tell("SawCompletedJob", f"Saw completed job: {metadata['name']}, condition: {end['type']}")
        completed = (job.get("status") or {}).get("completionTime")
        if end is not None and end["type"] == "Complete" and completed:
            seen.status["lastSuccessfulTime"] = max(completed, seen.status.get("lastSuccessfulTime", ""))
    living = {job["metadata"]["uid"] for job in children}
    for one in seen.active:
        if one["uid"] not in living:
            seen.drop(one["uid"])
            seen.tell("MissingJob", f"Active job went missing: {one['name']}")
    return seen


def _reference(job: JSON) -> JSON:
    metadata = job["metadata"]
    return {
        "apiVersion": job["apiVersion"],
        "kind": job["kind"],
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    }


# Whether it is time


@dataclass(frozen=True)
class Turn:
    """`due`: a Job is to be started for this time. `wait`: seconds until the next time."""

    due: datetime | None
    wait: float | None


def turn(cronjob: JSON, seen: Seen, schedule: Schedule, now: datetime) -> Turn:
    """Pure. Says in `seen` why a time that has come is let pass."""
    spec, status = cronjob["spec"], seen.status
    following = schedule.next(now)
    wait = None if following is None else (following - now).total_seconds()
    last = status.get("lastScheduleTime")
    since = times.parse(last or cronjob["metadata"]["creationTimestamp"])
    deadline = spec.get("startingDeadlineSeconds")
    if deadline is not None:
        since = max(since, now - timedelta(seconds=deadline))
    missed = schedule.missed(since, now=now)
    if missed is None:
        return Turn(None, wait)
    if missed.many:
        message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
        seen.tell("TooManyMissedTimes", message, type="Warning")
    if deadline is not None and missed.latest + timedelta(seconds=deadline) < now:
        message = f"Missed scheduled time to start a job: {missed.latest.strftime(RFC1123Z)}"
        seen.tell("MissSchedule", message, type="Warning")
        return Turn(None, wait)
    if any(one["name"] == job_name(cronjob, missed.latest) for one in seen.active):
        return Turn(None, wait)
    if spec["concurrencyPolicy"] == cronjobs.FORBID and seen.active:
        message = "Not starting job because prior execution is running and concurrency policy is Forbid"
        seen.tell("JobAlreadyActive", message)
        return Turn(None, wait)
    return Turn(missed.latest, wait)


def job_name(cronjob: JSON, at: datetime) -> str:
    return f"{cronjob['metadata']['name']}-{int(at.timestamp()) // 60}"


def job_of(cronjob: JSON, at: datetime) -> JSON:
    """The manifest of the Job that is due at `at`. Pure."""
    template = deepcopy(cronjob["spec"]["jobTemplate"])
    metadata = template.get("metadata") or {}
    zone = cronjobs.schedule(cronjob).zone
    stamp = at.astimezone(zone).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(cronjob, at),
            "labels": dict(metadata.get("labels") or {}),
            "annotations": {**(metadata.get("annotations") or {}), SCHEDULED_AT: stamp},
            "ownerReferences": [owners.reference(cronjob)],
        },
        "spec": template["spec"],
    }


def _serve(door: Client, cronjob: JSON, seen: Seen, now: datetime) -> tuple[float | None, StatusError | None]:
    """Starts what is due. Returns the seconds until the next time, and what went wrong."""
    if cronjob["spec"].get("suspend"):
        return None, None
    try:
        schedule = cronjobs.schedule(cronjob)
    except ScheduleError as error:
        message = f"unparseable schedule: {cronjob['spec']['schedule']} : {error}"
        seen.tell("UnparseableSchedule", message, type="Warning")
        return None, None
    found = turn(cronjob, seen, schedule, now)
    if found.due is None:
        return found.wait, None
    if cronjob["spec"]["concurrencyPolicy"] == cronjobs.REPLACE:
        for one in seen.active:
            _delete(door, cronjob, seen, name=one["name"], uid=one["uid"])
    return found.wait, _start(door, cronjob, seen, found.due)


def _start(door: Client, cronjob: JSON, seen: Seen, at: datetime) -> StatusError | None:
    namespace = cronjob["metadata"]["namespace"]
    try:
        job = door.create("Job", job_of(cronjob, at), namespace).obj
    except AlreadyExists:
        found = hands.read(door, Key(door.identity.account, "Job", namespace, job_name(cronjob, at)))
        if found is None or not owners.is_controlled_by(found, cronjob):
            seen.status["lastScheduleTime"] = times.format_seconds(at)
            return None
        job = found
    except StatusError as error:
        seen.tell("FailedCreate", f"Error creating job: {error.message}", type="Warning")
        return error
    else:
        seen.tell("SuccessfulCreate", f"Created job {job['metadata']['name']}")
    seen.started(job, at)
    return None


# The last few


def _forget_old(door: Client, cronjob: JSON, seen: Seen, children: list[JSON]) -> None:
    for job in old_ones(cronjob, children):
        _delete(door, cronjob, seen, name=job["metadata"]["name"], uid=job["metadata"]["uid"])


def old_ones(cronjob: JSON, children: list[JSON]) -> Iterator[JSON]:
    """Finished Jobs beyond the history limits, the oldest first. Pure."""
    ended = [(job, end["type"]) for job in children if (end := jobs.finished_condition(job)) is not None]
    for type, limit in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
        kept = cronjob["spec"].get(limit)
        some = sorted((job for job, how in ended if how == type and not owners.is_deleting(job)), key=_start_of)
        if kept is not None:
            yield from some[: max(0, len(some) - kept)]


def _start_of(job: JSON) -> tuple[str, str]:
    metadata = job["metadata"]
    return (job.get("status") or {}).get("startTime") or metadata["creationTimestamp"], metadata["name"]


def _delete(door: Client, cronjob: JSON, seen: Seen, *, name: str, uid: str) -> None:
    options = DeleteOptions(uid=uid, propagation="Background")
    with suppress(NotFound, Conflict):
        door.delete("Job", name, cronjob["metadata"]["namespace"], options=options)
        seen.tell("SuccessfulDelete", f"Deleted job {name}")
    seen.drop(uid)
