"""What grows is trimmed: Events that have not happened again for an hour, and the log behind its slowest reader."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from workloads.client import expire_events
from workloads.store import changes

LOG_KEPT = 10_000
"""Entries that stay however old they are: a watch that was cut off goes on from where it was."""
LOG_KEPT_FOR = timedelta(minutes=30)
READERS_GIVEN_UP = timedelta(days=30)
"""Who has not read for so long is dead. Every reader of the log can start from the objects as they are."""

log = logging.getLogger(__name__)


def run_once() -> None:
    """The manager calls it every half minute; more often does no harm."""
    now = datetime.now(UTC)
    expire_events(now)
    for reader in changes.retire(keep=LOG_KEPT, unread_since=now - READERS_GIVEN_UP):
        log.error("%s has not read the log for %s: it is waited for no longer", reader, READERS_GIVEN_UP)
    changes.trim(keep=LOG_KEPT, older_than=now - LOG_KEPT_FOR)
