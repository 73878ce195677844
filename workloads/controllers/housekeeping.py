"""What grows is trimmed: Events that have not happened again for an hour, pods that ended long ago and that nobody
removes, and the log behind its slowest reader."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from workloads.client import DeleteOptions, expire_events
from workloads.controllers import hands
from workloads.meta import retention
from workloads.meta.errors import Conflict, NotFound
from workloads.store import changes, objects
from workloads.store.objects import Brief

LOG_KEPT = 10_000
"""Entries that stay however old they are: a watch that was cut off goes on from where it was."""
LOG_KEPT_FOR = timedelta(minutes=30)
ENDED_PODS_KEPT = 1000
"""On this host, of all accounts. Each keeps its containers to be read; Kubernetes' default is 12,500 for a cluster."""
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
    """Deletes pods that have succeeded or failed, when there are more than `keep`: of the accounts that have the most,
    those first that changed last the longest ago, thus as a rule those that ended first. Returns how many."""
    ended = [pod for pod in objects.briefs("Pod", phases=("Succeeded", "Failed"), placed=True) if not pod.deleting]
    surplus = _beyond(keep, ended)
    for pod in surplus:
        key = pod.key
        with suppress(NotFound, Conflict):
            door = hands.client("housekeeping", key.account)
            door.delete("Pod", key.name, key.namespace, options=DeleteOptions(uid=pod.uid))
    if surplus:
        log.info("%d pods that ended long ago are removed: %d are kept", len(surplus), keep)
    return len(surplus)


def _beyond(keep: int, pods: Sequence[Brief]) -> list[Brief]:
    """An account with no more than its share loses none, however many the others have."""
    owned: dict[str, list[Brief]] = {}
    for pod in sorted(pods, key=lambda pod: pod.revision):
        owned.setdefault(pod.key.account, []).append(pod)
    share = retention.share({account: len(its) for account, its in owned.items()}, limit=keep)
    return [pod for its in owned.values() for pod in its[: max(0, len(its) - share)]]
