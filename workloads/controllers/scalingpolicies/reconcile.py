"""One look at one Deployment and all its scaling policies, so that they act one after another.

The number of pods and a note of who changed it, and for which occasion, are one write on the Deployment. A worker that
dies right after it leaves the note; the next one finds it and knows that this occasion has been served. The policies'
statuses follow, and then the Events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from workloads.client import Client
from workloads.controllers import hands, owners
from workloads.controllers.autoscalers.reconcile import Measure, measured
from workloads.controllers.base import Controller, Result
from workloads.controllers.scalingpolicies import occasions
from workloads.kinds import scalingpolicies
from workloads.kinds.schedules import ScheduleError
from workloads.meta import selectors, times
from workloads.meta.errors import Conflict, NotFound, StatusError
from workloads.meta.keys import Key
from workloads.store import objects
from workloads.store.changes import Entry

JSON = dict[str, Any]
Outcome = Literal["Scaled", "Unchanged", "Failed", "Missed"]

COMPONENT = "scaling-policies"
SCALED_BY = "autoscaling.cci.io/scaled-by"
"""`<uid of the policy> <occasion> <from> <to>`, on the Deployment."""
LOOK_AGAIN_AT_ONCE = 0.1
_REASONS = {"Scaled": "SuccessfulRescale", "Failed": "FailedRescale", "Missed": "MissedRescale"}


def controller(measure: Measure | None = None) -> Controller:
    return Controller(
        name="scalingpolicies",
        queue="control",
        keys=keys,
        reconcile=lambda key: reconcile(key, measure or measured),
        resync=lambda: {_target(policy, key) for policy, key in _everyone()},
    )


def keys(entry: Entry) -> Iterable[Key]:
    """The Deployment of a policy whose spec changed, and a Deployment that comes or goes: everything else is looked at
    by the clock."""
    if entry.key.kind == "Deployment" and entry.type != "MODIFIED":
        return [entry.key]
    if entry.key.kind != "ScalingPolicy":
        return []
    seen = hands.now_and_before(entry)
    if entry.type == "MODIFIED" and len({obj["metadata"].get("generation") for obj in seen}) == 1:
        return []
    return owners.unique(_target(policy, entry.key) for policy in seen)


def _target(policy: JSON, key: Key) -> Key:
    return Key(key.account, "Deployment", key.namespace, scalingpolicies.target_of(policy))


def _everyone() -> Iterable[tuple[JSON, Key]]:
    for row in objects.scan("ScalingPolicy").rows:
        yield orjson.loads(row.data), row.key


def reconcile(key: Key, measure: Measure) -> Result | None:
    door = hands.client("scaling-policies", key.account)
    try:
        everybody = door.list("ScalingPolicy", key.namespace).items
        mine = [one for one in everybody if scalingpolicies.target_of(one) == key.name and not owners.is_deleting(one)]
        if not mine:
            return None
        deployment = hands.read(door, key)
        if deployment is None or owners.is_deleting(deployment):
            _say_it_is_not_there(door, key, mine)
            return None
        return _Look(door, deployment, mine, measure, now=datetime.now(UTC)).run()
    except (Conflict, NotFound):
        return Result(LOOK_AGAIN_AT_ONCE)


def _say_it_is_not_there(door: Client, key: Key, policies: list[JSON]) -> None:
    """It is looked at again when it comes."""
    for policy in policies:
        status = deepcopy(occasions.begun(policy, datetime.now(UTC)))
        status.pop("nextRunTime", None)
        hands.put_status(door, policy, {**status, "message": f"Deployment {key.name} is not there"})


@dataclass
class _Policy:
    """`status` as it will be written."""

    obj: JSON
    status: JSON
    due: datetime | None = None
    """When somebody has to look again."""

    @property
    def name(self) -> str:
        return str(self.obj["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self.obj["metadata"]["uid"])

    @property
    def is_alarm(self) -> bool:
        return scalingpolicies.type_of(self.obj) == "alarm"

    @property
    def enabled(self) -> bool:
        return bool(self.obj["spec"]["enabled"])

    def has_dealt_with(self, occasion: datetime) -> bool:
        last = self.status.get("measuredAt" if self.is_alarm else "lastRunTime")
        return last is not None and times.parse(last) >= occasion


@dataclass
class _Look:
    door: Client
    deployment: JSON
    objs: list[JSON]
    measure: Measure
    now: datetime
    policies: list[_Policy] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.policies = [_Policy(obj, deepcopy(occasions.begun(obj, self.now))) for obj in self.objs]

    def run(self) -> Result:
        self._find_what_was_done()
        for policy in self.policies:
            policy.status.pop("message", None)
        self._serve_planned()
        self._serve_alarms()
        for policy in self.policies:
            self._look_ahead(policy)
            self._save(policy)
        waits = [(policy.due - self.now).total_seconds() for policy in self.policies if policy.due]
        return Result(max(LOOK_AGAIN_AT_ONCE, min(waits)) if waits else None)

    # What a worker that died had done

    def _find_what_was_done(self) -> None:
        note = (self.deployment["metadata"].get("annotations") or {}).get(SCALED_BY, "")
        words = note.split()
        if len(words) != 4:
            return
        uid, stamp, before, after = words
        for policy in self.policies:
            occasion = _moment(stamp) if policy.uid == uid else None
            if occasion is not None and not policy.has_dealt_with(occasion):
                self._end(policy, occasion, "Scaled", f"scaled from {before} to {after}", scaled_at=self.now)

    # Planned ones

    def _serve_planned(self) -> None:
        found = []
        for policy in self.policies:
            if policy.is_alarm or not policy.enabled:
                continue
            try:
                occasion = occasions.planned(policy.obj, policy.status, self.now)
            except ScheduleError as error:
                policy.status["message"] = f"the schedule cannot be read: {error}"
                continue
            if occasion:
                found.append((occasion.at, policy.name, occasion, policy))
        for _, _, occasion, policy in sorted(found, key=lambda one: one[:2]):
            if occasion.missed:
                self._end(policy, occasion.at, "Missed", "the service was away for more than an hour")
            else:
                self._act(policy, occasion.at, why=scalingpolicies.type_of(policy.obj))

    # Alarms

    def _serve_alarms(self) -> None:
        due = []
        for policy in sorted(self.policies, key=lambda one: one.name):
            if policy.is_alarm and policy.enabled:
                at = occasions.measurement(policy.obj, policy.status, self.now)
                due += [(policy, at)] if at else []
        if not due:
            return
        percents, problem = self._percents()
        for policy, at in due:
            self._judge(policy, at, percents, problem)

    def _judge(self, policy: _Policy, at: datetime, percents: Mapping[str, int], problem: str) -> None:
        alarm, status = policy.obj["spec"]["alarm"], policy.status
        percent = percents.get(alarm["metric"])
        if percent is None:
            status.pop("percent", None)
            status["measuredAt"], status["message"] = times.format_seconds(at), problem
            return
        status["percent"] = percent
        status["breaches"] = status.get("breaches", 0) + 1 if occasions.is_breached(alarm, percent) else 0
        rests = occasions.rests_until(policy.obj, self._last_scaled())
        if status["breaches"] < alarm["consecutiveCount"] or (rests and rests > self.now):
            status["measuredAt"] = times.format_seconds(at)
            return
        status["breaches"] = 0
        why = f"{alarm['metric']} {percent}% {alarm['operator']} {alarm['thresholdPercent']}%"
        self._act(policy, at, why=why)

    def _percents(self) -> tuple[Mapping[str, int], str]:
        """And why there are none, where there are none."""
        if not self.deployment["spec"].get("replicas", 1):
            return {}, "the Deployment has no pods: an alarm does not start any"
        namespace = self.deployment["metadata"]["namespace"]
        selector = str(selectors.from_object(self.deployment["spec"]["selector"]))
        try:
            figures = self.measure(self.door, namespace, selector)
        except StatusError as error:
            return {}, error.message
        pods = self.door.list("Pod", namespace, label_selector=selector).items
        return occasions.percents(pods, figures), "no pod runs for long enough to be measured"

    def _last_scaled(self) -> datetime | None:
        marks = [policy.status["lastScaleTime"] for policy in self.policies if policy.status.get("lastScaleTime")]
        return max(map(times.parse, marks), default=None)

    # Acting

    def _act(self, policy: _Policy, occasion: datetime, *, why: str) -> None:
        before = int(self.deployment["spec"].get("replicas", 1))
        after = scalingpolicies.pods_after(policy.obj, before)
        if after == before:
            return self._end(policy, occasion, "Unchanged", f"stays at {before} ({why})")
        metadata = self.deployment["metadata"]
        note = f"{policy.uid} {times.format_seconds(occasion)} {before} {after}"
        pinned = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        patch = {"metadata": {**pinned, "annotations": {SCALED_BY: note}}, "spec": {"replicas": after}}
        try:
            answer = self.door.patch(
                "Deployment", metadata["name"], patch, "application/merge-patch+json", metadata["namespace"]
            )
        except (Conflict, NotFound):
            raise
        except StatusError as error:
            return self._end(policy, occasion, "Failed", f"from {before} to {after} ({why}): {error.message}")
        self.deployment = answer.obj
        return self._end(policy, occasion, "Scaled", f"scaled from {before} to {after} ({why})", scaled_at=self.now)

    def _end(
        self, policy: _Policy, occasion: datetime, result: Outcome, message: str, *, scaled_at: datetime | None = None
    ) -> None:
        """The occasion has been dealt with: that is written first, and told afterwards."""
        stamp = times.format_seconds(occasion)
        policy.status |= {"lastRunTime": stamp, "lastResult": result, "lastMessage": message}
        if policy.is_alarm:
            policy.status["measuredAt"] = stamp
        if scaled_at:
            policy.status["lastScaleTime"] = times.format_seconds(scaled_at)
        self._save(policy)
        reason = _REASONS.get(result)
        if reason is None:
            return
        type: Literal["Normal", "Warning"] = "Normal" if result == "Scaled" else "Warning"
        text = f"Scaling policy {policy.name}: {message}"
        for obj in (policy.obj, self.deployment):
            hands.tell(self.door, obj, component=COMPONENT, reason=reason, message=text, type=type)

    def _look_ahead(self, policy: _Policy) -> None:
        policy.status.pop("nextRunTime", None)
        if not policy.enabled:
            return
        if policy.is_alarm:
            policy.due = occasions.next_measurement(policy.obj, self.now)
            return
        try:
            policy.due = occasions.following(policy.obj, policy.status, self.now)
        except ScheduleError:
            return
        if policy.due:
            policy.status["nextRunTime"] = times.format_seconds(policy.due)

    def _save(self, policy: _Policy) -> None:
        policy.obj = hands.put_status(self.door, policy.obj, deepcopy(policy.status))


def _moment(stamp: str) -> datetime | None:
    """Of a note, which anybody may have written: None when it is no time."""
    with suppress(ValueError):
        return times.parse(stamp)
    return None
