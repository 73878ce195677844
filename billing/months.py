"""Which months are closed. They close in order, so one instant says it: what begins before it is billed elsewhere.

Whoever writes the ledger asks `open_from` first, inside the transaction. On PostgreSQL that takes a shared lock, and
`shut` an exclusive one: a month is shut when no writer is under way that took it for open. SQLite has one writer.
"""

from __future__ import annotations

from django.db import connection

from billing import instants
from billing.instants import Instant
from billing.models import ClosedMonth
from iam import sql
from workloads.store.writing import write

_LOCK = 0x62696C6C
"""PostgreSQL's advisory lock between writers of the ledger (shared) and the closing of a month."""


def open_from() -> Instant:
    """The first instant that is not closed; 0 when no month is. Needs a transaction around it, until whose end it
    stays true."""
    if connection.vendor == "postgresql":
        sql.select(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")
    return closed_until()


def closed_until() -> Instant:
    """The same for readers, true for now."""
    ((last,),) = sql.select("SELECT MAX(month) FROM billing_closedmonth")
    return 0 if last is None else instants.next_month(last)


def shut(month: Instant, *, at: Instant) -> None:
    """From when this returns nothing is added to `month`. Doing it again changes nothing."""
    with write():
        if connection.vendor == "postgresql":
            sql.select(f"SELECT pg_advisory_xact_lock({_LOCK})")
        ClosedMonth.objects.get_or_create(month=month, defaults={"closed": instants.moment(at)})
