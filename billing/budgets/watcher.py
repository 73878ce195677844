"""The watcher knows when each budget will reach its next threshold, and sleeps until then, or until there is news. What
runs costs it nothing while it runs, however many pods that are.

It stands beside the meter, which wakes it. A meter in another process is noticed within a second, by its place in the
log: one small question, whatever runs. Only what there is news of is looked at: the budgets of an account in which pods
began or ended, and each whose moment has come. So one account's ten thousand pods keep no other's threshold waiting.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from typing import NamedTuple

from django.db import close_old_connections
from django.db.models import Q

from billing import instants, prices
from billing.balances import watch
from billing.balances.models import Purse
from billing.budgets import actions, crossings, spending
from billing.budgets.models import Budget
from billing.instants import SECOND, Instant
from iam import sql
from workloads.store import doorbell

LONGEST = 60.0
"""Seconds after which everything is looked at again, whatever is known."""
RETRY = 5.0
"""Seconds after which what could not be done is tried again."""
GLANCE = 1.0
_SHARE = 4
"""After a look that took a second, news are left for four: most of the time belongs to others. A moment that was known
before is kept all the same."""
_SHORTEST = 0.02
_LONGEST, _RETRY = int(LONGEST * SECOND), int(RETRY * SECOND)
_NEWS = """
    SELECT (SELECT revision FROM workloads_cursor WHERE reader = 'meter'),
        (SELECT sum(version) FROM billing_purse), (SELECT count(*) FROM billing_meteredpod WHERE lost),
        (SELECT max(id) FROM billing_price), (SELECT sum(ends) FROM billing_package),
        count(*), sum(version), max(changed) FROM billing_budget"""
_OF_ACCOUNTS = """
    SELECT whose.account,
        (SELECT max(revision) FROM billing_meteredpod WHERE account = whose.account),
        (SELECT count(*) FROM billing_meteredpod WHERE lost AND account = whose.account),
        (SELECT sum(ends) FROM billing_package WHERE account = whose.account),
        (SELECT version FROM billing_purse WHERE account = whose.account),
        (SELECT count(*) FROM billing_budget WHERE account = whose.account),
        (SELECT sum(version) FROM billing_budget WHERE account = whose.account),
        (SELECT max(changed) FROM billing_budget WHERE account = whose.account),
        (SELECT max(id) FROM billing_price)
    FROM (SELECT account FROM billing_budget UNION SELECT account FROM billing_purse) AS whose"""

logger = logging.getLogger(__name__)


class Look(NamedTuple):
    """What one look found: when the next threshold is reached, how many were, and how many actions wait."""

    next: Instant | None
    crossed: int
    waiting: int


class Subject(NamedTuple):
    """A budget by its id, or with "" an account's balance."""

    account: str
    budget: str


def run(stop: threading.Event, wake: threading.Event | None = None) -> None:
    """Until `stop`. `wake` is set by the meter whenever it has written something."""
    wake, watcher = wake or threading.Event(), Watcher()
    with doorbell.listen(wake.set):
        while not stop.is_set():
            close_old_connections()
            began, known = time.monotonic(), _news()
            found = watcher.look()
            _rest(watcher, found, _SHARE * (time.monotonic() - began), stop)
            _sleep(watcher, found, known, wake=wake, stop=stop)


def look() -> Look:
    """At everything, once."""
    return Watcher().look()


class Watcher:
    """What is known between looks: what was heard of each account, and when each subject must be looked at next."""

    def __init__(self) -> None:
        self.all_at: Instant = 0
        """When everything is looked at again."""
        self.was_due = False
        """Whether the last look was only for moments that had come."""
        self._heard: dict[str, tuple[object, ...]] = {}
        self._ahead: dict[Subject, Instant] = {}

    def look(self) -> Look:
        """Writes down which thresholds are reached, and does what follows."""
        now, heard = instants.now(), _of_accounts()
        due = {subject for subject, instant in self._ahead.items() if instant <= now}
        if now >= self.all_at:
            accounts, self.all_at = set(heard), _soonest_of(now, prices.changes(now, now + _LONGEST))
        else:
            accounts = {account for account, said in heard.items() if self._heard.get(account) != said}
        self.was_due, self._heard = bool(due) and not accounts, heard
        gone = {one for one in self._ahead if one.account in accounts or one.account not in heard}
        for subject in due | gone:
            del self._ahead[subject]
        crossed, waiting = self._budgets(accounts, {one.budget for one in due if one.budget})
        waiting += crossings.follow(actions.FOLLOW) + actions.resume_all()
        waiting += self._balances(accounts | {one.account for one in due if not one.budget})
        return Look(min(self._ahead.values(), default=None), crossed, waiting)

    def _budgets(self, accounts: set[str], numbers: set[str]) -> tuple[int, int]:
        """How many thresholds were crossed, and how many budgets could not be looked at. One keeps no other waiting."""
        crossed, waiting = 0, 0
        for budget in Budget.objects.filter(Q(account__in=accounts) | Q(pk__in=numbers)).order_by("account", "name"):
            subject = Subject(budget.account, str(budget.pk))
            try:
                found = spending.of(budget)
                crossed += len(crossings.record(budget, found))
                self._know(subject, crossings.next_instant(budget, found))
                actions.begin_resuming(budget, found)
            except Exception:
                logger.exception("Budget %s could not be looked at; it is tried again.", budget)
                self._know(subject, instants.now() + _RETRY)
                waiting += 1
        return crossed, waiting

    def _balances(self, accounts: Iterable[str]) -> int:
        """How many things wait to be tried again."""
        waiting = 0
        for purse in Purse.objects.filter(account__in=accounts).order_by("account"):
            following, behind = watch.look(purse)
            self._know(Subject(purse.account, ""), instants.now() + _RETRY if behind else following)
            waiting += behind
        return waiting

    def _know(self, subject: Subject, instant: Instant | None) -> None:
        if instant is not None:
            self._ahead[subject] = instant


def _soonest_of(now: Instant, changes: Iterable[Instant]) -> Instant:
    return min([now + _LONGEST, *changes])


def _rest(watcher: Watcher, found: Look, seconds: float, stop: threading.Event) -> None:
    """After a look. A moment that has come ends it, unless the look was for such a one: sums that grow by whole seconds
    may be a little short of a threshold at the instant that was reckoned."""
    if found.next is not None and not watcher.was_due:
        seconds = min(seconds, _until(found.next))
    stop.wait(min(LONGEST, seconds))


def _sleep(watcher: Watcher, found: Look, known: object, *, wake: threading.Event, stop: threading.Event) -> None:
    """Until the next threshold, or until there is news."""
    seconds = min(RETRY if found.waiting else LONGEST, _until(watcher.all_at))
    if found.next is not None:
        seconds = min(seconds, _until(found.next))
    ends = time.monotonic() + seconds
    while not stop.is_set() and (left := ends - time.monotonic()) > 0:
        if _news() != known:
            return
        wake.wait(min(left, GLANCE))
        wake.clear()


def _until(instant: Instant) -> float:
    return max(_SHORTEST, (instant - instants.now()) / SECOND)


def _news() -> object:
    """Another answer: the meter has written something, or a budget, a balance, a package or a price was changed."""
    return sql.select(_NEWS)


def _of_accounts() -> dict[str, tuple[object, ...]]:
    """The same by account: of each that has budgets or a balance."""
    return {account: tuple(said) for account, *said in sql.select(_OF_ACCOUNTS)}
