"""The meter reads the log and writes the ledger. It has no memory: everything it knows is in the database.

`read_once` takes the next entries of the log and moves its cursor in the transaction that writes the segments, so a
crash between any two steps loses nothing and bills nothing twice. Reading the log again, from anywhere and any number
of times, changes nothing: what an entry says is only heard when it is newer than what is known.

`settle_once` writes the segments of pods that go on running, once an hour; nothing is done each second for anybody.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence

import orjson
from django.db import IntegrityError, close_old_connections
from django.db.models import Q

from billing import instants, lost, marks
from billing.instants import SECOND, Instant
from billing.ledger import PULLS_FOR_FREE, Posting
from billing.marks import Marks, Owner
from billing.models import MeteredPod, Ownership
from workloads.kinds import namespaces
from workloads.meta.keys import Key
from workloads.store import changes, doorbell, objects
from workloads.store.changes import Entry
from workloads.store.writing import write

READER = "meter"
KINDS = ("Pod", "ReplicaSet", "Job")
BATCH = 500
SETTLE_BATCH = 100
"""Pods settled in one transaction: nobody else's write waits longer than about a tenth of a second for it."""
SETTLE_AFTER = 90 * SECOND
"""How long an hour stays open for news that are under way, so that corrections are rare."""
TICK = 5.0
"""Seconds between looks when no bell rings."""

_DEEPEST = 4
"""Owners above a pod: CronJob, Job and room to spare; a ring of references ends here."""

logger = logging.getLogger(__name__)


def run(stop: threading.Event, told: Callable[[], None] = lambda: None) -> None:
    """Meters until `stop`, and calls `told` whenever something was written. A database that is away is waited for."""
    bell, listening_since = threading.Event(), instants.now()
    with doorbell.listen(bell.set):
        while not stop.is_set():
            bell.clear()
            if _work_once(listening_since):
                told()
            else:
                _wait(bell, stop)


def read_once(limit: int = BATCH) -> int:
    """Meters the next entries of the log. Returns how many there were: 0 when the meter has caught up."""
    try:
        return changes.digest(READER, apply, kinds=KINDS, limit=limit)
    except changes.Trimmed as reason:
        logger.warning("The log was trimmed ahead of the meter (%s): metering from the objects themselves.", reason)
        return resync()


def apply(entries: Sequence[Entry]) -> None:
    """Writes what these entries mean for the ledger. Needs a transaction around it."""
    _remember_owners(entry for entry in entries if entry.key.kind != "Pod")
    heard = [found for entry in entries if entry.key.kind == "Pod" and (found := _marks(entry)) is not None]
    posting = Posting({found.uid for found in heard})
    projects: dict[tuple[str, str], str] = {}
    for found in heard:
        _hear(posting, found, projects)
    posting.save()


def settle_once(*, now: Instant | None = None, limit: int = SETTLE_BATCH) -> int:
    """Brings running pods to the last full hour. Returns how many there were: 0 when all are there."""
    hour = instants.hour((instants.now() if now is None else now) - SETTLE_AFTER)
    behind = MeteredPod.objects.filter(finished__isnull=True, settled_until__lt=hour).exclude(**PULLS_FOR_FREE)
    if not (uids := list(behind.order_by("settled_until").values_list("uid", flat=True)[:limit])):
        return 0
    with write():
        posting = Posting(uids)
        for pod in posting.pods.values():
            if pod.finished is None and pod.settled_until < hour:
                posting.bring(pod, hour)
        posting.save()
    return len(uids)


def resync() -> int:
    """Meters from the objects as they are now, for when the log has lost entries the meter had not read.

    A pod that went meanwhile without a word is closed where the ledger, or the last mark it left, last saw it: nobody
    is billed time that nothing proves. Returns how many pods there are.
    """
    page = objects.scan("Pod")
    with write():
        apply([_as_entry(row) for row in page.rows])
        _close_all_but({row.uid for row in page.rows})
        changes.place(READER, page.revision)
    return len(page.rows)


def _work_once(listening_since: Instant) -> bool:
    """One look at the log, at the clock and at the host. True when there may be more to do at once."""
    close_old_connections()
    try:
        return bool(read_once()) or bool(settle_once()) or bool(lost.look(listening_since=listening_since))
    except (changes.Moved, IntegrityError):
        logger.info("Another meter was first; looking again with the next bell.")
    except Exception:
        logger.exception("The meter stumbled; nothing was written, and it tries again with the next bell.")
    return False


def _wait(bell: threading.Event, stop: threading.Event) -> None:
    """Until the bell, the tick or `stop`; stopping is noticed within half a second."""
    for _ in range(int(TICK / 0.5)):
        if bell.wait(0.5) or stop.is_set():
            return


def _marks(entry: Entry) -> Marks | None:
    """An entry that cannot be read must not hold up everybody's bill; it is reported and passed over."""
    try:
        return marks.read(entry)
    except (KeyError, TypeError, ValueError, AttributeError):
        logger.exception("Entry %s of %s cannot be metered.", entry.revision, entry.key)
        return None


def _hear(posting: Posting, found: Marks, projects: dict[tuple[str, str], str]) -> None:
    """`projects` are those of the namespaces that were looked up already."""
    pod = posting.pods.get(found.uid)
    if pod is None:
        if found.started is None:
            return
        place = found.account, found.namespace
        if place not in projects:
            projects[place] = _project(found)
        pod = posting.open(found, started=found.started, workload=_workload(found), project=projects[place])
    elif found.revision <= pod.revision:
        return
    posting.hear(pod, found)


def _remember_owners(entries: Iterable[Entry]) -> None:
    owned = [
        Ownership(
            uid=entry.uid, account=entry.key.account, owner_kind=owner.kind, owner_name=owner.name, owner_uid=owner.uid
        )
        for entry in entries
        if entry.type == "ADDED" and (owner := marks.controller_of(orjson.loads(entry.data))) is not None
    ]
    Ownership.objects.bulk_create(owned, ignore_conflicts=True)


def _workload(found: Marks) -> Owner:
    """The outermost owner: the Deployment behind the ReplicaSet. A pod of its own is its own workload."""
    owner = found.controller or Owner("Pod", found.pod, found.uid)
    for _ in range(_DEEPEST):
        if (above := _owner_of(owner.uid, account=found.account)) is None:
            break
        owner = above
    return owner


def _project(found: Marks) -> str:
    """The enterprise project of the pod's namespace, as it is when the pod begins to be billed."""
    try:
        row = objects.read(Key(found.account, "Namespace", "", found.namespace))
    except objects.Missing:
        return namespaces.DEFAULT_ENTERPRISE_PROJECT
    return namespaces.enterprise_project(orjson.loads(row.data))[:64]


def _owner_of(uid: str, *, account: str) -> Owner | None:
    """Of this account's objects only: an owner reference is what somebody wrote, and may name a stranger's uid."""
    known = Ownership.objects.filter(uid=uid, account=account).first()
    if known is not None:
        return Owner(known.owner_kind, known.owner_name, known.owner_uid)
    try:
        row = objects.read_uid(uid)
    except objects.Missing:
        return None
    return marks.controller_of(orjson.loads(row.data)) if row.key.account == account else None


def _as_entry(row: objects.Row) -> Entry:
    return Entry(row.revision, "MODIFIED", row.key, row.uid, data=row.data, previous=None, at=row.created)


def _close_all_but(uids: set[str]) -> None:
    known = MeteredPod.objects.filter(Q(finished__isnull=True) | Q(lost=True)).values_list("uid", flat=True)
    posting = Posting([uid for uid in known if uid not in uids])
    for pod in posting.pods.values():
        posting.let_go(pod)
        if pod.finished is None:
            posting.close(pod, max([pod.settled_until, *marks.last_seen(pod.evidence)]), estimated=True)
    posting.save()
