"""Pulls run in the background of the worker process, one an image, however many pods wait for it: no worker is held.

Memory only. A worker that dies loses its pulls, not the wish for them: pods ask again and the pull begins anew, and the
runtime goes on from the layers it has.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connections

from workloads.meta.keys import Key
from workloads.runtimes.base import PullOutcome, PullProgress, Runtime, RuntimeFault

logger = logging.getLogger(__name__)

AT_ONCE = 3
KEPT_FOR = timedelta(minutes=10)


@dataclass(frozen=True)
class Pulling:
    progress: PullProgress


@dataclass(frozen=True)
class Pulled:
    outcome: PullOutcome


@dataclass(frozen=True)
class Refused:
    """The registry's own words."""

    error: str


State = Pulling | Pulled | Refused


@dataclass
class _Pull:
    progress: PullProgress = field(default_factory=lambda: PullProgress(0, 0))
    result: Pulled | Refused | None = None
    finished_at: datetime | None = None
    waiting: set[Key] = field(default_factory=set)


def in_thread(work: Callable[[], None]) -> None:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()  # the thread's own, opened to ring

    threading.Thread(target=run, name="pull", daemon=True).start()


class Pulls:
    """`ring(keys)` is called when a pull has ended, with the pods that asked for it. `start` runs the work."""

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        *,
        ring: Callable[[Iterable[Key]], None],
        start: Callable[[Callable[[], None]], None] = in_thread,
    ) -> None:
        self._runtime = runtime
        self._ring = ring
        self._start = start
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._pulls: dict[str, _Pull] = {}

    def ask(self, image: str, *, since: datetime, key: Key) -> State:
        """How is the pull of `image`? One that ended at `since` or later answers; else one is joined or begun."""
        with self._lock:
            self._forget_old(since)
            pull = self._pulls.get(image)
            fresh = pull is None or _is_stale(pull, since)
            if pull is None or fresh:
                pull = self._pulls[image] = _Pull()
            pull.waiting.add(key)
        if fresh:
            self._start(lambda: self._work(image, pull))
        return pull.result or Pulling(pull.progress)

    def outcome(self, image: str, *, since: datetime) -> PullOutcome | None:
        """What came of a pull that was asked for at `since`, if it is known here. Begins nothing."""
        with self._lock:
            pull = self._pulls.get(image)
        if pull is None or _is_stale(pull, since) or not isinstance(pull.result, Pulled):
            return None
        return pull.result.outcome

    def _work(self, image: str, pull: _Pull) -> None:
        def note(progress: PullProgress) -> None:
            pull.progress = progress

        result: Pulled | Refused
        try:
            with self._slots:
                result = Pulled(self._runtime().pull(image, progress=note))
        except RuntimeFault as error:
            result = Refused(str(error))
        except Exception as error:
            logger.exception("pulling %s failed", image)
            result = Refused(f"{type(error).__name__}: {error}")
        with self._lock:
            pull.finished_at = self._ended(result)
            pull.result = result
            keys = list(pull.waiting)
        self._ring(keys)

    def _ended(self, result: Pulled | Refused) -> datetime | None:
        """None when even the clock is gone: then any later question begins anew."""
        if isinstance(result, Pulled):
            return result.outcome.finished_at
        try:
            return self._runtime().now()
        except RuntimeFault:
            return None

    def _forget_old(self, now: datetime) -> None:
        for image, pull in list(self._pulls.items()):
            if pull.finished_at and pull.finished_at < now - KEPT_FOR:
                del self._pulls[image]


def _is_stale(pull: _Pull, since: datetime) -> bool:
    return pull.result is not None and (pull.finished_at is None or pull.finished_at < since)
