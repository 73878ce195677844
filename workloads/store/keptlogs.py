"""The index of kept logs: one row a (pod, container, attempt). The texts themselves lie on the node's disk, and only
the node tier touches them; a row is written when its text is there and goes after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Sum

from workloads.meta.keys import Uid
from workloads.store.models import KeptLog
from workloads.store.writing import write

CHUNK = 500


@dataclass(frozen=True)
class Kept:
    """`lines` and `bytes` are what the container wrote, `stored` what it takes of the disk, `kept` since when."""

    account: str
    namespace: str
    pod: str
    uid: Uid
    container: str
    attempt: int
    started: datetime | None
    finished: datetime | None
    exit_code: int | None
    oom_killed: bool
    lines: int
    bytes: int
    stored: int
    kept: datetime


def put(log: Kept) -> None:
    """The first time counts for its age: who writes it again changes nothing of that."""
    facts = asdict(log)
    key = {name: facts.pop(name) for name in ("uid", "container", "attempt")}
    with write():
        KeptLog.objects.update_or_create(
            **key, defaults={name: value for name, value in facts.items() if name != "kept"}, create_defaults=facts
        )


def of_pod(uid: str, *, most: int = CHUNK) -> list[Kept]:
    """By container, the newest attempt first; at most so many."""
    found = KeptLog.objects.filter(uid=uid).order_by("-attempt", "container")[:most]
    return sorted((_kept(row) for row in found), key=lambda log: (log.container, -log.attempt))


def has(account: str, uid: str, container: str) -> bool:
    """Whether anything is kept of it, and it is the account's."""
    return KeptLog.objects.filter(account=account, uid=uid, container=container).exists()


def sizes() -> Mapping[str, int]:
    """What each account's logs take of the disk."""
    found = KeptLog.objects.order_by().values_list("account").annotate(Sum("stored"))
    return {account: int(stored) for account, stored in found}


def older_than(moment: datetime) -> Iterator[Kept]:
    """Oldest first, in chunks: what the reader forgets meanwhile does no harm."""
    return _oldest(kept__lt=moment)


def oldest_of(account: str) -> Iterator[Kept]:
    return _oldest(account=account)


def forget(log: Kept) -> None:
    with write():
        KeptLog.objects.filter(uid=log.uid, container=log.container, attempt=log.attempt).delete()


def unknown(keys: Iterable[tuple[Uid, str, int]]) -> set[tuple[Uid, str, int]]:
    """Those of which there is no row."""
    wanted = set(keys)
    found = KeptLog.objects.filter(uid__in={uid for uid, *_ in wanted}).values_list("uid", "container", "attempt")
    return wanted - {(Uid(uid), container, attempt) for uid, container, attempt in found}


def _oldest(**which: object) -> Iterator[Kept]:
    after: tuple[datetime, int] | None = None
    while True:
        rows = KeptLog.objects.filter(**which).order_by("kept", "id")
        if after is not None:
            rows = rows.filter(kept__gte=after[0]).exclude(kept=after[0], id__lte=after[1])
        chunk = list(rows[:CHUNK])
        if not chunk:
            return
        yield from (_kept(row) for row in chunk)
        after = (chunk[-1].kept, chunk[-1].pk)


def _kept(row: KeptLog) -> Kept:
    return Kept(
        account=row.account,
        namespace=row.namespace,
        pod=row.pod,
        uid=Uid(row.uid),
        container=row.container,
        attempt=row.attempt,
        started=row.started,
        finished=row.finished,
        exit_code=row.exit_code,
        oom_killed=row.oom_killed,
        lines=row.lines,
        bytes=row.bytes,
        stored=row.stored,
        kept=row.kept,
    )
