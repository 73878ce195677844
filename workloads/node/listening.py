"""From Docker's events to dirty keys. An event says only "look"; what has happened is read by who looks.

Events that fell while nobody listened are lost, so whoever begins to listen makes every pod dirty, and every Network,
whose bridge may have gone with the daemon's data.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from workloads.controllers import queue
from workloads.meta.keys import Key
from workloads.runtimes.base import Runtime, RuntimeEvent, RuntimeFault
from workloads.store import objects

logger = logging.getLogger(__name__)

RECONNECT_SECONDS = 1.0


def listen(runtime: Runtime, stop: threading.Event) -> None:
    """Until `stop`; a runtime that is away is waited for."""
    told = ""
    while not stop.is_set():
        try:
            hear(runtime)
        except RuntimeFault as error:
            if str(error) != told:
                logger.warning("%s", error)
            told = str(error)
            stop.wait(RECONNECT_SECONDS)


def hear(runtime: Runtime) -> None:
    """One connection's life: listen first, then look at everything, then follow. Raises RuntimeGone at its end."""
    events = runtime.events()
    logger.info("listening to the runtime")
    look_at_everything()
    for event in events:
        queue.add("pods", keys_of([event]))


def look_at_everything() -> None:
    for controller, kind in (("networks", "Network"), ("pods", "Pod")):
        queue.add(controller, [row.key for row in objects.scan(kind).rows])


def keys_of(events: Iterable[RuntimeEvent]) -> list[Key]:
    """Without those of a sandbox that does not say whose it is: the sweep finds it."""
    return [
        Key(event.account, "Pod", event.namespace, event.name) for event in events if event.account and event.namespace
    ]
