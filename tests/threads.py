"""Several things at once, for tests of what happens when somebody else was first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

_T = TypeVar("_T")


def at_once(*actions: Callable[[], _T]) -> list[_T]:
    """Runs each action in a thread of its own, all from the same moment; their answers, or the first error."""
    start = threading.Barrier(len(actions))
    with ThreadPoolExecutor(max_workers=len(actions)) as pool:
        running = [pool.submit(apart, action, start) for action in actions]
        return [each.result() for each in running]


def apart(action: Callable[[], _T], start: threading.Barrier | None = None) -> _T:
    """Runs `action` in this thread and leaves no database connection of the thread open."""
    try:
        if start is not None:
            start.wait(10)
        return action()
    finally:
        connections.close_all()
