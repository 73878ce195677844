"""Work items: one row a (controller, key). Duplicates fold; a key made dirty while it is worked on stays dirty.

A row says that somebody has to look. Who claims it works alone until the claim runs out, and renews it while the work
takes longer; a worker that dies gives its keys back by not renewing. A row is deleted when nothing is left to do.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from iam import sql
from workloads.meta.keys import Key
from workloads.store.columns import time_in
from workloads.store.models import WorkItem
from workloads.store.writing import is_sqlite, write

CLAIM_SECONDS = 30.0
"""How long a key stays with a worker that does not renew its claim."""
BELL_SECONDS = 2.0
"""How long a message may take from `add` to a worker before it counts as lost."""
FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 300.0


@dataclass(frozen=True)
class Claim:
    """`holder` is who claimed, made unique for this one claim; `seen` is how dirty the key was then."""

    controller: str
    key: Key
    seen: int
    failures: int
    until: datetime
    holder: str = ""


def add(controller: str, keys: Iterable[Key], *, delay: float = 0.0) -> None:
    """Makes the keys dirty (due now or after `delay` seconds) and rings the Celery bell for those due now.

    Call it when what the worker shall see is committed: a key that already waits is left as it is, and may be claimed
    at any moment.
    """
    due = timezone.now() + timedelta(seconds=delay)
    texts = sorted({str(key) for key in keys})  # sorted: two adders lock rows in one order
    for start in range(0, len(texts), _CHUNK):
        chunk = texts[start : start + _CHUNK]
        wanting = _wanting(controller, chunk, due)
        if wanting:
            _make_dirty(controller, wanting, due, ring=delay <= 0)


def claim(controller: str, *, holder: str, key: Key | None = None) -> Claim | None:
    """Takes one due item (or this one) for a while; None when nothing is due. One holder a key, ever."""
    now = timezone.now()
    if key is not None:
        return _claim_one(controller, key, holder, now)
    items = _claimable(now).filter(queue=controller)
    if not items.exists():  # a look is free, a write transaction is not
        return None
    with write():
        item = items.select_for_update(skip_locked=True).order_by("due", "id").first()
        return None if item is None else _take(item, holder, now)


def renew(claim: Claim) -> Claim | None:
    """Prolongs the claim by CLAIM_SECONDS from now. None when it has run out: somebody else may have the key."""
    now = timezone.now()
    until = now + timedelta(seconds=CLAIM_SECONDS)
    with write():
        kept = _held(claim, now).update(claimed_until=until)
    return replace(claim, until=until) if kept else None


def settle(claim: Claim, *, requeue_after: float | None = None, error: str = "", terminal: bool = False) -> None:
    """Done, again later, or failed (backoff 1 s doubling to 5 min). A claim that has expired settles nothing.

    A key that became dirty meanwhile is due at once, or after a second when it failed, so that a key which makes itself
    dirty and fails does not spin.
    """
    now = timezone.now()
    with write():
        found = sql.select(_HELD if is_sqlite() else f"{_HELD} FOR UPDATE", [*_names(claim), time_in(now)])
        if not found:
            return
        [(number, marks, failures)] = found
        failures = failures + 1 if error and not terminal else 0
        delay = _delay(dirty=marks > claim.seen, requeue_after=requeue_after, failures=failures)
        if delay is None:
            sql.execute("DELETE FROM workloads_workitem WHERE id = %s", [number])
            return
        sql.execute(_PUT_BACK, [time_in(now + timedelta(seconds=delay)), failures, error, number])
    if delay <= 0:
        _ring_after_commit(claim.controller, [claim.key])


def waiting(controllers: Collection[str], *, limit: int) -> list[tuple[str, Key, datetime]]:
    """Items nobody has whose bell did not ring or was lost, the longest waiting first, as (controller, key,
    due): their time has come, their worker died, or they were made dirty BELL_SECONDS ago."""
    now = timezone.now()
    silent = Q(dirty=F("seen")) | Q(due__lte=now - timedelta(seconds=BELL_SECONDS))
    items = _claimable(now).filter(silent, queue__in=controllers).order_by("due", "id")
    found = items.values_list("queue", "key", "due")[:limit]
    return [(controller, Key.parse(key), due) for controller, key, due in found]


def depths() -> dict[str, int]:
    """How many keys each controller has to look at now, claimed or not."""
    due = WorkItem.objects.filter(due__lte=timezone.now()).values_list("queue").annotate(Count("id")).order_by("queue")
    return dict(due)


def next_due() -> datetime | None:
    """When the next item that waits for its time becomes due."""
    later = WorkItem.objects.filter(due__gt=timezone.now(), claimed_until=None)
    return later.order_by("due").values_list("due", flat=True).first()


def backoff(failures: int) -> float:
    """Seconds to wait after that many failures in a row."""
    return float(min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(failures - 1, 30)))


_CHUNK = 500
_UPSERT = """
    INSERT INTO workloads_workitem AS item (queue, key, dirty, seen, due, claimed_by, failures, error)
    VALUES {rows}
    ON CONFLICT (queue, key) DO UPDATE SET
        dirty = item.dirty + 1,
        due = CASE WHEN excluded.due < item.due THEN excluded.due ELSE item.due END
    WHERE item.due > excluded.due OR (item.claimed_by <> '' AND item.dirty = item.seen)
    RETURNING key, claimed_by"""


def _wanting(controller: str, keys: Sequence[str], due: datetime) -> list[str]:
    """Without those a worker is going to look at anyway, by then."""
    places = ", ".join(["%s"] * len(keys))
    folded = f"""
        SELECT key FROM workloads_workitem
        WHERE queue = %s AND due <= %s AND (claimed_by = '' OR dirty > seen) AND key IN ({places})"""  # noqa: S608
    known = {key for (key,) in sql.select(folded, [controller, time_in(due), *keys])}
    return [key for key in keys if key not in known]


def _make_dirty(controller: str, keys: Sequence[str], due: datetime, *, ring: bool) -> None:
    seen = 0 if ring else 1  # as after a look: `waiting` then knows that no bell has rung for it
    rows = ", ".join([f"(%s, %s, 1, {seen}, %s, '', 0, '')"] * len(keys))
    values: list[Any] = [value for key in keys for value in (controller, key, time_in(due))]
    with write():
        changed = sql.select(_UPSERT.format(rows=rows), values)
        free = [Key.parse(key) for key, claimed_by in changed if not claimed_by]
        if ring and free:
            _ring_after_commit(controller, free)


def _ring_after_commit(controller: str, keys: Sequence[Key]) -> None:
    from workloads.controllers import tasks

    transaction.on_commit(partial(tasks.ring, controller, keys))


def _claimable(now: datetime) -> QuerySet[WorkItem]:
    return WorkItem.objects.filter(Q(claimed_until=None) | Q(claimed_until__lte=now), due__lte=now)


_DUE = "queue = %s AND key = %s AND due <= %s AND (claimed_until IS NULL OR claimed_until <= %s)"
_LOOK = f"SELECT 1 FROM workloads_workitem WHERE {_DUE}"  # noqa: S608
_CLAIM = f"""
    UPDATE workloads_workitem SET claimed_by = %s, claimed_until = %s, seen = dirty WHERE {_DUE}
    RETURNING seen, failures"""  # noqa: S608


def _claim_one(controller: str, key: Key, holder: str, now: datetime) -> Claim | None:
    """As `claim`, in two plain statements: every look at a pod begins with it."""
    due = [controller, str(key), time_in(now), time_in(now)]
    if not sql.select(_LOOK, due):  # it is free, a write transaction is not
        return None
    me, until = _unique(holder), now + timedelta(seconds=CLAIM_SECONDS)
    with write():
        taken = sql.select(_CLAIM, [me, time_in(until), *due])
    if not taken:
        return None
    [(seen, failures)] = taken
    return Claim(controller, key, seen=seen, failures=failures, until=until, holder=me)


def _unique(holder: str) -> str:
    """For this one claim."""
    return f"{holder[:110]}#{secrets.token_hex(6)}"


def _take(item: WorkItem, holder: str, now: datetime) -> Claim:
    item.claimed_by = _unique(holder)
    item.claimed_until = now + timedelta(seconds=CLAIM_SECONDS)
    item.seen = item.dirty
    item.save(update_fields=["claimed_by", "claimed_until", "seen"])
    return Claim(
        controller=item.queue,
        key=Key.parse(item.key),
        seen=item.seen,
        failures=item.failures,
        until=item.claimed_until,
        holder=item.claimed_by,
    )


def _held(claim: Claim, now: datetime) -> QuerySet[WorkItem]:
    """The claim's item, while the claim lasts."""
    return WorkItem.objects.filter(
        queue=claim.controller, key=str(claim.key), claimed_by=claim.holder, claimed_until__gt=now
    )


_HELD = """
    SELECT id, dirty, failures FROM workloads_workitem
    WHERE queue = %s AND key = %s AND claimed_by = %s AND claimed_until > %s"""
_PUT_BACK = """
    UPDATE workloads_workitem SET claimed_by = '', claimed_until = NULL, due = %s, failures = %s, error = %s
    WHERE id = %s"""


def _names(claim: Claim) -> tuple[str, str, str]:
    return claim.controller, str(claim.key), claim.holder


def _delay(*, dirty: bool, requeue_after: float | None, failures: int) -> float | None:
    """Seconds until somebody has to look again; None: nobody has to."""
    if failures:
        return FIRST_BACKOFF if dirty else backoff(failures)
    return 0.0 if dirty else requeue_after
