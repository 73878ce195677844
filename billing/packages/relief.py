"""What resource packages pay of a scope's cost up to now, and for how long they will go on paying.

Of what is settled, `coverage` says it to the second; that walk is dear and is kept for a minute. All that was used
since then, settled meanwhile or not, is estimated: packages pay for it in proportion as long as they reach for what the
whole account uses. So an hour that no settlement has looked at yet is not taken for unpaid, and what a statement says
later is the same but for the hour in which a package runs out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from billing import instants, live
from billing.instants import SECOND, Instant
from billing.live import ItemTally, Tally
from billing.models import DayTotal
from billing.packages import coverage
from billing.packages.coverage import ITEMS, Coverage
from billing.packages.covering import Grant, Pool
from billing.packages.models import Package
from billing.rating import PLACES

MINUTE = 60 * SECOND
_MOST_KNOWN = 256
_TRIES = 3


@dataclass(frozen=True)
class Part:
    """One item from `at` on: of what is in scope `per_second` is paid for while the account's grants, each with what is
    left of it and when it is lost, last. The account takes `units` a second."""

    per_second: Decimal
    units: int
    at: Instant
    left: tuple[tuple[int, Instant], ...]

    def lasts(self, units: int | None = None) -> Instant:
        """Until when, if the account takes so many units a second."""
        taken, reached = self.units if units is None else units, self.at
        for much, lost in self.left:
            reached = lost if not taken else max(reached, min(lost, reached + much * SECOND // taken))
        return reached


@dataclass(frozen=True)
class Relief:
    """`paid` at `at`; `parts` by item go on."""

    paid: Decimal
    at: Instant
    parts: Mapping[str, Part]

    def then(self, at: Instant) -> Decimal:
        """By whole seconds, as cost grows: never ahead of it."""
        grown = (part.per_second * max(0, (min(at, part.lasts()) - self.at) // SECOND) for part in self.parts.values())
        return self.paid + sum(grown, Decimal(0))

    def per_second(self, at: Instant) -> Decimal:
        return sum((part.per_second for part in self.parts.values() if part.lasts() > at), Decimal(0))


@dataclass(frozen=True)
class Course:
    """A cost as it stands at `at` and goes on if the same pods run: at the list's price, and what is left to pay of it.
    `before` was spent before it counts."""

    at: Instant
    listed: Decimal
    listed_per_second: Decimal
    relief: Relief
    before: Decimal = Decimal(0)

    @property
    def spent(self) -> Decimal:
        return self.listed - self.relief.paid - self.before

    @property
    def per_second(self) -> Decimal:
        return self.listed_per_second - self.relief.per_second(self.at)

    def then(self, at: Instant) -> Decimal:
        later = max(at, self.at)
        grown = self.listed_per_second * (later - self.at) / SECOND
        return self.listed + grown - self.relief.then(later) - self.before

    def reaches(self, amount: Decimal) -> Instant | None:
        """When so much will be spent: now if it is, None if what runs never gets there."""
        missing, since = amount - self.spent, self.at
        if missing <= 0:
            return self.at
        for until in (*sorted({part.lasts() for part in self.relief.parts.values()} - {self.at}), None):
            rate = self.listed_per_second - self.relief.per_second(since)
            reached = since + int((missing * SECOND / rate).to_integral_value(ROUND_CEILING)) if rate > 0 else None
            if until is None or (reached is not None and reached <= until):
                return reached
            missing, since = missing - rate * (until - since) / SECOND, until
        return None


def course(scope: Mapping[str, str], *, since: Instant, at: Instant, before: Decimal = Decimal(0)) -> Course:
    """Of an account, or a part of it (columns of the ledger), since a midnight."""
    account = scope["account"]
    tally = live.tallies(scope, by="account", since=since, at=at).get(account, Tally())
    return Course(at, tally.cost, tally.per_second, _relief(account, scope, since, at), before)


def _relief(account: str, scope: Mapping[str, str], since: Instant, at: Instant) -> Relief:
    packages = list(Package.objects.filter(account=account).order_by("pk"))
    if not packages:
        return Relief(Decimal(0), at, {})
    known = _kept(account, scope, since, at, tuple((one.pk, one.ends) for one in packages))
    month = instants.month(at)
    ours = live.by_item(scope, since=since, at=at)
    everybody = ours if len(scope) == 1 and since == month else live.by_item({"account": account}, since=month, at=at)
    paid, parts = known.paid, dict[str, Part]()
    for item in ITEMS:
        pool = _pool(packages, item, known.month)
        used = max(0, everybody[item].units - known.account[item].units)
        share = min(Decimal(1), Decimal(pool.left(at)) / used) if used else Decimal(1)
        paid += (max(Decimal(0), ours[item].cost - known.scope[item].cost) * share).quantize(PLACES)
        parts[item] = _part(pool, ours[item], everybody[item], used, at)
    return Relief(paid, at, parts)


def _part(pool: Pool, ours: ItemTally, everybody: ItemTally, used: int, at: Instant) -> Part:
    pool.take(used, at)
    left = tuple((pool.left_of(grant), grant.lost_at(at)) for grant in pool.in_force(at) if pool.left_of(grant) > 0)
    return Part(ours.per_second, everybody.units_per_second, at, left)


def _pool(packages: list[Package], item: str, month: Coverage) -> Pool:
    grants = [
        Grant(one.pk, one.units, one.starts, one.ends, one.expires, one.monthly) for one in packages if one.item == item
    ]
    return Pool(grants, {one.number: month.used.get(one.number, 0) + month.before.get(one.number, 0) for one in grants})


@dataclass(frozen=True)
class _Settled:
    """What was settled at `at` of the scope, of the account in this month, how much of the scope's cost was `paid`, and
    what this month took of each package."""

    at: Instant
    packages: tuple[tuple[int, Instant], ...]
    paid: Decimal
    scope: Mapping[str, ItemTally]
    account: Mapping[str, ItemTally]
    month: Coverage


_known: dict[tuple[object, ...], _Settled] = {}


def forget() -> None:
    """The next question walks again."""
    _known.clear()


def _kept(
    account: str, scope: Mapping[str, str], since: Instant, at: Instant, packages: tuple[tuple[int, Instant], ...]
) -> _Settled:
    key = (*scope.items(), since)
    known = _known.get(key)
    is_fresh = known is not None and 0 <= at - known.at < MINUTE and instants.month(known.at) == instants.month(at)
    if known is None or not is_fresh or known.packages != packages:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        known = _known[key] = _settled(account, scope, since, at, packages)
    return known


def _settled(
    account: str, scope: Mapping[str, str], since: Instant, at: Instant, packages: tuple[tuple[int, Instant], ...]
) -> _Settled:
    """Read again when something was settled in between."""
    month, everybody = instants.month(at), {"account": account}
    for _ in range(_TRIES):
        of_account = live.settled_by_item(everybody, since=month)
        of_scope = live.settled_by_item(scope, since=since)
        found, paid = coverage.of_month(account, month), Decimal(0)
        for start in _months(since, at):
            paid += _paid(scope, since, start, found if start == month else coverage.of_month(account, start))
        if of_account == live.settled_by_item(everybody, since=month):
            break
    return _Settled(at, packages, paid, of_scope, of_account, found)


def _paid(scope: Mapping[str, str], since: Instant, month: Instant, found: Coverage) -> Decimal:
    if not any(found.seconds.values()):
        return Decimal(0)
    days = DayTotal.objects.filter(**scope, day__gte=max(since, month), day__lt=instants.next_month(month))
    rows = days.values_list("id", "vcpu_rate", "memory_rate")
    return sum(
        (vcpu * found.of("vcpu", [one]) + gib * found.of("memory", [one]) for one, vcpu, gib in rows), Decimal(0)
    )


def _months(since: Instant, at: Instant) -> list[Instant]:
    found, month = [], instants.month(since)
    while month <= at:
        found.append(month)
        month = instants.next_month(month)
    return found
