"""Keys to look at: each by one worker at a time, doubles folded, again later where that was asked for, and after a
failure with a growing pause."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from burst.api import ApiError, Unreachable

K = TypeVar("K")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 60.0

log = logging.getLogger(__name__)


class Queue(Generic[K]):
    """`look(key)` reads everything anew and acts; it may return seconds after which to look again."""

    def __init__(self, name: str, look: Callable[[K], Awaitable[float | None]], *, workers: int = 16) -> None:
        self.name = name
        self._look = look
        self._workers = workers
        self._ready: deque[K] = deque()
        self._waiting: set[K] = set()
        self._busy: set[K] = set()
        self._again: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._wake = asyncio.Semaphore(0)

    def add(self, key: K) -> None:
        if key in self._busy:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.append(key)
            self._wake.release()

    def later(self, key: K, seconds: float) -> None:
        """The last word counts."""
        self._forget_timer(key)
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._due, key)

    def __len__(self) -> int:
        """Keys that are due or being looked at."""
        return len(self._waiting) + len(self._busy)

    async def run(self) -> None:
        """For ever; cancel it to end it."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(self._workers):
                workers.create_task(self._work())

    async def _work(self) -> None:
        while True:
            await self._wake.acquire()
            key = self._ready.popleft()
            self._waiting.discard(key)
            self._busy.add(key)
            try:
                await self.look_at(key)
            finally:
                self._busy.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self.add(key)

    async def look_at(self, key: K) -> None:
        """One look, and what follows from how it went."""
        try:
            seconds = await self._look(key)
        except (ApiError, *Unreachable) as error:
            self._fail(key, error)
            return
        except Exception:
            log.exception("%s stumbled over %s", self.name, key)
            self._fail(key, None)
            return
        self._failures.pop(key, None)
        if seconds is not None:
            self.later(key, seconds)

    def _fail(self, key: K, error: BaseException | None) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        if error is not None:
            log.info("%s: %s waits: %s", self.name, key, error or type(error).__name__)
        self.later(key, min(FIRST_PAUSE * 2 ** min(failures, 12), LONGEST_PAUSE))

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _forget_timer(self, key: K) -> None:
        if timer := self._timers.pop(key, None):
            timer.cancel()
