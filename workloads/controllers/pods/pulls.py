"""Pulls run in the background of the worker process, one an image and its credentials, however many pods wait for it:
no worker is held.

Memory only. A worker that dies loses its pulls, not the wish for them: pods ask again and the pull begins anew, and the
runtime goes on from the layers it has.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connections

from workloads.meta.keys import Key
from workloads.runtimes.base import ImageFault, PullOutcome, PullProgress, Runtime, RuntimeFault
from workloads.runtimes.credentials import Credentials

logger = logging.getLogger(__name__)

_Wanted = tuple[str, tuple[Credentials, ...]]

NO_CREDENTIALS: tuple[Credentials, ...] = ()
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
        self._pulls: dict[_Wanted, _Pull] = {}

    def ask(
        self, image: str, *, since: datetime, key: Key, credentials: tuple[Credentials, ...] = NO_CREDENTIALS
    ) -> State:
        """How is the pull of `image`? One that ended at `since` or later answers; else one is joined or begun. Whoever
        has other credentials has a pull of their own. They are tried in turn."""
        with self._lock:
            self._forget_old(since)
            wanted = (image, credentials)
            pull = self._pulls.get(wanted)
            fresh = pull is None or _is_stale(pull, since)
            if pull is None or fresh:
                pull = self._pulls[wanted] = _Pull()
            pull.waiting.add(key)
        if fresh:
            self._start(lambda: self._work(image, credentials, pull))
        return pull.result or Pulling(pull.progress)

    def outcome(
        self, image: str, *, since: datetime, credentials: tuple[Credentials, ...] = NO_CREDENTIALS
    ) -> PullOutcome | None:
        """What came of a pull that was asked for at `since`, if it is known here. Begins nothing."""
        with self._lock:
            pull = self._pulls.get((image, credentials))
        if pull is None or _is_stale(pull, since) or not isinstance(pull.result, Pulled):
            return None
        return pull.result.outcome

    def _work(self, image: str, credentials: tuple[Credentials, ...], pull: _Pull) -> None:
        def note(progress: PullProgress) -> None:
            pull.progress = progress

        result: Pulled | Refused
        try:
            with self._slots:
                result = Pulled(self._fetch(image, credentials, note))
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

    def _fetch(
        self, image: str, credentials: tuple[Credentials, ...], note: Callable[[PullProgress], None]
    ) -> PullOutcome:
        """With each of the credentials until one is good; the last refusal stands."""
        for one in credentials[:-1]:
            with suppress(ImageFault):
                return self._runtime().pull(image, auth=one.auth(), progress=note)
        auth = credentials[-1].auth() if credentials else None
        return self._runtime().pull(image, auth=auth, progress=note)

    def _ended(self, result: Pulled | Refused) -> datetime | None:
        """None when even the clock is gone: then any later question begins anew."""
        if isinstance(result, Pulled):
            return result.outcome.finished_at
        try:
            return self._runtime().now()
        except RuntimeFault:
            return None

    def _forget_old(self, now: datetime) -> None:
        for wanted, pull in list(self._pulls.items()):
            if pull.finished_at and pull.finished_at < now - KEPT_FOR:
                del self._pulls[wanted]


def _is_stale(pull: _Pull, since: datetime) -> bool:
    return pull.result is not None and (pull.finished_at is None or pull.finished_at < since)
