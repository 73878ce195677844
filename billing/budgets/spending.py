"""What a budget has spent in the period that runs, and how fast that grows: the ledger's own sums, nothing kept."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from billing import instants, live
from billing.budgets import periods
from billing.budgets.models import Budget
from billing.instants import SECOND, Instant
from billing.live import Tally


@dataclass(frozen=True)
class Spending:
    """`spent` at the instant `at`; from there it grows by `per_second` while the same `pods` run."""

    amount: Decimal
    period_start: Instant
    period_end: Instant | None
    at: Instant
    spent: Decimal
    per_second: Decimal
    pods: int

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
        return self.spent + self.per_second * max(0, at - self.at) / SECOND

    def reaches(self, percent: int) -> Instant | None:
        """When `percent` of the amount will be spent: now if it is, None if what runs never gets there."""
        missing = threshold(self.amount, percent) - self.spent
        if missing <= 0:
            return self.at
        if not self.per_second:
            return None
        return self.at + int((missing * SECOND / self.per_second).to_integral_value(ROUND_CEILING))


def of(budget: Budget, at: Instant | None = None) -> Spending:
    now = instants.now() if at is None else at
    start = start_of(budget, now)
    tally = live.tallies(budget.columns, by="account", since=start, at=now).get(budget.account, Tally())
    return Spending(
        amount=budget.amount,
        period_start=start,
        period_end=periods.end(budget.period, start),
        at=now,
        spent=tally.cost - (budget.opening if budget.period == Budget.Period.TOTAL else 0),
        per_second=tally.per_second,
        pods=tally.pods,
    )


def start_of(budget: Budget, at: Instant | None = None) -> Instant:
    """Of the period that runs."""
    return periods.start(budget.period, instants.now() if at is None else at, counted_from=budget.counted_from)


def threshold(amount: Decimal, percent: int) -> Decimal:
    return amount * percent / 100
