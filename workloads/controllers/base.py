"""What a reconciler is: a function from a key to "done", "look again later" or an error.

Two words for failure: any exception means try later (with backoff); `TerminalError` means not before the object
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from workloads.meta.keys import Key
from workloads.store.changes import Entry


class TerminalError(Exception):
    """Do not try again until the object changes; the text says why."""


@dataclass(frozen=True)
class Result:
    """`requeue_after` in seconds: look again then, nothing is wrong. None: done until something changes."""

    requeue_after: float | None = None


@dataclass(frozen=True)
class Controller:
    """`queue` is the Celery queue: "control" for pure API work, "node" where Docker is needed.

    `keys(entry)` turns one log entry into the keys this controller should look at (own, owners', ...). It may read the
    store; it must be cheap. `reconcile(key)` reads everything anew, acts, and may be run any number of times.
    `resync()` yields every key that exists, for the slow tick after a start.
    """

    name: str
    queue: str
    keys: Callable[[Entry], Iterable[Key]]
    reconcile: Callable[[Key], Result | None]
    resync: Callable[[], Iterable[Key]]
