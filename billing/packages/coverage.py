"""What an account's packages pay for in a month: `covering.walk` over its ledger.

Months before the last statement are not walked again: what they used was written down with it. A month that is closed
can be walked at any time and gives the same: its days' totals do not change, nor do the packages that were in force.

What takes a span of a closed month back gives back what was billed for it, and no more: the covered part of it was not.
Hours that a package has given are not given back to it. What costs nothing (a pull that is free) takes nothing of one.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from django.db.models import F, Max, Sum

from billing import instants
from billing.instants import DAY, HOUR, Instant
from billing.models import DayTotal, Statement, UsageSegment
from billing.packages.covering import Grant, Pool, Span, Use, walk
from billing.packages.models import Package, PackageUse

ITEMS = (Package.Item.VCPU, Package.Item.MEMORY)
_COLUMN = {Package.Item.VCPU: "cpu_millis", Package.Item.MEMORY: "memory_mib"}
Covered = dict[uuid.UUID, int]
_AT_ONCE = 500


@dataclass(frozen=True)
class Coverage:
    """Of one month. `seconds` are those that packages paid for, by item and day total; of what takes back, negative.
    `used` is what the month took of each package; `before` what earlier months took of those that do not begin anew."""

    seconds: Mapping[str, Covered] = field(default_factory=dict)
    used: Mapping[int, int] = field(default_factory=dict)
    before: Mapping[int, int] = field(default_factory=dict)

    def of(self, item: str, totals: Iterable[uuid.UUID]) -> int:
        found = self.seconds.get(item, {})
        return sum(found.get(one, 0) for one in totals)


def of_month(account: str, month: Instant) -> Coverage:
    packages = list(Package.objects.filter(account=account, starts__lt=instants.next_month(month)).order_by("pk"))
    if not packages:
        return Coverage()
    walks = {item: _walked(account, month, item, packages, frozenset()) for item in ITEMS}
    return Coverage(
        seconds={item: _by_total(account, month, item, walks[item].covered, packages) for item in ITEMS},
        used={number: units for found in walks.values() for number, units in found.used.items()},
        before={number: units for found in walks.values() for number, units in found.before.items()},
    )


@dataclass(frozen=True)
class _Walk:
    """`covered` by day total, or by segment where somebody had to look so closely."""

    covered: Covered
    used: dict[int, int]
    before: dict[int, int]


def _walked(
    account: str, month: Instant, item: str, packages: Iterable[Package], closely: Collection[uuid.UUID]
) -> _Walk:
    """`closely` are segments that must be told one by one."""
    grants = [
        Grant(one.pk, one.units, one.starts, one.ends, one.expires, one.monthly) for one in packages if one.item == item
    ]
    written = Statement.objects.filter(account=account, month__lt=month).aggregate(last=Max("month"))["last"]
    pool = Pool(grants, _used_until(grants, written))
    start = min((grant.starts for grant in grants), default=month)
    walked = instants.month(start) if written is None else instants.next_month(max(written, instants.month(start) - 1))
    while walked < month:
        pool.begin_month()
        walk(pool, _days(account, walked, item, frozenset()), {})
        walked = instants.next_month(walked)
    pool.begin_month()
    before = dict(pool.used)
    covered: Covered = {}
    walk(pool, _days(account, month, item, closely), covered)
    used = {grant.number: pool.used.get(grant.number, 0) - before.get(grant.number, 0) for grant in grants}
    return _Walk(covered, used, before)


def _used_until(grants: Sequence[Grant], month: Instant | None) -> dict[int, int]:
    if month is None:
        return {}
    kept = PackageUse.objects.filter(package__in=[grant.number for grant in grants], month__lte=month)
    return {one["package"]: one["total"] for one in kept.values("package").annotate(total=Sum("units")).order_by()}


def _days(account: str, month: Instant, item: str, closely: Collection[uuid.UUID]) -> Iterator[Span[uuid.UUID]]:
    rows = DayTotal.objects.filter(account=account, day__gte=month, day__lt=instants.next_month(month))
    by_day: dict[Instant, list[DayTotal]] = defaultdict(list)
    for row in rows.order_by("day", "id"):
        by_day[row.day].append(row)
    for day, totals in by_day.items():
        own = {
            row.id: getattr(row, _COLUMN[Package.Item(item)]) for row in totals if row.rate and not row.corrects_month
        }
        late = _late(totals, item)
        uses = [Use(row.id, own[row.id], row.seconds) for row in totals if row.id in own]
        hours = partial(_hours, day, own, late, item, closely)
        yield from hours() if closely else (Span(day, day + DAY, [*uses, *late], hours),)


def _late(totals: Iterable[DayTotal], item: str) -> list[Use[uuid.UUID]]:
    """What was used in a month that was closed when it became known, less what was taken back of it on the same day, in
    the ledger's order: the day's last."""
    ids = [row.id for row in totals if row.rate and row.corrects_month]
    if not ids:
        return []
    found = list(UsageSegment.objects.filter(day_total__in=ids).order_by("start", "pod_uid", "seq"))
    taken: dict[tuple[uuid.UUID, uuid.UUID | None], int] = defaultdict(int)
    for one in found:
        if one.corrects is not None:
            taken[one.corrects, one.day_total] += one.seconds
    return [
        Use(one.id, getattr(one, _COLUMN[Package.Item(item)]), one.seconds + taken[one.id, one.day_total])
        for one in found
        if one.corrects is None
    ]


def _hours(
    day: Instant,
    own: Mapping[uuid.UUID, int],
    late: Sequence[Use[uuid.UUID]],
    item: str,
    closely: Collection[uuid.UUID],
) -> Iterator[Span[uuid.UUID]]:
    """The day's hours, then what is late."""
    groups = UsageSegment.objects.filter(day_total__in=list(own)).values("day_total", hour=F("start") / HOUR)
    by_hour: dict[Instant, list[Use[uuid.UUID]]] = defaultdict(list)
    for group in groups.annotate(total=Sum("seconds")).order_by("hour", "day_total"):
        total = cast(uuid.UUID, group["day_total"])
        by_hour[group["hour"] * HOUR].append(Use(total, own[total], group["total"]))
    asked = _hours_of(closely)
    for hour, uses in sorted(by_hour.items()):
        segments = partial(_segments, hour, list(own), item)
        yield from segments() if hour in asked else (Span(hour, hour + HOUR, uses, segments),)
    yield from (Span(day + DAY - HOUR, day + DAY, [use]) for use in late)


def _hours_of(closely: Collection[uuid.UUID]) -> set[Instant]:
    starts = UsageSegment.objects.filter(id__in=list(closely)).values_list("start", flat=True) if closely else ()
    return {instants.hour(start) for start in starts}


def _segments(hour: Instant, totals: list[uuid.UUID], item: str) -> Iterator[Span[uuid.UUID]]:
    """Each segment of the hour less what was taken back of it in its own month."""
    found = list(
        UsageSegment.objects.filter(day_total__in=totals, start__gte=hour, start__lt=hour + HOUR).order_by(
            "start", "pod_uid", "seq"
        )
    )
    taken: dict[uuid.UUID, int] = defaultdict(int)
    for one in found:
        if one.corrects is not None:
            taken[one.corrects] += one.seconds
    for one in found:
        if one.corrects is None:
            size = getattr(one, _COLUMN[Package.Item(item)])
            yield Span(hour, hour + HOUR, [Use(one.id, size, one.seconds + taken[one.id])])


def _by_total(account: str, month: Instant, item: str, covered: Covered, packages: Sequence[Package]) -> Covered:
    """By day total alone, with what corrections of closed months give back."""
    rows = DayTotal.objects.filter(account=account, day__gte=month, day__lt=instants.next_month(month))
    totals = dict(rows.values_list("id", "corrects_month"))
    sums: Covered = defaultdict(int)
    singly = [one for one in covered if one not in totals]
    place = _totals_of(singly)
    for one, seconds in covered.items():
        sums[place.get(one, one)] += seconds
    for total, seconds in _given_back(account, item, [one for one, late in totals.items() if late], packages):
        sums[total] -= seconds
    return dict(sums)


def _totals_of(segments: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    found: dict[uuid.UUID, uuid.UUID] = {}
    listed = list(segments)
    for start in range(0, len(listed), _AT_ONCE):
        rows = UsageSegment.objects.filter(id__in=listed[start : start + _AT_ONCE]).values_list("id", "day_total")
        found |= {one: total for one, total in rows if total is not None}
    return found


def _given_back(
    account: str, item: str, late: list[uuid.UUID], packages: Sequence[Package]
) -> Iterator[tuple[uuid.UUID, int]]:
    """Of each correction in the day totals `late`: how many of the seconds it takes back packages had paid for."""
    here = set(late)
    corrected = UsageSegment.objects.filter(day_total__in=late).exclude(corrects=None)
    ids = sorted({one for one in corrected.values_list("corrects", flat=True) if one is not None})
    segments = list(UsageSegment.objects.filter(id__in=ids))
    homes = dict(DayTotal.objects.filter(id__in=[one.day_total for one in segments]).values_list("id", "day"))
    by_month: dict[Instant, list[UsageSegment]] = defaultdict(list)
    for one in segments:
        by_month[instants.month(homes[cast(uuid.UUID, one.day_total)])].append(one)
    corrections = _corrections_of(segments)
    for home, some in by_month.items():
        known = _walked(account, home, item, packages, frozenset(one.id for one in some)).covered
        for one in some:
            yield from _returned(one, corrections[one.id], known.get(one.id, 0), here)


def _corrections_of(segments: Sequence[UsageSegment]) -> dict[uuid.UUID, list[UsageSegment]]:
    """All that take something of these back, in their order. They are the same pod's, which has an index."""
    found: dict[uuid.UUID, list[UsageSegment]] = defaultdict(list)
    for start in range(0, len(segments), _AT_ONCE):
        some = segments[start : start + _AT_ONCE]
        rows = UsageSegment.objects.filter(pod_uid__in={one.pod_uid for one in some})
        for row in rows.filter(corrects__in=[one.id for one in some]).order_by("seq"):
            found[cast(uuid.UUID, row.corrects)].append(row)
    return found


def _returned(
    segment: UsageSegment, corrections: Iterable[UsageSegment], paid: int, here: set[uuid.UUID]
) -> Iterator[tuple[uuid.UUID, int]]:
    """Corrections in their order: each takes the segment's end, and of that what was paid for."""
    left = segment.seconds
    for one in corrections:
        left += one.seconds
        if one.day_total == segment.day_total:
            continue  # in its own month: `paid` is of what that left
        if one.day_total in here:
            yield one.day_total, paid - min(paid, left)
        paid = min(paid, left)
