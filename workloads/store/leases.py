"""Named rights that run out, so that one manager of several acts and another takes over when it dies."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from workloads.store.models import Lease
from workloads.store.writing import write


def acquire(name: str, *, holder: str, seconds: float) -> bool:
    """Takes the lease or prolongs it; True while `holder` has it for the next `seconds`."""
    now = timezone.now()
    expires = now + timedelta(seconds=seconds)
    if Lease.objects.filter(name=name, expires__gt=now).exclude(holder=holder).exists():
        return False
    with write():
        free = Lease.objects.filter(Q(holder=holder) | Q(expires__lte=now), name=name)
        if free.update(holder=holder, expires=expires):
            return True
        made = Lease.objects.bulk_create([Lease(name=name, holder=holder, expires=expires)], ignore_conflicts=True)
        return bool(made) and Lease.objects.filter(name=name, holder=holder, expires=expires).exists()


def release(name: str, *, holder: str) -> None:
    """Gives the lease back, if `holder` has it: the next one need not wait until it runs out."""
    with write():
        Lease.objects.filter(name=name, holder=holder).delete()


def holder(name: str) -> str | None:
    """Who has the lease now."""
    return Lease.objects.filter(name=name, expires__gt=timezone.now()).values_list("holder", flat=True).first()
