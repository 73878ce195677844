"""Which containers start, wait or rest. Pure.

A container that ended starts again at once; the second time it waits 10 s, then 20 s, ... up to 5 min. One that ran for
ten minutes is forgiven. The attempt number is all the memory this needs, beside the newest forgiven attempt (`calm`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workloads.runtimes.base import ContainerStatus

JSON = Mapping[str, Any]

FIRST_SECONDS = 10.0
LONGEST_SECONDS = 300.0
FORGIVEN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class Start:
    """Start this attempt. `since` is when the attempt before it ended."""

    attempt: int
    since: datetime | None = None


@dataclass(frozen=True)
class Hold:
    """Start `attempt` when `until` has come."""

    until: datetime
    seconds: float


@dataclass(frozen=True)
class Rest:
    """It runs, or it has ended for good."""


Move = Start | Hold | Rest


def move(
    seen: ContainerStatus | None,
    before: JSON | None,
    *,
    policy: str,
    calm: int,
    revived: bool,
    now: datetime,
    again: int = -1,
) -> Move:
    """What to do about one container. `seen` is what the runtime knows of it, `before` its entry in the pod's status.
    With `revived` the sandbox had died: what died with it starts again at once. Attempts up to `again` count for
    nothing, however they ended: what they prepared is gone."""
    if seen is None:
        if before is not None and before.get("containerID") and int(before.get("restartCount", 0)) <= again:
            return Start(int(before["restartCount"]) + 1)
        return _unseen(before, policy=policy)
    if seen.state == "running":
        return Rest()
    if seen.state == "created":
        return Start(seen.attempt)
    if seen.attempt <= again:
        return Start(seen.attempt + 1, since=seen.finished_at)
    if not wanted(policy, exit_code=seen.exit_code):
        return Rest()
    seconds = 0.0 if revived else delay(seen.attempt - calm)
    ended = seen.finished_at or now
    if now < ended + timedelta(seconds=seconds):
        return Hold(until=ended + timedelta(seconds=seconds), seconds=seconds)
    return Start(seen.attempt + 1, since=ended)


def wanted(policy: str, *, exit_code: int | None) -> bool:
    """Does `restartPolicy` want a container that ended like this to run again?"""
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def delay(crashes: int) -> float:
    """Seconds to wait after so many crashes in a row (0: the first one)."""
    if crashes <= 0:
        return 0.0
    return float(min(FIRST_SECONDS * 2 ** min(crashes - 1, 10), LONGEST_SECONDS))


def calm_attempt(seen: ContainerStatus, *, known: int) -> int:
    """The newest attempt that ran so long that what came before it is forgiven."""
    candidates = (one for one in (seen, seen.last) if one is not None and one.attempt > known)
    return max((one.attempt for one in candidates if _ran_long(one)), default=known)


def _ran_long(one: ContainerStatus) -> bool:
    if one.started_at is None or one.finished_at is None:
        return False
    return one.finished_at - one.started_at >= FORGIVEN_AFTER


def _unseen(before: JSON | None, *, policy: str) -> Move:
    """Never started, or lost: somebody removed the container behind our back."""
    if before is None or not before.get("containerID"):
        return Start(0)
    ended = (before.get("state") or {}).get("terminated")
    if ended and not wanted(policy, exit_code=ended.get("exitCode")):
        return Rest()
    if policy == "Never":
        return Rest()
    return Start(int(before.get("restartCount", 0)) + 1)
