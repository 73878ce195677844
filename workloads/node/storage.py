"""What pods keep on this host's disk is measured, and whoever keeps more than it may has to go.

The agent never writes a pod's status: its word is kept in the store (`store.evictions`) and the pod's key made dirty;
the pods controller does the rest. Measuring takes as long as it takes, on a thread of its own, and at most a tenth of
the time, so that many files slow down nobody.
"""

from __future__ import annotations

import logging
import threading
import time

import orjson

from workloads.controllers import queue
from workloads.meta.keys import Uid
from workloads.node import overuse
from workloads.runtimes.base import DiskUsage, Runtime, RuntimeFault
from workloads.store import evictions, objects

logger = logging.getLogger(__name__)

SHORTEST_PAUSE = 10.0
REST = 9.0
"""Times as long as a round took is rested after it."""
FINAL_PHASES = ("Succeeded", "Failed")


def keep(runtime: Runtime, stop: threading.Event) -> None:
    """Until `stop`; a runtime that is away is waited for."""
    while True:
        began = time.monotonic()
        try:
            measure(runtime)
        except RuntimeFault as error:
            logger.info("nothing was measured: %s", error)
        if stop.wait(max(SHORTEST_PAUSE, REST * (time.monotonic() - began))):
            return


def measure(runtime: Runtime) -> list[Uid]:
    """One round over all pods; those that have to go since."""
    gone = [uid for uid in evictions.every() if _read(uid) is None]
    evictions.forget(gone)
    return [uid for uid, usage in runtime.disk_usage() if _judge(uid, usage)]


def _judge(uid: Uid, usage: DiskUsage) -> bool:
    """The word first, then the bell: whoever looks sees it."""
    row = _read(uid)
    if row is None or row.deleting or row.phase in FINAL_PHASES:
        return False
    message = overuse.verdict(orjson.loads(row.data)["spec"], usage)
    if not message or not evictions.put(uid, message):
        return False
    logger.warning("pod %s/%s has to go: %s", row.key.namespace, row.key.name, message.strip())
    queue.add("pods", [row.key])
    return True


def _read(uid: Uid) -> objects.Row | None:
    return next(iter(objects.read_uids([uid])), None)
