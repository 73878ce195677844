"""The agent process: its duties, each on a thread of its own, until it is told to stop.

No duty holds state that matters. What a dead agent did not hear, a new one finds by looking at everything once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import connection

from workloads.node import (
    archiving,
    disks,
    listening,
    orphans,
    podapi,
    poddns,
    poddoors,
    pools,
    probes,
    room,
    server,
    storage,
    streams,
    usage,
    usagehours,
)
from workloads.node.archiving import Limits
from workloads.node.claims import keep as keep_claims
from workloads.runtimes import registry

logger = logging.getLogger(__name__)

Duty = Callable[[threading.Event], None]

AFTER_FAILURE_SECONDS = 1.0
GOODBYE_SECONDS = 5.0


def run(stop: threading.Event) -> None:
    """Does all duties until `stop` is set."""
    runtime = registry.current()
    sampler = usage.Sampler(runtime)
    application = streams.Application(runtime, token=settings.AGENT_TOKEN, sampler=sampler)
    names = poddns.door(settings.DNS, instance=settings.INSTANCE_ID)
    duties: dict[str, Duty] = {
        "events": lambda stop: listening.listen(runtime, stop),
        "claims": lambda stop: keep_claims(runtime, stop),
        "probes": lambda stop: probes.keep(runtime, stop),
        "usage": sampler.keep,
        "usagehours": lambda stop: usagehours.keep(sampler, stop),
        "pools": lambda stop: pools.keep(runtime, stop, most=settings.WARM_POOL),
        "room": lambda stop: room.keep(runtime, stop, terms()),
        "podapi": lambda stop: poddoors.keep(stop, podapi.door(settings.POD_API), host=settings.NODE_NAME),
        "poddns": lambda stop: poddoors.keep(stop, names, host=settings.NODE_NAME),
        "disk": lambda stop: disks.keep(runtime, stop, _rules()),
        "storage": lambda stop: storage.keep(runtime, stop),
        "orphans": lambda stop: orphans.sweep(runtime, stop),
        "logs": lambda stop: archiving.keep(registry.archive(), stop, limits=_limits()),
        "streams": lambda stop: server.serve(application, settings.AGENT_SOCKET, stop),
    }
    threads = [
        threading.Thread(target=_keep_doing, args=(name, duty, stop), name=name, daemon=True)
        for name, duty in duties.items()
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        # the listener may sit in a read that only the daemon ends: it goes with the process
        if thread.name != "events":
            thread.join(GOODBYE_SECONDS)


def terms() -> room.Terms:
    """By the settings."""
    return room.Terms(
        host=settings.NODE_NAME,
        overcommit=settings.OVERCOMMIT,
        reserved_bytes=settings.RESERVED_MEMORY,
        cards={name: len(cards) for name, cards in settings.GPUS.items()},
    )


def _limits() -> Limits:
    return Limits(age=timedelta(days=settings.LOG_RETENTION_DAYS), bytes=settings.LOG_RETENTION_GIB * 1024**3)


def _rules() -> disks.Rules:
    return disks.Rules(
        host=settings.NODE_NAME,
        high=settings.IMAGE_GC_HIGH_PERCENT,
        low=settings.IMAGE_GC_LOW_PERCENT,
        free=settings.DISK_FREE_PERCENT,
        min_age=timedelta(seconds=settings.IMAGE_GC_MIN_AGE_SECONDS),
    )


def _keep_doing(name: str, duty: Duty, stop: threading.Event) -> None:
    """A duty that fails begins anew; the others do not notice."""
    while not stop.is_set():
        try:
            duty(stop)
        except Exception:
            logger.exception("%s failed and begins anew", name)
            stop.wait(AFTER_FAILURE_SECONDS)
        finally:
            connection.close()
