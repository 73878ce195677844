"""The watcher knows when each budget will reach its next threshold, and sleeps until then, or until the meter has
written something new. What runs costs it nothing while it runs, however many pods that are.

It stands beside the meter, which wakes it. A meter in another process is noticed within a second, by its place in the
log: one small question, whatever runs.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import NamedTuple

from django.db import close_old_connections

from billing import instants
from billing.balances import watch
from billing.budgets import actions, crossings, spending
from billing.budgets.models import Budget
from billing.instants import SECOND, Instant
from iam import sql
from workloads.store import doorbell

LONGEST = 60.0
"""Seconds between looks when nothing is new."""
RETRY = 5.0
"""Seconds after which what could not be done is tried again."""
GLANCE = 1.0
_SHARE = 4
"""A look that took a second is not repeated for four, whatever is new: most of the time belongs to others."""
_SHORTEST = 0.02
_NEWS = """
    SELECT (SELECT revision FROM workloads_cursor WHERE reader = 'meter'),
        (SELECT sum(version) FROM billing_purse), count(*), sum(version), max(changed) FROM billing_budget"""

logger = logging.getLogger(__name__)


class Look(NamedTuple):
    """What one look found: when the next threshold is reached, how many were, and how many actions wait."""

    next: Instant | None
    crossed: int
    waiting: int


def run(stop: threading.Event, wake: threading.Event | None = None) -> None:
    """Until `stop`. `wake` is set by the meter whenever it has written something."""
    wake = wake or threading.Event()
    with doorbell.listen(wake.set):
        while not stop.is_set():
            close_old_connections()
            began, known = time.monotonic(), _news()
            found = look()
            stop.wait(min(LONGEST, _SHARE * (time.monotonic() - began)))
            _sleep(found, known, wake, stop)


def look() -> Look:
    """Writes down which thresholds are reached, and does what follows."""
    crossed, ahead = 0, list[Instant]()
    for budget in Budget.objects.order_by("account", "name"):
        found = spending.of(budget)
        crossed += len(crossings.record(budget, found))
        if (instant := crossings.next_instant(budget, found)) is not None:
            ahead.append(instant)
        actions.begin_resuming(budget, found)
    waiting = crossings.follow(actions.FOLLOW) + actions.resume_all()
    of_balances, behind = watch.look()
    ahead += of_balances
    waiting += behind
    return Look(min(ahead, default=None), crossed, waiting)


def _sleep(found: Look, known: object, wake: threading.Event, stop: threading.Event) -> None:
    """Until the next threshold, or until there is news."""
    seconds = RETRY if found.waiting else LONGEST
    if found.next is not None:
        seconds = min(seconds, max(_SHORTEST, (found.next - instants.now()) / SECOND))
    ends = time.monotonic() + seconds
    while not stop.is_set() and (left := ends - time.monotonic()) > 0:
        if _news() != known:
            return
        wake.wait(min(left, GLANCE))
        wake.clear()


def _news() -> object:
    """Another answer: the meter has written something, or a budget was changed."""
    return sql.select(_NEWS)
