"""A host that is not heard of any more: what ran on it is billed to its last heartbeat, as an estimate.

The agent speaks every minute. When it has been silent for `CCI_HOST_LOST_MINUTES`, and somebody was there to hear it
all that time, the pods that run are closed where it was heard last; what was settled beyond that is taken back. When it
speaks again, those that are still there are open again: what the runtime then says of them counts, and is billed from
there on. One whose object went meanwhile stays closed: nobody would ever tell its end.
"""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet

from billing import instants
from billing.instants import SECOND, Instant
from billing.ledger import PULLS_FOR_FREE, Posting
from billing.models import MeteredPod
from workloads.store import hosts, objects
from workloads.store.writing import write

_AT_ONCE = 100


def look(*, listening_since: Instant, now: Instant | None = None) -> int:
    """Closes or opens some pods. Returns how many there were: 0 when all is as it should be."""
    now = instants.now() if now is None else now
    heard = _heard()
    if heard is None:
        return 0
    after = settings.HOST_LOST_MINUTES * 60 * SECOND
    if now - max(heard, listening_since) >= after:
        return _close(_some(_running()), heard)
    return _open(_some(_lost())) if now - heard < after else 0


def _running() -> QuerySet[MeteredPod]:
    """Without pulls that may turn out to be free: nothing of them is billed before that is known."""
    return MeteredPod.objects.filter(finished__isnull=True).exclude(**PULLS_FOR_FREE)


def _lost() -> QuerySet[MeteredPod]:
    return MeteredPod.objects.filter(lost=True)


def _heard() -> Instant | None:
    """None where no agent has ever spoken."""
    said = (hosts.get(hosts.NODE) or {}).get("at")
    return instants.parse(said) if said else None


def _some(found: QuerySet[MeteredPod]) -> list[str]:
    return list(found.values_list("uid", flat=True)[:_AT_ONCE])


def _close(uids: list[str], heard: Instant) -> int:
    if not uids:
        return 0
    with write():
        posting = Posting(uids)
        for pod in posting.pods.values():
            if pod.finished is None and not pod.is_free:
                pod.lost = True
                posting.close(pod, max(heard, pod.started), estimated=True)
        posting.save()
    return len(uids)


def _open(uids: list[str]) -> int:
    if not uids:
        return 0
    with write():
        posting = Posting(uids)
        there = {row.uid for row in objects.read_uids(uids)}
        for pod in posting.pods.values():
            if pod.lost and pod.uid in there:
                posting.reopen(pod)
            else:
                posting.let_go(pod)
        posting.save()
    return len(uids)
