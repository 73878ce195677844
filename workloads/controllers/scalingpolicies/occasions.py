"""When a policy is due, and what an alarm makes of a measurement. Pure.

What the status says has been dealt with is not dealt with again. An occasion that nobody was there for is made up for
within an hour, the newest one only; an older one is missed, and said to be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from workloads.client import PodFigures
from workloads.kinds import podspecs, scalingpolicies
from workloads.meta import times

JSON = dict[str, Any]

MADE_UP_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Occasion:
    at: datetime
    missed: bool


def begun(policy: JSON, now: datetime) -> JSON:
    """The status to go on with. A policy that was changed, switched off or on counts from now on."""
    status = dict(policy.get("status") or {})
    generation = policy["metadata"].get("generation", 1)
    if status.get("observedGeneration") == generation:
        return status
    is_new = "observedGeneration" not in status and generation == 1
    status["observedGeneration"] = generation
    status["countedSince"] = policy["metadata"]["creationTimestamp"] if is_new else times.format_seconds(now)
    status.pop("breaches", None)
    return status


def planned(policy: JSON, status: JSON, now: datetime) -> Occasion | None:
    """What a timed or periodic policy has to do now."""
    since = _since(status)
    at = _latest(policy, since, now)
    return Occasion(at, missed=now - at > MADE_UP_FOR) if at else None


def following(policy: JSON, status: JSON, now: datetime) -> datetime | None:
    """The next occasion of a timed or periodic policy."""
    if scalingpolicies.type_of(policy) == "periodic":
        return scalingpolicies.schedule(policy).next(now)
    at = times.parse(policy["spec"]["timed"]["at"])
    return at if at > max(now, _since(status)) else None


def measurement(policy: JSON, status: JSON, now: datetime) -> datetime | None:
    """The measurement an alarm is due for; each has a time of its own, whoever looks."""
    period = policy["spec"]["alarm"]["periodSeconds"]
    at = datetime.fromtimestamp(now.timestamp() // period * period, tz=UTC)
    last = status.get("measuredAt")
    return at if last is None or times.parse(last) < at else None


def next_measurement(policy: JSON, now: datetime) -> datetime:
    period = policy["spec"]["alarm"]["periodSeconds"]
    return datetime.fromtimestamp((now.timestamp() // period + 1) * period, tz=UTC)


def is_breached(alarm: JSON, percent: int) -> bool:
    return bool(
        percent > alarm["thresholdPercent"] if alarm["operator"] == ">" else percent < alarm["thresholdPercent"]
    )


def rests_until(policy: JSON, scaled: datetime | None) -> datetime | None:
    """An alarm does not act before; `scaled` is when any policy last scaled the Deployment."""
    return scaled + timedelta(seconds=policy["spec"]["gracefulWindowSeconds"]) if scaled else None


def percents(pods: Sequence[JSON], figures: Sequence[PodFigures]) -> Mapping[str, int]:
    """cpu and memory: the average of the pods' shares of their billed size; {} where nothing was measured."""
    sizes = {pod["metadata"]["uid"]: podspecs.chosen(pod) for pod in pods}
    shares: dict[str, list[float]] = {"cpu": [], "memory": []}
    for one in figures:
        size = sizes.get(one.uid)
        if size:
            shares["cpu"].append(one.cpu_nanocores / 10_000 / size.cpu_millis)
            shares["memory"].append(100 * one.memory_bytes / size.memory_bytes)
    return {metric: math.floor(sum(some) / len(some)) for metric, some in shares.items() if some}


def _latest(policy: JSON, since: datetime, now: datetime) -> datetime | None:
    if scalingpolicies.type_of(policy) == "timed":
        at = times.parse(policy["spec"]["timed"]["at"])
        return at if since < at <= now else None
    missed = scalingpolicies.schedule(policy).missed(since, now=now)
    return missed.latest if missed else None


def _since(status: JSON) -> datetime:
    marks = [status[name] for name in ("countedSince", "lastRunTime") if status.get(name)]
    return max(times.parse(mark) for mark in marks)
