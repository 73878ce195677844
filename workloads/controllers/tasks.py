"""Celery's half of reconciling: a message says "look at this key", a worker claims it, looks, and settles.

Messages may be lost, doubled or late; what has to be done stands in the queue's rows. `ring` hands them to a thread of
its own, so that nobody waits for a broker, and drops them when the broker is away: the relay's tick rings again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

import redis
from celery import current_app, shared_task
from django.db import InterfaceError, OperationalError, close_old_connections
from kombu.exceptions import KombuError

from workloads.controllers import queue
from workloads.controllers.base import Controller, TerminalError
from workloads.meta.errors import Conflict
from workloads.meta.keys import Key
from workloads.store import doorbell

log = logging.getLogger(__name__)

AFTER_CONFLICT = 0.1
"""Somebody wrote first: nothing is wrong, look again with what is there now."""
AFTER_OUTAGE = 0.5
"""Between two looks whether the database is back."""
RENEW_SECONDS = queue.CLAIM_SECONDS / 3


@shared_task(name="workloads.reconcile", ignore_result=True)
def reconcile(controller: str, key: str) -> None:
    """The message. A controller that is not known here has nothing to look at."""
    close_old_connections()
    known = _controllers().get(controller)
    if known is not None:
        work(known, Key.parse(key))


def work(controller: Controller, key: Key) -> bool:
    """Claims the key, reconciles it, settles. False when it is not due or somebody else has it."""
    claim = queue.claim(controller.name, holder=_me(), key=key)
    if claim is None:
        return False
    with _keeper(os.getpid()).keeping(claim):
        settlement = _attempt(controller, key)
    _settle(claim, settlement)
    return True


def ring(controller: str, keys: Collection[Key]) -> None:
    """Sends a message for each key, soon. Returns at once and never fails."""
    _bells(os.getpid()).ring(controller, keys)


def depth(celery_queue: str) -> int | None:
    """How many messages wait in a Celery queue; None when the broker does not answer."""
    try:
        with contextlib.closing(doorbell.connect()) as client:
            return int(client.llen(celery_queue))
    except (redis.RedisError, OSError):
        return None


def _controllers() -> dict[str, Controller]:
    from workloads.controllers.registry import controllers

    return controllers()


def _settle(claim: queue.Claim, settlement: dict[str, Any]) -> None:
    """A database that went away meanwhile is waited for, as long as a claim lasts: nobody else has the key."""
    pause, give_up = threading.Event(), time.monotonic() + queue.CLAIM_SECONDS
    while True:
        try:
            return queue.settle(claim, **settlement)
        except (OperationalError, InterfaceError):
            if time.monotonic() > give_up:
                raise
            log.warning("%s %s: the database does not answer; it is settled when it does", claim.controller, claim.key)
        close_old_connections()
        pause.wait(AFTER_OUTAGE)


def _me() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"


def _attempt(controller: Controller, key: Key) -> dict[str, Any]:
    """What `settle` has to be told. An error is said in the log and kept with the item."""
    try:
        result = controller.reconcile(key)
    except TerminalError as error:
        log.warning("%s %s: not before it changes: %s", controller.name, key, error)
        return {"error": str(error), "terminal": True}
    except Conflict:
        return {"requeue_after": AFTER_CONFLICT}
    except Exception as error:
        log.exception("%s %s: will be tried again", controller.name, key)
        close_old_connections()  # a connection that broke is not the one to settle with
        return {"error": f"{type(error).__name__}: {error}"}
    return {"requeue_after": result.requeue_after if result else None}


class _Keeper:
    """Renews the claims of this process from one thread while their work takes longer than a claim lasts."""

    def __init__(self) -> None:
        self._claims: dict[str, queue.Claim] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="claims", daemon=True).start()

    @contextlib.contextmanager
    def keeping(self, claim: queue.Claim) -> Iterator[None]:
        with self._changed:
            self._claims[claim.holder] = claim
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                del self._claims[claim.holder]

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._claims))
            pause.wait(RENEW_SECONDS)
            self._renew()

    def _renew(self) -> None:
        from django.db import connection

        for claim in tuple(self._claims.values()):
            try:
                if queue.renew(claim) is None and claim.holder in self._claims:
                    log.warning("%s %s: the claim ran out while it was worked on", claim.controller, claim.key)
            except Exception:
                log.exception("%s %s: the claim could not be renewed", claim.controller, claim.key)
                connection.close()


class _Bells:
    """Publishes messages from one thread; a key that waits to be sent already is sent once."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], None] = {}
        self._filled = threading.Condition()
        threading.Thread(target=self._run, name="bells", daemon=True).start()

    def ring(self, controller: str, keys: Collection[Key]) -> None:
        with self._filled:
            self._waiting.update(((controller, str(key)), None) for key in keys)
            self._filled.notify()

    def _run(self) -> None:
        pause = threading.Event()
        gone = False
        while True:
            error = self._send(self._take())
            if error is not None and not gone:
                log.warning("the broker does not answer (%s); keys wait for the relay's tick", error)
            gone = error is not None
            pause.wait(1.0 if gone else 0.0)

    def _take(self) -> list[tuple[str, str]]:
        with self._filled:
            self._filled.wait_for(lambda: bool(self._waiting))
            taken, self._waiting = list(self._waiting), {}
            return taken

    def _send(self, bells: list[tuple[str, str]]) -> Exception | None:
        try:
            with current_app.producer_or_acquire() as producer:
                for controller, key in bells:
                    known = _controllers().get(controller)
                    if known is not None:
                        reconcile.apply_async((controller, key), queue=known.queue, producer=producer, retry=False)
        except (KombuError, redis.RedisError, OSError) as error:
            return error
        except Exception as error:  # a bell may be lost, the thread that sends them may not
            log.exception("bells were lost")
            return error
        return None


@cache
def _keeper(pid: int) -> _Keeper:
    """One a process: a fork leaves the thread behind."""
    return _Keeper()


@cache
def _bells(pid: int) -> _Bells:
    return _Bells()
