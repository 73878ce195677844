"""What pods get of this host is said in the store (`store.hosts`), for those who have no runtime to ask: the relay,
which wakes the pods that would fit, and the console.

When it has grown since it was last said (a larger host, a larger CCI_OVERCOMMIT), the pods that wait for room are
looked at.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from workloads.controllers import queue
from workloads.controllers.host import host_ip
from workloads.controllers.pods import placement, waking
from workloads.meta import times
from workloads.runtimes.base import Runtime, RuntimeFault
from workloads.store import hosts

logger = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
RECONNECT_SECONDS = 2.0


@dataclass(frozen=True)
class Terms:
    """How much of the host is promised to pods."""

    host: str
    overcommit: int = 1
    reserved_bytes: int = 0
    cards: Mapping[str, int] = field(default_factory=dict)
    """How many of each model."""


def keep(runtime: Runtime, stop: threading.Event, terms: Terms) -> None:
    """Until `stop`; the first time at once."""
    while not stop.is_set():
        try:
            say(runtime, terms)
        except RuntimeFault:
            stop.wait(RECONNECT_SECONDS)  # whoever listens to the runtime tells that it is away
        else:
            stop.wait(LOOK_SECONDS)


def say(runtime: Runtime, terms: Terms) -> None:
    hosts.put(terms.host, hosts.NODE, _node(runtime, terms))
    now = placement.room(runtime.capacity(), overcommit=terms.overcommit, reserved_bytes=terms.reserved_bytes)
    if hosts.put(terms.host, hosts.ROOM, now._asdict()):
        logger.info("pods get %s cores and %s MiB of this host", now.cpu_millis / 1000, now.memory_bytes >> 20)
        queue.add("pods", waking.waiting_for_room())


def _node(runtime: Runtime, terms: Terms) -> dict[str, Any]:
    """The virtual node: what pods may be promised of this host, and what the host is."""
    capacity, now = runtime.capacity(), times.format_seconds(runtime.now())
    room = placement.room(capacity, overcommit=terms.overcommit, reserved_bytes=terms.reserved_bytes)
    return {
        "name": terms.host,
        "at": now,
        "born": (hosts.get(hosts.NODE) or {}).get("born", now),
        "address": host_ip(),
        "cpu_millis": room.cpu_millis,
        "memory_bytes": capacity.memory_bytes,
        "allocatable_bytes": room.memory_bytes,
        "cards": dict(terms.cards),
        **asdict(runtime.machine()),
    }
