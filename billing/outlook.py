"""The month under way: its statement, what it does not say yet, what it will come to, and the chart of what was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from billing import instants, live, statements
from billing.instants import DAY, HOUR, Instant
from billing.live import Tally
from billing.statements import Bill, Period, Unit, Within
from billing.totals import Meter, instant, meter_of


@dataclass(frozen=True)
class Forecast:
    """What the month will have cost. `at_this_rate`: so far, and what runs now until its end. `at_this_pace`: so far,
    and each day to come as the last seven were (or as many as there are)."""

    at_this_rate: Decimal
    at_this_pace: Decimal


@dataclass(frozen=True)
class MonthSoFar:
    """The present month's statement, what pods cost that it does not say yet (`ahead`), and both together."""

    bill: Bill
    ahead: Decimal
    meter: Meter


@dataclass(frozen=True)
class Point:
    """One bar of a chart. `open` is the part that is not in the ledger yet."""

    start: datetime
    settled: Decimal
    open: Decimal = Decimal(0)

    @property
    def cost(self) -> Decimal:
        return self.settled + self.open


def month_so_far(account: str, *, within: Within = None, at: datetime | None = None) -> MonthSoFar:
    now = instant(at)
    told = statements.read(account, Period.month_of(now), within=within)
    ahead = _unsettled(account, since=instants.month(now), at=now, within=within)
    meter = meter_of(Tally(told.billed, told.seconds) + ahead, told.currency, now)
    return MonthSoFar(told, ahead.cost, meter)


def forecast(so_far: Meter, account: str, *, within: Within = None, at: datetime | None = None) -> Forecast:
    now = instant(at)
    left = Decimal(instants.next_month(now) - now) / instants.SECOND
    spent = statements.series(account, "day", since=instants.day(now) - 7 * DAY, until=instants.day(now), within=within)
    days = (instants.day(now) - min(spent)) // DAY if spent else 0
    pace = sum(spent.values(), Decimal(0)) / (days * 86400) if days else so_far.rate.per_second
    return Forecast(so_far.accrued + so_far.rate.per_second * left, so_far.accrued + pace * left)


def chart(so_far: MonthSoFar, unit: Unit, *, within: Within = None) -> list[Point]:
    """The last 24 hours, 30 days or 12 months at the list's price, the oldest first, the one under way last."""
    account, now = so_far.bill.account, instants.of(so_far.meter.as_of)
    starts, ahead = _starts(unit, now), so_far.ahead
    told = statements.series(account, unit, since=starts[0], until=now, within=within)
    if unit == "hour" and starts[0] < instants.month(now):
        ahead = _unsettled(account, since=starts[0], at=now, within=within).cost
    points = [Point(instants.moment(start), told.get(start, Decimal(0))) for start in starts]
    return [*points[:-1], replace(points[-1], open=ahead)]


def _starts(unit: Unit, now: Instant) -> list[Instant]:
    if unit == "hour":
        return [instants.hour(now) - hours * HOUR for hours in range(23, -1, -1)]
    if unit == "day":
        return [instants.day(now) - days * DAY for days in range(29, -1, -1)]
    months = [instants.month(now)]
    while len(months) < 12:
        months.insert(0, instants.month(months[0] - 1))
    return months


def _unsettled(account: str, *, since: Instant, at: Instant, within: Within) -> Tally:
    tallies = live.unsettled({"account": account}, by="namespace", since=since, at=at)
    seen = (tally for name, tally in tallies.items() if within is None or name in within)
    return sum(seen, Tally())
