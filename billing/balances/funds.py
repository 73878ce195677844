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
    tally = cost(purse.account, purse.since, now)
    return Funds(credited(purse.account), tally.cost - purse.opening, tally.per_second, now)


def cost(account: str, since: Instant, now: Instant) -> Tally:
    return live.tallies({"account": account}, by="account", since=since, at=now).get(account, Tally())


def credited(account: str) -> Decimal:
    return Credit.objects.filter(account=account).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def grace_ends(purse: Purse) -> Instant | None:
    """When an account in arrears is frozen."""
    return None if purse.arrears is None else purse.arrears + int(settings.ARREARS_GRACE_HOURS) * HOUR
