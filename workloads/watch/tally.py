"""How many objects there are: counted once, then led by the log, so that a page that shows twenty counts asks for the
log's newest entry instead of counting 100,000 rows.

As `watch.cache`: nobody follows the log for it, whoever asks brings it to the log's end first. A reader inside a
transaction asks the store: it may see what nobody else sees yet.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from django.db import connection

from workloads.store import changes, objects
from workloads.store.changes import Tip

TOO_FAR = 5000
"""Entries behind which it is cheaper to count again than to read them."""
MOST_ACCOUNTS = 1000


@dataclass
class _Numbers:
    place: Tip
    of: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(kind, namespace) -> how many."""
    total: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, namespace: str, number: int) -> None:
        self.of[kind, namespace] += number
        self.total[kind] += number


class Tally:
    """One a process; any thread may ask."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._accounts: dict[str, _Numbers] = {}

    def count(self, kind: str, *, account: str, namespace: str | None = None) -> int:
        if connection.in_atomic_block:
            return objects.count(kind, account=account, namespace=namespace)
        with self._guard:
            numbers = self._reached(account)
            return numbers.total[kind] if namespace is None else numbers.of[kind, namespace]

    def clear(self) -> None:
        with self._guard:
            self._accounts.clear()

    def _reached(self, account: str) -> _Numbers:
        """At the log's end."""
        known, newest = self._accounts.get(account), changes.tip()
        if known is not None and known.place == newest and newest.revision:
            return known
        if known is None or not self._moved_on(account, known, newest):
            known = self._counted(account)
        return known

    def _moved_on(self, account: str, known: _Numbers, newest: Tip) -> bool:
        """False when the log does not lead from there to here."""
        if not known.place.revision or not 0 < newest.revision - known.place.revision <= TOO_FAR:
            return False
        steps = changes.comings(known.place, newest, account=account)
        if steps is None:
            return False
        for kind, namespace, number in steps:
            known.add(kind, namespace, number)
        known.place = newest
        return True

    def _counted(self, account: str) -> _Numbers:
        revision, found = objects.tally(account)
        numbers = _Numbers(changes.tip_at(revision))
        for (kind, namespace), number in found.items():
            numbers.add(kind, namespace, number)
        if len(self._accounts) >= MOST_ACCOUNTS:
            self._accounts.clear()
        self._accounts[account] = numbers
        return numbers


TALLY = Tally()
