"""What grows is trimmed: Events that nobody has seen again for an hour, and the log behind its slowest reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from workloads.client import expire_events
from workloads.store import changes

LOG_KEPT = 10_000
"""Entries that stay however old they are: a watch that was cut off goes on from where it was."""
LOG_KEPT_FOR = timedelta(minutes=30)


def run_once() -> None:
    """The manager calls it every half minute; more often does no harm."""
    now = datetime.now(UTC)
    expire_events(now)
    changes.trim(keep=LOG_KEPT, older_than=now - LOG_KEPT_FOR)
