"""What grows is trimmed: Events that have not happened again for an hour, pods that ended long ago and that nobody
removes, and the log behind its slowest reader."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from workloads.client import DeleteOptions, expire_events
from workloads.controllers import hands
from workloads.meta.errors import Conflict, NotFound
from workloads.store import changes, objects

LOG_KEPT = 10_000
"""Entries that stay however old they are: a watch that was cut off goes on from where it was."""
LOG_KEPT_FOR = timedelta(minutes=30)
ENDED_PODS_KEPT = 1000
"""On this host, the newest. Each keeps its containers to be read; Kubernetes' own default is 12,500 for a cluster."""
READERS_GIVEN_UP = timedelta(days=30)
"""Who has not read for so long is dead. Every reader of the log can start from the objects as they are."""

log = logging.getLogger(__name__)


def run_once() -> None:
    """The manager calls it every half minute; more often does no harm."""
    now = datetime.now(UTC)
    expire_events(now)
    collect_ended_pods(keep=ENDED_PODS_KEPT)
    for reader in changes.retire(keep=LOG_KEPT, unread_since=now - READERS_GIVEN_UP):
        log.error("%s has not read the log for %s: it is waited for no longer", reader, READERS_GIVEN_UP)
    changes.trim(keep=LOG_KEPT, older_than=now - LOG_KEPT_FOR)


def collect_ended_pods(*, keep: int) -> int:
    """Deletes the pods beyond the newest `keep` that have succeeded or failed, oldest first. Returns how many."""
    ended = objects.briefs("Pod", phases=("Succeeded", "Failed"), placed=True)
    surplus = [pod for pod in ended if not pod.deleting][: max(0, len(ended) - keep)]
    for pod in surplus:
        key = pod.key
        with suppress(NotFound, Conflict):
            door = hands.client("housekeeping", key.account)
            door.delete("Pod", key.name, key.namespace, options=DeleteOptions(uid=pod.uid))
    if surplus:
        log.info("%d pods that ended long ago are removed: %d are kept", len(surplus), keep)
    return len(surplus)
