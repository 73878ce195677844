"""Logs of containers that are gone: what was taken becomes text and gets into the index; what is too old, or too much,
goes, the oldest first and from the accounts that have the most.

The text is there before its row, the row before what was taken goes; when a log's time is over, the text goes before
its row. So after a crash at any point the next round finds what is left to do, and the sums of the index are true.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from workloads.meta import retention
from workloads.meta.keys import Uid
from workloads.runtimes.archive import Archive, Life
from workloads.store import endedpods, keptlogs
from workloads.store.endedpods import Ended
from workloads.store.keptlogs import Kept

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
TRIM_SECONDS = 60.0
SWEEP_SECONDS = 3600.0
STRAY_AGE = timedelta(hours=1)
CHUNK = 500


@dataclass(frozen=True)
class Limits:
    age: timedelta
    bytes: int


def keep(archive: Archive, stop: threading.Event, *, limits: Limits) -> None:
    """Until `stop`. A disk that is full is tried again when something was trimmed, and so is a log that could not be
    read or written for another reason, which holds up no other."""
    refused: set[Life] = set()
    trim, sweep = _Every(TRIM_SECONDS), _Every(SWEEP_SECONDS)
    while True:
        if sweep.is_due():
            sweep_strays(archive, datetime.now(UTC))
        if trim.is_due():
            trim_once(archive, limits, datetime.now(UTC))
            refused.clear()
        settled = settle_all(archive, datetime.now(UTC), stop=stop.is_set, refused=refused)
        if stop.wait(LOOK_SECONDS if settled else TRIM_SECONDS):
            return


def settle_all(
    archive: Archive, now: datetime, *, stop: Callable[[], bool] = lambda: False, refused: set[Life] | None = None
) -> bool:
    """False when the disk is full: what it did not take is still there as it was taken. So is a log with a fault of its
    own, which is left out while it is in `refused` and is put there."""
    faulty = set() if refused is None else refused
    for life in archive.waiting():
        if stop():
            break
        if life in faulty:
            continue
        try:
            settle(archive, life, now)
        except FileNotFoundError:
            continue  # another agent was faster
        except OSError as error:
            logger.warning("the log of %s/%s is kept as it is for now: %s", life.namespace, life.pod, error)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return False
            faulty.add(life)
    return True


def settle(archive: Archive, life: Life, now: datetime) -> None:
    """Text, row, and nothing is left of what was taken. Raises OSError."""
    measured = archive.settle(life)
    keptlogs.put(
        Kept(
            account=life.account,
            namespace=life.namespace,
            pod=life.pod,
            uid=life.uid,
            container=life.container,
            attempt=life.attempt,
            started=life.started,
            finished=life.finished,
            exit_code=life.exit_code,
            oom_killed=life.oom_killed,
            lines=measured.lines,
            bytes=measured.bytes,
            stored=measured.stored,
            kept=now,
        )
    )
    endedpods.put_lost(_lost(life, now))
    archive.discard(life)


def trim_once(archive: Archive, limits: Limits, now: datetime) -> int:
    """How many logs went."""
    old = [_remove(archive, log) for log in keptlogs.older_than(now - limits.age)]
    endedpods.forget_older_than(now - limits.age)
    sizes = keptlogs.sizes()
    removed = sum(old)
    if sum(sizes.values()) <= limits.bytes:
        return removed
    share = retention.share(sizes, limit=limits.bytes)
    for account, size in sizes.items():
        removed += _cut(archive, account, too_much=size - share)
    return removed


def sweep_strays(archive: Archive, now: datetime) -> int:
    """Removes texts that no row knows (a database that was put back to an earlier day). How many went."""
    files = archive.files()
    removed = 0
    while chunk := list(islice(files, CHUNK)):
        places = {(uid, container, attempt): place for uid, container, attempt, place in chunk}
        for key in keptlogs.unknown(places):
            place = places[key]
            if _age(place.stat().st_mtime, now) > STRAY_AGE:
                logger.warning("nothing is known of the log %s, which goes", place)
                place.unlink(missing_ok=True)
                removed += 1
    return removed


def _cut(archive: Archive, account: str, *, too_much: int) -> int:
    removed = 0
    logs: Iterator[Kept] = keptlogs.oldest_of(account) if too_much > 0 else iter(())
    for log in logs:
        _remove(archive, log)
        removed += 1
        too_much -= log.stored
        if too_much <= 0:
            break
    return removed


def _remove(archive: Archive, log: Kept) -> int:
    archive.remove(
        account=log.account, namespace=log.namespace, uid=log.uid, container=log.container, attempt=log.attempt
    )
    keptlogs.forget(log)
    return 1


def _lost(life: Life, now: datetime) -> Ended:
    """Of a pod whose object went without a word, as after a crash: its log tells the little that is known."""
    return Ended(
        uid=Uid(life.uid),
        account=life.account,
        namespace=life.namespace,
        name=life.pod,
        workload_kind="",
        workload="",
        owner_uid="",
        outcome="Lost",
        reason="",
        message="",
        created=life.started or now,
        ended=life.finished or now,
        gone=now,
    )


def _age(mtime: float, now: datetime) -> timedelta:
    return now - datetime.fromtimestamp(mtime, tz=UTC)


class _Every:
    """Due at once, and then every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = datetime.min.replace(tzinfo=UTC)

    def is_due(self) -> bool:
        now = datetime.now(UTC)
        if now < self._next:
            return False
        self._next = now + timedelta(seconds=self._seconds)
        return True
