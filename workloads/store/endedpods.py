"""How pods ended that are gone: one row a pod, written before its object goes, so that none goes unknown.

As long as the object is still there (a crash came in between, a finalizer holds it), the row is not shown. A name may
come again: what was created before its namespace, or before its workload, belongs to an earlier life of that name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from workloads.meta.keys import Uid
from workloads.store.models import EndedPod, Object
from workloads.store.writing import write


@dataclass(frozen=True)
class Ended:
    """`outcome` is Completed, Failed, Deleted or Lost; `workload` what it belonged to, "" for a bare pod. It `ended`
    when its last container did, and was `gone` when its object went."""

    uid: Uid
    account: str
    namespace: str
    name: str
    workload_kind: str
    workload: str
    owner_uid: str
    outcome: str
    reason: str
    message: str
    created: datetime
    ended: datetime
    gone: datetime


@dataclass(frozen=True)
class Which:
    """Of one account; the rest narrows it. `born`: not created before."""

    account: str
    namespace: str = ""
    workload_kind: str = ""
    workload: str = ""
    name_part: str = ""
    born: datetime | None = None
    namespaces: frozenset[str] | None = None
    """Only in these."""


@dataclass(frozen=True)
class After:
    """A place in the list: behind this one."""

    gone: datetime
    id: int


def put(pod: Ended) -> None:
    """A second time changes nothing: how it ended was known the first time."""
    if EndedPod.objects.filter(uid=pod.uid).exists():  # a look is free, a write transaction is not
        return
    with write():
        EndedPod.objects.get_or_create(uid=pod.uid, defaults=asdict(pod))


def put_lost(pod: Ended) -> None:
    """For a pod of which only a log is left to tell. One that has its object, or a row, needs none."""
    if not Object.objects.filter(uid=pod.uid).exists():
        put(pod)


def page(which: Which, *, limit: int, after: After | None = None) -> list[tuple[After, Ended]]:
    """The one that went last comes first."""
    rows = _of(which).order_by("-gone", "-id")
    if after is not None:
        rows = rows.filter(Q(gone__lt=after.gone) | Q(gone=after.gone, id__lt=after.id))
    return [(After(row.gone, row.pk), _ended(row)) for row in rows[:limit]]


def count(which: Which, *, most: int) -> int:
    """Not beyond `most`."""
    return _of(which).order_by()[:most].count()


def read(account: str, uid: str) -> Ended | None:
    row = _of(Which(account)).filter(uid=uid).first()
    return _ended(row) if row else None


def forget_older_than(moment: datetime) -> int:
    """How many went."""
    old = EndedPod.objects.filter(gone__lt=moment)
    if not old.exists():
        return 0
    with write():
        return old.delete()[0]


def _of(which: Which) -> QuerySet[EndedPod]:
    rows = EndedPod.objects.filter(~Exists(Object.objects.filter(uid=OuterRef("uid"))), account=which.account)
    for column in ("namespace", "workload_kind", "workload"):
        if wanted := getattr(which, column):
            rows = rows.filter(**{column: wanted})
    if which.namespaces is not None:
        rows = rows.filter(namespace__in=which.namespaces)
    if which.name_part:
        rows = rows.filter(name__contains=which.name_part)
    return rows if which.born is None else rows.filter(created__gte=which.born)


def _ended(row: EndedPod) -> Ended:
    names: Sequence[str] = tuple(Ended.__dataclass_fields__)
    return Ended(**{name: getattr(row, name) for name in names})
