"""How long after a failure the next pod may come: 10 s, 20 s, 40 s, ... up to 6 minutes. Pure.

The finished pods themselves are the memory: nothing is lost when a worker dies.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from workloads.controllers import owners
from workloads.controllers.jobs import pods

JSON = dict[str, Any]

FIRST_SECONDS = 10.0
LONGEST_SECONDS = 360.0


def delay(failures: int) -> float:
    """Seconds to wait after that many failures in a row."""
    if failures <= 0:
        return 0.0
    return float(min(FIRST_SECONDS * 2 ** min(failures - 1, 10), LONGEST_SECONDS))


def left(job: JSON, owned: Iterable[JSON], now: datetime) -> float:
    """Seconds until the Job may have another pod: by the failures since the last success."""
    ended = sorted((one for one in owned if _is_over(job, one)), key=pods.ended_at)
    failures = 0
    for pod in ended:
        failures = 0 if pods.has_succeeded(pod) else failures + 1
    return _left(ended[-1], failures, now) if failures else 0.0


def left_for_index(last: JSON, now: datetime) -> float:
    """The same for one index, by the last pod it had."""
    return _left(last, sum(pods.failures(last)) + 1, now)


def _left(last: JSON, failures: int, now: datetime) -> float:
    return max(0.0, (pods.ended_at(last) + timedelta(seconds=delay(failures)) - now).total_seconds())


def _is_over(job: JSON, pod: JSON) -> bool:
    """Pods that the Job itself sent away (too many, suspended) have not failed: they have no finalizer."""
    if pods.has_succeeded(pod):
        return True
    return pods.has_failed(job, pod) and (pods.is_tracked(pod) or not owners.is_deleting(pod))
