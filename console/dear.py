"""What is dear to compute (sums over 100,000 pods) is shown again for a while: twenty times as long as it took, fifteen
seconds at most. What is cheap is computed each time it is asked for, and is as new as its page.

Who asks after that is told the same once more and waits for nothing, while it is computed anew beside; what is older
than `TOO_OLD_SECONDS` is waited for. Of several who ask at once one computes; the others are told what is known, if
anything is.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from django.db import connection

LEAST_SECONDS = 0.05
TIMES, MOST_SECONDS = 20, 15.0
TOO_OLD_SECONDS = 45.0
MOST_KEPT = 1000

T = TypeVar("T")


def _spent() -> float:
    """SQLite works in this thread; for PostgreSQL one waits. On a busy machine the first says more."""
    return time.thread_time() if connection.vendor == "sqlite" else time.monotonic()


def _beside(work: Callable[[], None]) -> None:
    """In a thread that keeps no connection, with what this one has been told (prices that were read)."""
    context = contextvars.copy_context()

    def run() -> None:
        try:
            context.run(work)
        except Exception:
            _log.exception("a sum could not be computed anew; who asks next tries again")
        finally:
            connection.close()

    threading.Thread(target=run, name="dear", daemon=True).start()


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Known:
    value: Any
    until: float
    computed: float


class Kept:
    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = _spent,
        beside: Callable[[Callable[[], None]], None] = _beside,
    ) -> None:
        self._now, self._spent, self._beside = now, spent, beside
        self._known: dict[Hashable, _Known] = {}
        self._locks: WeakValueDictionary[Hashable, threading.Lock] = WeakValueDictionary()
        """Each is there as long as somebody computes or waits, and no longer."""
        self._finding = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """`key` names all that the value depends on, the account among it."""
        if (fresh := self._fresh(key)) is not None:
            return fresh.value  # type: ignore[no-any-return]
        old, lock = self._known.get(key), self._lock(key)
        if old is not None and self._now() - old.computed < TOO_OLD_SECONDS:
            if not lock.locked():
                self._beside(lambda: self._compute_alone(key, compute, lock))
            return old.value  # type: ignore[no-any-return]
        if not lock.acquire(blocking=old is None):
            return old.value  # type: ignore[union-attr, no-any-return]
        try:
            fresh = self._fresh(key)  # whoever was waited for has computed it
            return fresh.value if fresh is not None else self._compute(key, compute)
        finally:
            lock.release()

    def _lock(self, key: Hashable) -> threading.Lock:
        with self._finding:
            return self._locks.setdefault(key, threading.Lock())

    def _compute_alone(self, key: Hashable, compute: Callable[[], Any], lock: threading.Lock) -> None:
        if not lock.acquire(blocking=False):
            return
        try:
            if self._fresh(key) is None:
                self._compute(key, compute)
        finally:
            lock.release()

    def _fresh(self, key: Hashable) -> _Known | None:
        known = self._known.get(key)
        return known if known is not None and self._now() < known.until else None

    def _compute(self, key: Hashable, compute: Callable[[], T]) -> T:
        began = self._spent()
        value = compute()
        took = self._spent() - began
        if took < LEAST_SECONDS:
            self._known.pop(key, None)
            return value
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[key] = _Known(value, self._now() + min(MOST_SECONDS, TIMES * took), self._now())
        return value


KEPT = Kept()
