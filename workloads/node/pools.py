"""Ready sandboxes for every namespace that may start pods, made when the host has nothing better to do.

A pool is wanted for each Network that is Active; its size is what the namespace asks for, and at most `CCI_WARM_POOL`.
Pools of Networks that are gone are emptied. Pods come first: nothing is made while a pod waits to be looked at, and
then one sandbox at a time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.db.models import Q
from django.utils import timezone

from workloads.kinds import namespaces
from workloads.runtimes import translate
from workloads.runtimes.base import NetworkSpec, Runtime, RuntimeFault
from workloads.store import objects
from workloads.store.models import WorkItem

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
RECYCLE_SECONDS = 300.0
"""How often pools whose sandboxes have an age limit are looked through."""
AFTER_FAULT_SECONDS = 30.0


@dataclass(frozen=True)
class Pool:
    """What one Network's pool should be."""

    network: NetworkSpec
    size: int
    max_age: timedelta | None = None


def keep(runtime: Runtime, stop: threading.Event, *, most: int) -> None:
    """Until `stop`; a runtime that says no is left alone for a while."""
    recycled = 0.0
    while not stop.wait(TICK_SECONDS):
        recycle = time.monotonic() - recycled > RECYCLE_SECONDS
        try:
            tend(runtime, wanted(most=most), recycle=recycle)
        except RuntimeFault as error:
            logger.warning("the pools rest: %s", error)
            stop.wait(AFTER_FAULT_SECONDS)
            continue
        if recycle:
            recycled = time.monotonic()


def wanted(*, most: int) -> dict[str, Pool]:
    """By the name of the network on this host."""
    found = {}
    for row in objects.scan("Network").rows:
        network = orjson.loads(row.data)
        state = (network.get("status") or {}).get("state")
        namespace = _namespace(row.key.account, row.key.namespace)
        if state == "Active" and not row.deleting and namespace is not None:
            pool = _pool(network, namespace, account=row.key.account, most=most)
            found[pool.network.name] = pool
    return found


def tend(runtime: Runtime, wanted: Mapping[str, Pool], *, recycle: bool = False) -> None:
    """Brings every pool one step nearer to what is wanted."""
    standing = runtime.pools()
    for name in standing.keys() - wanted.keys():
        runtime.warm(NetworkSpec(name=name, cidr=""), size=0)
    for name, pool in wanted.items():
        is_right = standing.get(name, 0) == pool.size and not (recycle and pool.max_age)
        if is_right:
            continue
        if standing.get(name, 0) < pool.size and pods_wait():
            return
        runtime.warm(pool.network, size=pool.size, max_age=pool.max_age)


def pods_wait() -> bool:
    """Somebody looks at a pod right now, or should."""
    now = timezone.now()
    busy = Q(due__lte=now) | Q(claimed_until__gt=now)
    return WorkItem.objects.filter(busy, queue="pods").exists()


def _pool(network: dict[str, Any], namespace: dict[str, Any], *, account: str, most: int) -> Pool:
    hours = namespaces.warm_pool_recycle_hours(namespace)
    return Pool(
        network=translate.network(network, account=account),
        size=min(namespaces.warm_pool_size(namespace), most),
        max_age=timedelta(hours=hours) if hours else None,
    )


def _namespace(account: str, name: str) -> dict[str, Any] | None:
    """None when it is gone or going."""
    rows = objects.scan("Namespace", account=account, name=name, deleting=False).rows
    return orjson.loads(rows[0].data) if rows else None
