"""What a budget has spent in the period that runs, and how fast that grows: the ledger's own sums, nothing kept."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing import instants
from billing.budgets import periods
from billing.budgets.models import Budget
from billing.instants import Instant
from billing.packages import relief
from billing.packages.relief import Course


@dataclass(frozen=True)
class Spending:
    """What is spent is what is left to pay: the list's price less what resource packages pay for."""

    amount: Decimal
    period_start: Instant
    period_end: Instant | None
    course: Course

    @property
    def at(self) -> Instant:
        return self.course.at

    @property
    def spent(self) -> Decimal:
        return self.course.spent

    @property
    def per_second(self) -> Decimal:
        return self.course.per_second

    @property
    def covered(self) -> Decimal:
        """What packages pay of the period's cost."""
        return self.course.relief.paid

    @property
    def left(self) -> Decimal:
        return self.amount - self.spent

    @property
    def percent(self) -> Decimal:
        return self.spent * 100 / self.amount if self.amount else Decimal(100)

    @property
    def forecast(self) -> Decimal | None:
        """What will be spent at the end of the period if everything runs on as it does; None for a total."""
        return None if self.period_end is None else self.then(self.period_end)

    @property
    def is_used_up(self) -> bool:
        return self.spent >= self.amount

    def then(self, at: Instant) -> Decimal:
        """What is spent at a later instant if the same pods run on."""
        return self.course.then(at)

    def reaches(self, percent: int) -> Instant | None:
        """When `percent` of the amount will be spent: now if it is, None if what runs never gets there."""
        return self.course.reaches(threshold(self.amount, percent))


def of(budget: Budget, at: Instant | None = None) -> Spending:
    now = instants.now() if at is None else at
    start = start_of(budget, now)
    before = budget.opening if budget.period == Budget.Period.TOTAL else Decimal(0)
    course = relief.course(budget.columns, since=start, at=now, before=before)
    return Spending(budget.amount, start, periods.end(budget.period, start), course)


def start_of(budget: Budget, at: Instant | None = None) -> Instant:
    """Of the period that runs."""
    return periods.start(budget.period, instants.now() if at is None else at, counted_from=budget.counted_from)


def threshold(amount: Decimal, percent: int) -> Decimal:
    return amount * percent / 100
