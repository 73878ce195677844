"""A month is closed some hours into the next one: its lines are written down and never change.

Two steps, each of which may be the last before a crash and is done again. First the month is shut (`months.shut`): what
is heard from then on is billed in the open month and says which month it corrects. Then each account's lines are
written in one transaction; an account that has them is done.
"""

from __future__ import annotations

import logging

from django.db import IntegrityError

from billing import daytotals, instants, ledger, meter, months, statements
from billing.instants import HOUR, Instant
from billing.models import ClosedMonth, DayTotal, MeteredPod, Statement, StatementLine
from billing.packages import door as packages
from billing.statements import BillLine, Period
from workloads.store import changes
from workloads.store.writing import write

CLOSE_AFTER = 6 * HOUR
"""How long a month that has ended stays open for news that are late."""

logger = logging.getLogger(__name__)


def close_once(*, now: Instant | None = None) -> int:
    """Shuts the months that are over and writes the statements that are missing. Returns how many it wrote. Nothing is
    closed while the meter has not read, or not settled, all of it."""
    now = instants.now() if now is None else now
    for month in _over(now):
        if not _is_metered(until=instants.next_month(month)):
            break
        months.shut(month, at=now)
    return sum(_written(account, month) for month, account in _missing())


def _over(now: Instant) -> list[Instant]:
    """Months with usage that are not closed and should be, the oldest first."""
    since, before = months.closed_until(), instants.month(now - CLOSE_AFTER)
    days = DayTotal.objects.filter(day__gte=since, day__lt=before).values_list("day", flat=True).distinct()
    return sorted({instants.month(day) for day in days})


def _is_metered(*, until: Instant) -> bool:
    behind = MeteredPod.objects.filter(finished__isnull=True, settled_until__lt=until)
    if behind.exclude(**ledger.PULLS_FOR_FREE).exists():
        return False
    try:
        return not changes.batch(meter.READER, kinds=meter.KINDS, limit=1).entries
    except changes.Trimmed:
        return False  # the meter itself says so, and reads the objects instead


def _missing() -> list[tuple[Instant, str]]:
    """Months and accounts that are shut and have no statement yet."""
    found = []
    for month in ClosedMonth.objects.order_by("month").values_list("month", flat=True):
        within = DayTotal.objects.filter(day__gte=month, day__lt=instants.next_month(month))
        written = Statement.objects.filter(month=month).values_list("account", flat=True)
        accounts = within.exclude(account__in=written).values_list("account", flat=True).distinct().order_by()
        found += [(month, account) for account in sorted(set(accounts))]
    return found


def _written(account: str, month: Instant) -> int:
    """What goes wrong with one account keeps no other from its statement; it is tried again."""
    try:
        return _write(account, month)
    except Exception:
        logger.exception("The statement of %s for %s could not be written.", account, instants.text(month))
        return 0


def _write(account: str, month: Instant) -> int:
    """1, or 0 when somebody else was first."""
    try:
        with write():
            bill = statements.computed(account, Period.month_of(month))
            statement = Statement.objects.create(
                account=account,
                month=month,
                currency=bill.currency,
                listed=bill.listed,
                covered=bill.covered,
                billed=bill.billed,
                seconds=bill.seconds,
                lines=len(bill.lines),
                closed=instants.moment(instants.now()),
            )
            StatementLine.objects.bulk_create([_kept(statement, line) for line in bill.lines], batch_size=500)
            packages.keep_use(statement)
    except IntegrityError:
        logger.info("The statement of %s was written by another manager meanwhile.", account)
        return 0
    return 1


def _kept(statement: Statement, line: BillLine) -> StatementLine:
    return StatementLine(
        statement=statement,
        line=line.id,
        account=statement.account,
        **{column: getattr(line, column) for column in statements.COLUMNS},
        label_set=daytotals.digest(line.labels),
        seconds=line.seconds,
        segments=line.segments,
        vcpu_covered=line.vcpu_covered,
        memory_covered=line.memory_covered,
        listed=line.listed,
        covered=line.covered,
        billed=line.billed,
    )
