"""What is left of a prepaid account's credits, and when it will be used up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from django.conf import settings
from django.db.models import Sum

from billing import instants, live
from billing.balances.models import Credit, Purse
from billing.instants import HOUR, SECOND, Instant
from billing.live import Tally
from billing.models import DayTotal
from billing.packages import coverage
from billing.packages.models import Package

MINUTE = 60 * SECOND


@dataclass(frozen=True)
class Funds:
    """`left` at the instant `at`; from there it shrinks by `per_second` while the same pods run."""

    credits: Decimal
    spent: Decimal
    per_second: Decimal
    at: Instant

    @property
    def left(self) -> Decimal:
        return self.credits - self.spent

    @property
    def used_up(self) -> Instant | None:
        """When nothing will be left; None if what runs never gets there."""
        if self.left <= 0:
            return self.at
        if not self.per_second:
            return None
        return self.at + int((self.left * SECOND / self.per_second).to_integral_value(ROUND_CEILING))


def of(purse: Purse, at: Instant | None = None) -> Funds:
    now = instants.now() if at is None else at
    tally = _gross(purse.account, purse.since, now)
    spent = tally.cost - covered(purse.account, purse.since, now) - purse.opening
    return Funds(credited(purse.account), spent, tally.per_second, now)


def cost(account: str, since: Instant, now: Instant) -> Decimal:
    """What was used since a midnight, without what resource packages paid for."""
    return _gross(account, since, now).cost - covered(account, since, now)


def covered(account: str, since: Instant, now: Instant) -> Decimal:
    """What resource packages paid for of what is settled. It changes once an hour, and is worked out once a minute."""
    if not Package.objects.filter(account=account).exists():
        return Decimal(0)
    known = _covered.get((account, since))
    if known is None or not 0 <= now - known[0] < MINUTE:
        known = _covered[account, since] = (now, _covered_now(account, since, now))
    return known[1]


def _gross(account: str, since: Instant, now: Instant) -> Tally:
    return live.tallies({"account": account}, by="account", since=since, at=now).get(account, Tally())


_covered: dict[tuple[str, Instant], tuple[Instant, Decimal]] = {}


def _covered_now(account: str, since: Instant, now: Instant) -> Decimal:
    paid, month = Decimal(0), instants.month(since)
    while month <= now:
        found = coverage.of_month(account, month)
        until = instants.next_month(month)
        for total in DayTotal.objects.filter(account=account, day__gte=max(since, month), day__lt=until):
            paid += total.vcpu_rate * found.of("vcpu", [total.id]) + total.memory_rate * found.of("memory", [total.id])
        month = until
    return paid


def credited(account: str) -> Decimal:
    return Credit.objects.filter(account=account).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def grace_ends(purse: Purse) -> Instant | None:
    """When an account in arrears is frozen."""
    return None if purse.arrears is None else purse.arrears + int(settings.ARREARS_GRACE_HOURS) * HOUR
