"""What is dear to compute (sums over 100,000 pods) is shown again for a while: twenty times as long as it took, five
seconds at most. What is cheap is computed each time it is asked for, and is as new as its page.

Of several who ask at once one computes; the others are told what is known, if anything is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection

LEAST_SECONDS = 0.05
TIMES, MOST_SECONDS = 20, 5.0
MOST_KEPT = 1000

T = TypeVar("T")


def _spent() -> float:
    """SQLite works in this thread; for PostgreSQL one waits. On a busy machine the first says more."""
    return time.thread_time() if connection.vendor == "sqlite" else time.monotonic()


@dataclass(frozen=True)
class _Known:
    value: Any
    until: float


class Kept:
    def __init__(self, *, now: Callable[[], float] = time.monotonic, spent: Callable[[], float] = _spent) -> None:
        self._now, self._spent = now, spent
        self._known: dict[Hashable, _Known] = {}
        self._locks: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """`key` names all that the value depends on, the account among it."""
        if (fresh := self._fresh(key)) is not None:
            return fresh.value  # type: ignore[no-any-return]
        old, lock = self._known.get(key), self._locks.setdefault(key, threading.Lock())
        if not lock.acquire(blocking=old is None):
            return old.value  # type: ignore[union-attr, no-any-return]
        try:
            fresh = self._fresh(key)  # whoever was waited for has computed it
            return fresh.value if fresh is not None else self._compute(key, compute)
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
        self._known[key] = _Known(value, self._now() + min(MOST_SECONDS, TIMES * took))
        return value


KEPT = Kept()
