"""Which pods have to go, because they use more of the disk than they may: one row a pod, as long as the pod is there.

The agent measures and writes the row; the pods controller reads it and acts. The first word stands: a pod that was over
its limit goes, whatever it did meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection

from workloads.meta.keys import Uid
from workloads.store.models import Eviction
from workloads.store.writing import write


def put(uid: Uid, message: str) -> bool:
    """Whether that is news."""
    if of(uid):
        return False
    with write():
        Eviction.objects.get_or_create(uid=uid, defaults={"message": message})
    return True


def of(uid: Uid) -> str:
    """Why it has to go; "" when it may stay."""
    return Eviction.objects.filter(uid=uid).values_list("message", flat=True).first() or ""


def every() -> list[Uid]:
    return [Uid(uid) for uid in Eviction.objects.values_list("uid", flat=True)]


def forget(uids: Collection[str]) -> None:
    """Of pods that are gone."""
    if uids:
        with write():
            Eviction.objects.filter(uid__in=list(uids)).delete()
