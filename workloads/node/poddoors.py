"""What pods are told of this installation's own addresses: the agent keeps the routes to them, tries each door as a pod
would, and says whether it is open. Pods are not told of a door that is shut, or somebody else's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from workloads.store import hosts

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 10.0
SHUT_SECONDS = 60.0
"""For so long it may stay shut before pods are told of none."""
LOOK_SOON_SECONDS = 1.0
"""While the door is shut: it may be about to open."""


@dataclass(frozen=True)
class Door:
    """`subject` is what is told of it to others (`store.hosts`), `what` to people. `address` is "" for none."""

    subject: str
    what: str
    address: str
    look: Callable[[str], str]
    """Why pods do not reach what is there, "" when they do."""


def keep(stop: threading.Event, door: Door, *, host: str) -> None:
    """Until `stop`."""
    open_at = time.monotonic()
    while not stop.is_set():
        problem, now = door.look(door.address), time.monotonic()
        open_at = open_at if problem else now
        say(host, door, problem, patient=now - open_at < SHUT_SECONDS)
        stop.wait(LOOK_SOON_SECONDS if problem and door.address else LOOK_AGAIN_SECONDS)


def say(host: str, door: Door, problem: str, *, patient: bool = False) -> None:
    """`patient`: a door that was open is not said to be shut yet; who answers there may only have been restarted, and
    pods that start meanwhile would not know of it for ever."""
    opened = {"address": door.address}
    if problem and door.address and patient and hosts.get(door.subject) == opened:
        return
    if hosts.put(host, door.subject, {"problem": problem} if problem else opened):
        _tell(door, problem)


def _tell(door: Door, problem: str) -> None:
    if problem:
        log.warning("pods do not reach %s: %s", door.what, problem)
    else:
        log.info("pods reach %s at %s", door.what, door.address)
