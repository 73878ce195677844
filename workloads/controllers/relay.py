"""From the log to work items: every change leads to at least one look, whatever dies in between.

One manager of several is the leader, by a lease. It follows the log with its own cursor; the keys that follow from a
batch are written in the transaction that moves the cursor. Messages to the workers come after and may be lost: every
second it looks for items that are due and have no message on the way.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.utils import timezone

from workloads.controllers import queue, tasks
from workloads.controllers.base import Controller
from workloads.meta.keys import Key
from workloads.store import changes, doorbell, leases

log = logging.getLogger(__name__)

READER = "relay"
LEASE = "relay"
LEASE_SECONDS = 15.0
TICK_SECONDS = 1.0
SHORTEST_PAUSE = 0.05
RESYNC_SECONDS = 1800.0
"""How often every key is looked at although nothing says that it has changed."""
MESSAGES_A_TICK = 200
RING_AGAIN_SECONDS = 10.0


def run(stop: threading.Event) -> None:
    """Relays until `stop` is set. A database that is away is waited for."""
    from workloads.controllers.registry import controllers

    relay = Relay(controllers())
    wake = threading.Event()
    with doorbell.listen(wake.set):
        while not stop.is_set():
            try:
                _turn(relay, stop, wake)
            except Exception:
                log.exception("the relay stumbled and starts over")
                connection.close()
                stop.wait(TICK_SECONDS)
    relay.resign()
    connection.close()


def _turn(relay: Relay, stop: threading.Event, wake: threading.Event) -> None:
    """Once around: everything that is there to do now, then sleep until a bell or the next tick."""
    wake.clear()
    close_old_connections()
    if not relay.lead():
        stop.wait(TICK_SECONDS)
        return
    while relay.step() and not stop.is_set():
        if not relay.lead():
            return
    relay.tick()
    wake.wait(relay.pause())


@dataclass
class Relay:
    """The relay's work in finite pieces; `run` repeats them."""

    controllers: Mapping[str, Controller]
    holder: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}")
    _leading_until: float = 0.0
    _resynced: float | None = None
    _rung: dict[tuple[str, Key, datetime], float] = field(default_factory=dict)
    """Bells on their way, with what was due then: a key that was settled meanwhile and is due again rings again."""

    def lead(self) -> bool:
        """Whether this relay is the leader; takes or prolongs the lease when it is time to. A new leader resyncs."""
        now = time.monotonic()
        if now < self._leading_until - LEASE_SECONDS / 2:
            return True
        if not leases.acquire(LEASE, holder=self.holder, seconds=LEASE_SECONDS):
            self._leading_until, self._resynced = 0.0, None
            return False
        self._leading_until = now + LEASE_SECONDS
        if self._resynced is None or now - self._resynced > RESYNC_SECONDS:
            self.resync()
            self._resynced = now
        return True

    def resign(self) -> None:
        """Another manager may lead at once."""
        if self._leading_until:
            leases.release(LEASE, holder=self.holder)
            self._leading_until = 0.0

    def step(self) -> int:
        """Relays one batch of the log. Returns how many entries there were: 0 when the relay has caught up."""
        try:
            batch = changes.batch(READER)
            wanted = self._wanted(batch.entries)
            if batch.entries:
                with changes.passing(batch):
                    for controller, keys in wanted.items():
                        queue.add(controller, keys)
        except changes.Trimmed:
            log.warning("the log was trimmed beyond the relay's place; every key is looked at instead")
            changes.place(READER, changes.head())
            self.resync()
            return 1
        except changes.Moved:
            return 1
        return len(batch.entries)

    def resync(self) -> None:
        """Every controller looks at every key it knows of. One that stumbles does not hold up the others."""
        for controller in self.controllers.values():
            try:
                _look_at_all(controller)
            except _AWAY:
                raise
            except Exception:
                log.exception("%s cannot say which keys there are", controller.name)

    def tick(self) -> None:
        """Rings for items whose time has come, whose bell was lost, or whose worker died."""
        now = time.monotonic()
        self._rung = {bell: at for bell, at in self._rung.items() if now - at < RING_AGAIN_SECONDS}
        for celery_queue in sorted({controller.queue for controller in self.controllers.values()}):
            self._ring_waiting(celery_queue)

    def pause(self) -> float:
        """Seconds to sleep when no bell rings: until the next tick, or the next item is due, whichever is first."""
        due = queue.next_due()
        if due is None:
            return TICK_SECONDS
        return min(TICK_SECONDS, max(SHORTEST_PAUSE, (due - timezone.now()).total_seconds()))

    def _wanted(self, entries: Iterable[changes.Entry]) -> dict[str, set[Key]]:
        """The keys each controller should look at. Reads only; runs before the transaction, which stays short."""
        wanted: dict[str, set[Key]] = {}
        for entry in entries:
            for controller in self.controllers.values():
                wanted.setdefault(controller.name, set()).update(_keys(controller, entry))
        return {name: keys for name, keys in wanted.items() if keys}

    def _ring_waiting(self, celery_queue: str) -> None:
        """At most as many bells as items wait without a message, so that a busy queue does not fill with doubles."""
        names = [controller.name for controller in self.controllers.values() if controller.queue == celery_queue]
        waiting = queue.waiting(names, limit=MESSAGES_A_TICK * 2)
        if not waiting:
            return
        on_the_way = tasks.depth(celery_queue)
        if on_the_way is None:
            return
        silent = [bell for bell in waiting if bell not in self._rung]
        for bell in silent[: min(MESSAGES_A_TICK, max(0, len(waiting) - on_the_way))]:
            self._rung[bell] = time.monotonic()
            tasks.ring(bell[0], [bell[1]])


_AWAY = (InterfaceError, OperationalError)
"""The database itself is in trouble; nothing was wrong with what it was asked."""


def _look_at_all(controller: Controller) -> None:
    keys = iter(controller.resync())
    while some := list(islice(keys, 500)):
        queue.add(controller.name, some)


def _keys(controller: Controller, entry: changes.Entry) -> list[Key]:
    """A controller that stumbles over an entry does not hold up the others; the next resync looks at its keys. Only a
    database that is away is waited for: what it refuses once, it would refuse for ever."""
    try:
        return list(controller.keys(entry))
    except _AWAY:
        raise
    except Exception:
        log.exception("%s cannot say what follows from %s %s", controller.name, entry.type, entry.key)
        return []
