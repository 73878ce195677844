"""Statements: what an account has used in a day or a month, line by line, and what it costs.

A line is one workload at one size and price, with the labels and the enterprise project its pods began with; pulls that
had not led to a start, and what corrects a closed month, have lines of their own. Inside, amounts have ten places. A
line is rounded half up, once, to four places; every sum is a sum of lines as they are shown, so whichever way they are
grouped, the total is the same.

A closed month is read from what was written when it closed. An open one is summed from the days' totals.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any, Literal

from django.db.models import Count, F, Max, Min, Q, Sum

from billing import daytotals, instants, months, prices
from billing.instants import DAY, HOUR, Instant
from billing.models import DayTotal, Statement, StatementLine, UsageSegment
from billing.packages import coverage
from billing.rating import Size

PLACES = Decimal("0.0001")
"""To which a line is rounded: a hundredth of a cent."""
COLUMNS = (
    "namespace",
    "workload_kind",
    "workload_name",
    "workload_uid",
    "region",
    "flavor",
    "cpu_millis",
    "memory_mib",
    "gpu_model",
    "gpu_count",
    "currency",
    "rate",
    "vcpu_rate",
    "memory_rate",
    "activity",
    "project",
    "corrects_month",
)
State = Literal["open", "closing", "closed"]
Within = Collection[str] | None
"""The namespaces somebody may see; None for all."""


class NoSuchPeriod(ValueError):
    """Not a month such as 2026-11, nor a day such as 2026-11-27."""


@dataclass(frozen=True)
class Period:
    """[start, end): a month or a day, UTC."""

    start: Instant
    end: Instant

    @classmethod
    def month_of(cls, instant: Instant) -> Period:
        return cls(instants.month(instant), instants.next_month(instant))

    @classmethod
    def day_of(cls, instant: Instant) -> Period:
        return cls(instants.day(instant), instants.day(instant) + DAY)

    @classmethod
    def parse(cls, text: str) -> Period:
        """Raises NoSuchPeriod."""
        try:
            form, of = ("%Y-%m", cls.month_of) if len(text) == 7 else ("%Y-%m-%d", cls.day_of)
            found = of(instants.of(datetime.strptime(text, form).replace(tzinfo=UTC)))
        except (ValueError, OverflowError):
            found = None
        if found is None or found.name != text or found.start < 0:
            raise NoSuchPeriod(f"{text[:20]} is no month such as 2026-11 and no day such as 2026-11-27")
        return found

    @property
    def is_month(self) -> bool:
        return self.end - self.start > DAY

    @property
    def name(self) -> str:
        """`2026-11` or `2026-11-27`."""
        return f"{self.begins:%Y-%m}" if self.is_month else f"{self.begins:%Y-%m-%d}"

    @property
    def begins(self) -> datetime:
        return instants.moment(self.start)

    @property
    def ends(self) -> datetime:
        return instants.moment(self.end)

    @property
    def month(self) -> Period:
        return Period.month_of(self.start)


@dataclass(frozen=True)
class BillLine:
    """`vcpu_covered` and `memory_covered` are the seconds whose cores and GiB resource packages paid for.

    `named` is the id, or what it follows from: that is as much work as all the rest, and few lines of a long statement
    are asked for it."""

    named: uuid.UUID | tuple[str, Period, str] = field(compare=False, repr=False)
    namespace: str
    workload_kind: str
    workload_name: str
    workload_uid: str
    region: str
    flavor: str
    cpu_millis: int
    memory_mib: int
    gpu_model: str
    gpu_count: int
    currency: str
    rate: Decimal
    vcpu_rate: Decimal
    memory_rate: Decimal
    activity: str
    project: str
    corrects_month: Instant
    labels: Mapping[str, str]
    seconds: int
    segments: int
    vcpu_covered: int = 0
    memory_covered: int = 0

    @cached_property
    def id(self) -> uuid.UUID:
        if isinstance(self.named, uuid.UUID):
            return self.named
        account, period, label_set = self.named
        return _number(account, period, {column: getattr(self, column) for column in COLUMNS}, label_set)

    @property
    def size(self) -> Size:
        return Size(self.flavor, self.cpu_millis, self.memory_mib, self.gpu_model, self.gpu_count)

    @property
    def listed(self) -> Decimal:
        """At the list's price; exact."""
        return self.rate * self.seconds

    @property
    def covered(self) -> Decimal:
        """What packages paid of it; exact."""
        return self.vcpu_rate * self.vcpu_covered + self.memory_rate * self.memory_covered

    @property
    def billed(self) -> Decimal:
        """What is left, rounded half up: here, and nowhere else."""
        return (self.listed - self.covered).quantize(PLACES, rounding=ROUND_HALF_UP)

    @property
    def corrects(self) -> Period | None:
        """The closed month it corrects."""
        return Period.month_of(self.corrects_month) if self.corrects_month else None


@dataclass(frozen=True)
class Bill:
    """`closing` is a month that takes no more usage and whose lines are about to be written. `hidden` are the lines of
    namespaces that the reader may not see; no sum counts them."""

    account: str
    period: Period
    state: State
    currency: str
    lines: tuple[BillLine, ...]
    hidden: int = 0
    closed: datetime | None = None

    @cached_property
    def listed(self) -> Decimal:
        return sum((line.listed for line in self.lines), Decimal(0))

    @cached_property
    def covered(self) -> Decimal:
        return sum((line.covered for line in self.lines), Decimal(0))

    @cached_property
    def billed(self) -> Decimal:
        """The sum of the lines as they are shown."""
        return sum((line.billed for line in self.lines), Decimal(0))

    @cached_property
    def seconds(self) -> int:
        return sum(line.seconds for line in self.lines)

    def line(self, number: uuid.UUID) -> BillLine | None:
        return next((line for line in self.lines if line.id == number), None)


@dataclass(frozen=True)
class MonthSum:
    """One month of an account: a row of the list of bills."""

    period: Period
    state: State
    currency: str
    billed: Decimal
    seconds: int
    lines: int


@dataclass(frozen=True)
class PodPart:
    """What one pod adds to a line."""

    uid: str
    name: str
    start: datetime
    end: datetime
    seconds: int
    cost: Decimal
    segments: int
    corrections: int
    estimated: bool


def read(account: str, period: Period, *, within: Within = None) -> Bill:
    """A day of a closed month is summed from its totals, which do not change any more either."""
    kept = _kept(account, period)
    bill = computed(account, period) if kept is None else kept
    if within is None:
        return bill
    lines = tuple(line for line in bill.lines if line.namespace in within)
    hidden = len(bill.lines) - len(lines)
    return Bill(bill.account, bill.period, bill.state, bill.currency, lines, hidden, bill.closed)


def computed(account: str, period: Period) -> Bill:
    """From the days' totals, whether it was written down or not."""
    groups = list(
        DayTotal.objects.filter(account=account, day__gte=period.start, day__lt=period.end)
        .values(*COLUMNS, "label_set")
        .annotate(total=Sum("seconds"), parts=Sum("segments"))
        .order_by("namespace", "workload_kind", "workload_name", "workload_uid", *COLUMNS[5:], "label_set")
    )
    known = daytotals.labels_of(group["label_set"] for group in groups)
    lines = [_line(account, period, group, known.get(group["label_set"], {})) for group in groups]
    return Bill(account, period, _state(period), _currency(lines), tuple(_with_packages(account, period, lines)))


def _with_packages(account: str, period: Period, lines: list[BillLine]) -> list[BillLine]:
    """Each line with the seconds that resource packages paid for."""
    found = coverage.of_month(account, period.month.start)
    if not any(found.seconds.values()):
        return lines
    totals: dict[uuid.UUID, list[uuid.UUID]] = {}
    for row in DayTotal.objects.filter(account=account, day__gte=period.start, day__lt=period.end):
        bought = {column: getattr(row, column) for column in COLUMNS}
        totals.setdefault(_number(account, period, bought, row.label_set), []).append(row.id)
    return [
        replace(
            line,
            vcpu_covered=found.of("vcpu", totals[line.id]),
            memory_covered=found.of("memory", totals[line.id]),
        )
        for line in lines
    ]


def month_sums(account: str, *, within: Within = None, present: Bill | None = None) -> list[MonthSum]:
    """The account's months, the newest first; the present one is there from its first day on. What `present` says of
    its month is not read again."""
    kept = {statement.month: statement for statement in Statement.objects.filter(account=account)}
    days = DayTotal.objects.filter(account=account).values_list("day", flat=True).distinct().order_by()
    starts = {instants.month(day) for day in days} | {instants.month(instants.now())} | set(kept)
    told = {present.period.start: present} if present else {}
    return [
        _sum(told[start]) if start in told else _month_sum(account, start, kept.get(start), within)
        for start in sorted(starts, reverse=True)
    ]


def namespaces(account: str) -> list[str]:
    """All that were ever billed."""
    return sorted(DayTotal.objects.filter(account=account).values_list("namespace", flat=True).distinct().order_by())


def pods(account: str, line: BillLine, period: Period) -> list[PodPart]:
    """The pods behind a line, the dearest first."""
    groups = (
        UsageSegment.objects.filter(account=account, day_total__in=_days_of(account, line, period))
        .values("pod_uid", "pod")
        .annotate(
            total=Sum("seconds"),
            first=Min("start"),
            last=Max("end"),
            parts=Count("id"),
            taken_back=Count("corrects"),
            guessed=Count("id", filter=Q(estimated=True)),
        )
        .order_by("-total", "pod", "pod_uid")
    )
    return [
        PodPart(
            uid=group["pod_uid"],
            name=group["pod"],
            start=instants.moment(group["first"]),
            end=instants.moment(group["last"]),
            seconds=group["total"],
            cost=line.rate * group["total"],
            segments=group["parts"],
            corrections=group["taken_back"],
            estimated=group["guessed"] > 0,
        )
        for group in groups
    ]


@dataclass(frozen=True)
class DayLine:
    """One line's part of one day."""

    day: Period
    line: BillLine


def usage(
    account: str,
    *,
    since: Instant,
    until: Instant,
    within: Within = None,
    namespace: str = "",
    workload: str = "",
    project: str = "",
    label: tuple[str, str] | None = None,
    after: tuple[Instant, uuid.UUID] | None = None,
    limit: int = 100,
) -> list[DayLine]:
    """What was billed from the day of `since` to before the day of `until`, by day and line, the oldest day first:
    `limit` of them behind the day and id `after`."""
    found = DayTotal.objects.filter(account=account, day__gte=instants.day(since), day__lt=until)
    for column, value in (("namespace", namespace), ("workload_name", workload), ("project", project)):
        found = found.filter(**{column: value}) if value else found
    if within is not None:
        found = found.filter(namespace__in=within)
    if label is not None:
        found = found.filter(label_set__in=_sets_with(account, *label))
    if after is not None:
        found = found.filter(Q(day__gt=after[0]) | Q(day=after[0], id__gt=after[1]))
    rows = list(found.order_by("day", "id")[:limit])
    known = daytotals.labels_of(row.label_set for row in rows)
    return [_of_day(row, known.get(row.label_set, {})) for row in rows]


def _sets_with(account: str, name: str, value: str) -> list[str]:
    digests = DayTotal.objects.filter(account=account).values_list("label_set", flat=True).distinct().order_by()
    known = daytotals.labels_of(digests)
    return [digest for digest, labels in known.items() if labels.get(name) == value]


def _of_day(row: DayTotal, labels: Mapping[str, str]) -> DayLine:
    bought = {column: getattr(row, column) for column in COLUMNS}
    line = BillLine(named=row.id, **bought, labels=labels, seconds=row.seconds, segments=row.segments)
    return DayLine(Period.day_of(row.day), line)


Unit = Literal["hour", "day", "month"]


def series(
    account: str, unit: Unit, *, since: Instant, until: Instant, within: Within = None
) -> dict[Instant, Decimal]:
    """What each hour, day or month in [since, until) cost at the list's price, as far as it is in the ledger; those
    that cost nothing are left out. Hours are of when it was used, days and months of when it was billed."""
    sums: dict[Instant, Decimal] = {}
    read = _by_hour if unit == "hour" else _by_day
    for start, rate, seconds in read(account, since, until, within):
        key = instants.month(start) if unit == "month" else start
        sums[key] = sums.get(key, Decimal(0)) + rate * seconds
    return sums


def _by_hour(account: str, since: Instant, until: Instant, within: Within) -> Iterable[tuple[Instant, Decimal, int]]:
    found = UsageSegment.objects.filter(account=account, start__gte=since, start__lt=until)
    found = found if within is None else found.filter(namespace__in=within)
    hours = found.values("rate", hour=F("start") / HOUR).annotate(total=Sum("seconds")).order_by()
    return ((group["hour"] * HOUR, group["rate"], group["total"]) for group in hours)


def _by_day(account: str, since: Instant, until: Instant, within: Within) -> Iterable[tuple[Instant, Decimal, int]]:
    found = DayTotal.objects.filter(account=account, day__gte=since, day__lt=until)
    found = found if within is None else found.filter(namespace__in=within)
    days = found.values("day", "rate").annotate(total=Sum("seconds")).order_by()
    return ((group["day"], group["rate"], group["total"]) for group in days)


def _kept(account: str, period: Period) -> Bill | None:
    if not period.is_month:
        return None
    statement = Statement.objects.filter(account=account, month=period.start).first()
    if statement is None:
        return None
    rows = list(statement.kept_lines.order_by("pk"))
    known = daytotals.labels_of(row.label_set for row in rows)
    lines = tuple(
        BillLine(
            named=row.line,
            **{column: getattr(row, column) for column in COLUMNS},
            labels=known.get(row.label_set, {}),
            seconds=row.seconds,
            segments=row.segments,
            vcpu_covered=row.vcpu_covered,
            memory_covered=row.memory_covered,
        )
        for row in rows
    )
    return Bill(account, period, "closed", statement.currency, lines, closed=statement.closed)


def _line(account: str, period: Period, group: Mapping[str, Any], labels: Mapping[str, str]) -> BillLine:
    bought = {column: group[column] for column in COLUMNS}
    named = account, period, group["label_set"]
    return BillLine(named=named, **bought, labels=labels, seconds=group["total"], segments=group["parts"])


def _number(account: str, period: Period, bought: Mapping[str, Any], label_set: str) -> uuid.UUID:
    return daytotals.identity(
        {"account": account, "start": period.start, "end": period.end, "labels": label_set, **bought}
    )


def _days_of(account: str, line: BillLine, period: Period) -> list[uuid.UUID]:
    columns = {column: getattr(line, column) for column in COLUMNS}
    days = DayTotal.objects.filter(account=account, day__gte=period.start, day__lt=period.end, **columns)
    return list(days.filter(label_set=daytotals.digest(line.labels)).values_list("id", flat=True))


def _month_sum(account: str, start: Instant, kept: Statement | None, within: Within) -> MonthSum:
    period = Period.month_of(start)
    if kept is not None and within is None:
        return MonthSum(period, "closed", kept.currency, kept.billed, kept.seconds, kept.lines)
    if kept is not None:
        lines = StatementLine.objects.filter(statement=kept, namespace__in=within or ())
        sums = lines.aggregate(billed=Sum("billed"), seconds=Sum("seconds"), lines=Count("id"))
        billed, seconds = sums["billed"] or Decimal(0), sums["seconds"] or 0
        return MonthSum(period, "closed", kept.currency, billed, seconds, sums["lines"])
    return _sum(read(account, period, within=within))


def _sum(bill: Bill) -> MonthSum:
    return MonthSum(bill.period, bill.state, bill.currency, bill.billed, bill.seconds, len(bill.lines))


def _state(period: Period) -> State:
    if period.end > months.closed_until():
        return "open"
    return "closing" if period.is_month else "closed"


def _currency(lines: Collection[BillLine]) -> str:
    return next((line.currency for line in lines), "") or prices.current().currency
