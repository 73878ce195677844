"""The bell behind every write: "look at the log now". It carries no data; a slow tick finds what a lost bell missed.

`ring()` wakes the listeners of this process at once and tells the others through Redis, from a thread of its own, so
that a Redis that is slow or down never holds a write. Bells that come close together are one bell.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

CHANNEL = "cci:changes"
log = logging.getLogger(__name__)

Wake = Callable[[], None]
"""Called from any thread, often: it must only set a flag. `loop.call_soon_threadsafe(event.set)` is one for asyncio."""


def ring() -> None:
    """There is something new in the log. Returns at once and never fails."""
    _wake_here()
    _publisher(os.getpid()).ring()


@contextlib.contextmanager
def listen(wake: Wake) -> Iterator[None]:
    """Calls `wake` for every bell rung anywhere while the context is open; also after Redis was away, for bells may
    have been lost meanwhile. Keep a slow tick besides."""
    with _guard:
        _listeners.append(wake)
        if len(_listeners) == 1:
            _ear.start()
    try:
        yield
    finally:
        with _guard:
            _listeners.remove(wake)
            if not _listeners:
                _ear.stop()


_guard = threading.Lock()
_listeners: list[Wake] = []


def _wake_here() -> None:
    for wake in tuple(_listeners):
        with contextlib.suppress(RuntimeError):  # the listener's event loop has just closed
            wake()


def connect() -> redis.Redis:
    """A client of the shared Redis that gives up at once instead of trying again and again."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=0.5,
        socket_timeout=2.0,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 0),
    )


class _Quarrel:
    """Says once that Redis is gone, and once that it is back."""

    def __init__(self, who: str) -> None:
        self.who = who
        self.gone = False

    def lost(self, error: Exception) -> None:
        if not self.gone:
            log.warning("%s: Redis does not answer (%s); the slow tick takes over until it does", self.who, error)
        self.gone = True

    def well(self) -> None:
        if self.gone:
            log.info("%s: Redis answers again", self.who)
        self.gone = False


class _Publisher:
    """A daemon thread that publishes; bells rung while it is busy fold into one."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._redis = connect()
        self._quarrel = _Quarrel("doorbell")
        threading.Thread(target=self._run, name="doorbell", daemon=True).start()

    def ring(self) -> None:
        self._rung.set()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._rung.wait()
            self._rung.clear()
            pause.wait(0.002 if self._publish() else 1.0)

    def _publish(self) -> bool:
        try:
            self._redis.publish(CHANNEL, b"")
        except (redis.RedisError, OSError) as error:
            self._quarrel.lost(error)
            return False
        self._quarrel.well()
        return True


@cache
def _publisher(pid: int) -> _Publisher:
    """One a process: a fork leaves the thread behind, so the child starts its own."""
    return _Publisher()


class _Ear:
    """A daemon thread that subscribes while somebody listens."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def start(self) -> None:
        self._stopped = threading.Event()
        threading.Thread(target=_hear, args=(self._stopped,), name="doorbell-ear", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()


_ear = _Ear()


def _hear(stopped: threading.Event) -> None:
    quarrel = _Quarrel("doorbell listener")
    while not stopped.is_set():
        try:
            _hear_until_broken(stopped, quarrel)
        except (redis.RedisError, OSError) as error:
            quarrel.lost(error)
            stopped.wait(1.0)


def _hear_until_broken(stopped: threading.Event, quarrel: _Quarrel) -> None:
    with contextlib.closing(connect()) as client, contextlib.closing(client.pubsub()) as subscription:  # type: ignore[no-untyped-call]
        subscription.subscribe(CHANNEL)
        while not stopped.is_set():
            message = subscription.get_message(timeout=0.5)
            if message is not None:  # the first one confirms the subscription: look, in case bells were lost before it
                quarrel.well()
                _wake_here()
