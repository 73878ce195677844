"""What is left of a prepaid account's credits, and when it will be used up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum

from billing import instants
from billing.balances.models import Credit, Purse
from billing.instants import HOUR, Instant
from billing.packages import relief
from billing.packages.relief import Course


@dataclass(frozen=True)
class Funds:
    """`left` at the course's instant; from there it shrinks while the same pods run. What packages pay is not taken."""

    credits: Decimal
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
    def left(self) -> Decimal:
        return self.credits - self.spent

    @property
    def used_up(self) -> Instant | None:
        """When nothing will be left; None if what runs never gets there."""
        return self.course.reaches(self.credits)


def of(purse: Purse, at: Instant | None = None) -> Funds:
    now = instants.now() if at is None else at
    course = relief.course({"account": purse.account}, since=purse.since, at=now, before=purse.opening)
    return Funds(credited(purse.account), course)


def cost(account: str, since: Instant, now: Instant) -> Decimal:
    """What was used since a midnight, without what resource packages paid for."""
    return relief.course({"account": account}, since=since, at=now).spent


def credited(account: str) -> Decimal:
    return Credit.objects.filter(account=account).aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def grace_ends(purse: Purse) -> Instant | None:
    """When an account in arrears is frozen."""
    return None if purse.arrears is None else purse.arrears + grace()


def grace() -> Instant:
    """How long an account may be in arrears before it is frozen."""
    return int(settings.ARREARS_GRACE_HOURS) * HOUR
