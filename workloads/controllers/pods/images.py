"""Is the image here, must it be pulled, how long until the next try? Pure; the words are the kubelet's.

What must be remembered between looks stands in the pod's status (`status.lifecycle.images[image]`), so that a worker
that dies forgets nothing but the pull itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workloads.controllers.pods.restarts import FIRST_SECONDS, LONGEST_SECONDS
from workloads.meta import times
from workloads.runtimes.base import PullOutcome, PullProgress

JSON = dict[str, Any]


@dataclass(frozen=True)
class Here:
    """The image can be started from."""


@dataclass(frozen=True)
class Pull:
    """Ask for a pull that ends after `since`."""

    since: datetime


@dataclass(frozen=True)
class BackOff:
    """The last pull failed at `since`; the next is not before `until`."""

    since: datetime
    until: datetime
    error: str


@dataclass(frozen=True)
class Absent:
    """It is not here and must not be pulled."""


Answer = Here | Pull | BackOff | Absent


def policy_of(container: Mapping[str, Any]) -> str:
    """`imagePullPolicy`; as Kubernetes defaults it when the pod carries none."""
    given = container.get("imagePullPolicy")
    if given:
        return str(given)
    tail = container["image"].rpartition("/")[2]
    pinned = "@" in tail or (":" in tail and not tail.endswith(":latest"))
    return "IfNotPresent" if pinned else "Always"


def decide(policy: str, *, local: bool, record: JSON, needed_since: datetime | None, now: datetime) -> Answer:
    """`needed_since` is when the attempt before ended: `Always` means a pull after that, for every start."""
    if policy == "Never":
        return Here() if local else Absent()
    if local and (policy == "IfNotPresent" or _fresh(record, needed_since)):
        return Here()
    later = _moment(record, "nextAttemptAt")
    if later and now < later:
        return BackOff(since=_moment(record, "failedAt") or now, until=later, error=record.get("error", ""))
    return Pull(since=asked_at(record) or now)


def asked_at(record: JSON) -> datetime | None:
    """Since when a pull is under way for this pod; None when none is."""
    return _moment(record, "askedAt")


def asked(record: JSON, *, since: datetime) -> None:
    """A pull is under way."""
    record["askedAt"] = times.format_micro(since)
    record.pop("nextAttemptAt", None)


def pulled(record: JSON, outcome: PullOutcome) -> None:
    record.clear()
    record["pulledAt"] = times.format_micro(outcome.finished_at)


def failed(record: JSON, *, error: str, now: datetime) -> None:
    """Notes a failed pull, and when to try again."""
    failures = int(record.get("failures", 0)) + 1
    seconds = float(min(FIRST_SECONDS * 2 ** min(failures - 1, 10), LONGEST_SECONDS))
    record.pop("askedAt", None)
    record["failures"], record["error"] = failures, error
    record["failedAt"] = times.format_micro(now)
    record["nextAttemptAt"] = times.format_micro(now + timedelta(seconds=seconds))


def pulled_message(image: str, outcome: PullOutcome) -> str:
    took = go_duration((outcome.finished_at - outcome.started_at).total_seconds())
    return (
        f'Successfully pulled image "{image}" in {took} ({took} including waiting). '
        f"Image size: {outcome.size_bytes} bytes."
    )


def progress_message(image: str, progress: PullProgress) -> str:
    if not progress.total_bytes:
        return f'Pulling image "{image}"'
    share = min(100, 100 * progress.current_bytes // progress.total_bytes)
    return f'Pulling image "{image}": {share}% of {progress.total_bytes / 1_000_000:.1f} MB'


def go_duration(seconds: float) -> str:
    """As Go prints a duration cut to milliseconds: `340ms`, `1.2s`, `1m20s`."""
    millis = int(seconds * 1000)
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    minutes, rest = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _fresh(record: JSON, needed_since: datetime | None) -> bool:
    at = _moment(record, "pulledAt")
    return at is not None and (needed_since is None or at >= needed_since)


def _moment(record: JSON, name: str) -> datetime | None:
    text = record.get(name)
    return times.parse(text) if text else None
