"""The only door to money. The console and the API ask here; nobody reads billing's tables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import orjson

from billing import focus, instants, live, marks, offers, prices, proofs, rating, rightsizing, statements
from billing.balances import door as balances_door
from billing.budgets import door
from billing.gridsight import GridEffect as GridEffect
from billing.gridsight import grid_effect as grid_effect
from billing.instants import DAY, HOUR, Instant
from billing.live import Tally
from billing.models import MeteredPod, UsageSegment
from billing.money import format_money as format_money
from billing.money import format_rate as format_rate
from billing.money import plain as plain
from billing.packages import door as packages_door
from billing.prices import Draft as Draft
from billing.prices import PriceRefused as PriceRefused
from billing.prices import regions as regions
from billing.proofs import Proof as Proof
from billing.proofs import ProofTooLong as ProofTooLong
from billing.quotes import LONGEST as LONGEST
from billing.quotes import MOST_PODS as MOST_PODS
from billing.quotes import UNITS as UNITS
from billing.quotes import NotOffered as NotOffered
from billing.quotes import Part as Part
from billing.quotes import Quote as Quote
from billing.quotes import quote as quote
from billing.rating import PLACES as PLACES
from billing.rating import Line, PriceList, Size
from billing.rating import NoPrice as NoPrice
from billing.rating import Rate as Rate
from billing.rightsizing import Advice
from billing.statements import Bill as Bill
from billing.statements import BillLine as BillLine
from billing.statements import DayLine as DayLine
from billing.statements import MonthSum as MonthSum
from billing.statements import NoSuchPeriod as NoSuchPeriod
from billing.statements import Period as Period
from billing.statements import PodPart as PodPart
from billing.statements import Unit as Unit
from billing.statements import Within
from billing.tariffs import Effect as Effect
from billing.tariffs import Force as Force
from billing.tariffs import ImportRefused as ImportRefused
from billing.tariffs import PriceEntry as PriceEntry
from billing.tariffs import PriceImport as PriceImport
from billing.tariffs import add_price as add_price
from billing.tariffs import admit_to_prices as admit_to_prices
from billing.tariffs import export_prices as export_prices
from billing.tariffs import import_prices as import_prices
from billing.tariffs import preview_import as preview_import
from billing.tariffs import preview_price as preview_price
from billing.tariffs import price_entry as price_entry
from billing.tariffs import price_history as price_history
from billing.tariffs import priced_items as priced_items
from billing.tariffs import prices_in_force as prices_in_force
from billing.tariffs import withdraw_price as withdraw_price
from iam import accounts
from iam.identities import Identity
from workloads.client import UsedHour, pod_specifications
from workloads.kinds import podspecs
from workloads.kinds.podspecs import Explanation, Specification
from workloads.meta.errors import Refused
from workloads.meta.quantity import MIB

budgets = door
packages = packages_door
"""What may be spent, and what happens then: a room of its own behind this door."""
balances = balances_door
"""Prepaid accounts: a room of its own, too."""


@dataclass(frozen=True)
class Meter:
    """A running total: cost(t) = accrued + rate.per_second x whole seconds from `as_of` to t, while `running`.

    The page ticks from these three; the ledger gives the same number at the same instant. For one pod that holds at
    every instant (`as_of` is when its newest second began); for a sum of pods at every whole second from `as_of`,
    for each pod's seconds begin at their own microsecond.
    """

    rate: Rate
    accrued: Decimal
    as_of: datetime
    running: bool
    seconds: int
    """Billed seconds behind `accrued`."""


@dataclass(frozen=True)
class Segment:
    """One line of the ledger, or with `open` the part of a running pod that is not written yet. A line with `corrects`
    takes a span of that line back: its seconds and cost are negative."""

    id: str
    start: datetime
    end: datetime
    seconds: int
    rate: Rate
    activity: Literal["pull", "run"]
    estimated: bool
    corrects: str
    revision: int
    open: bool

    @property
    def cost(self) -> Decimal:
        return self.rate.per_second * self.seconds


@dataclass(frozen=True)
class Life:
    """What a pod's bill rests on. `marks` are the runtime's own times by name, `containers` their ids by name: with
    them anybody can recompute the bill from `docker inspect`. `finished` is None while it runs; `estimated` when nobody
    saw it end."""

    started: datetime
    finished: datetime | None
    estimated: bool
    specification: Size
    workload_kind: str
    workload_name: str
    marks: Mapping[str, str]
    containers: Mapping[str, str]


@dataclass(frozen=True)
class Sizing:
    """Of one pod of a workload. `waste` is what it costs beyond what its containers needed: their 95th percentile of
    CPU and their peak of memory, at the prices of now; nothing while nothing was measured."""

    explanation: Explanation
    specification: Specification
    rate: Rate
    waste: Rate
    used_cpu_millis: int
    used_memory_bytes: int
    advice: Advice

    @property
    def saved(self) -> Rate:
        """By the advice."""
        new = self.rate.per_second if self.advice.rate is None else self.advice.rate.per_second
        return Rate(self.rate.currency, self.rate.per_second - new)

    def patch(self, kind: str) -> dict[str, Any]:
        """A strategic merge patch that follows the advice; {} where there is none."""
        return rightsizing.patch(kind, self.advice)


def rate(
    cpu_millis: int,
    memory_mib: int,
    *,
    pods: int = 1,
    at: datetime | None = None,
    flavor: str = "general-computing",
    gpu_model: str = "",
    gpu_count: int = 0,
) -> Rate:
    """Price of a pod specification in this region, from the price list in force at `at` (now). Raises NoPrice."""
    size = Size(flavor, cpu_millis, memory_mib, gpu_model, gpu_count)
    return prices.current().rate(size, instants.of(at or datetime.now(UTC))).times(pods)


def one_price_list() -> AbstractContextManager[None]:
    """As long as it is open, each price list is read once, for what is said together."""
    return prices.read_once()


def rate_of(specification: Specification) -> Rate:
    """What a pod of this size costs now. Raises NoPrice."""
    return prices.current().rate(marks.sized(specification), instants.now())


def price(flavor: str, specification: Specification) -> str:
    """The same as admission's refusals say it, `0.000089 CNY/s`; "" when the region has no such price."""
    try:
        asked = prices.current().rate(replace(marks.sized(specification), flavor=flavor), instants.now())
    except NoPrice:
        return ""
    return format_rate(asked.per_second, asked.currency)


def specifications(flavor: str = "general-computing", region: str | None = None) -> list[tuple[Specification, Rate]]:
    """The sizes a picker offers, smallest first, each with its price; sizes without a price are left out. For CPU and
    memory every doubling of cores with the fewest, the middle and the most GiB they may have; all sizes with cards."""
    price_list, now = prices.current(region), instants.now()
    found = []
    for specification in offers.common_sizes(flavor, pod_specifications()):
        with contextlib.suppress(NoPrice):
            found.append((specification, price_list.rate(marks.sized(specification), now)))
    return found


def current_currency(region: str | None = None) -> str:
    return prices.current(region).currency


def price_notice(new: dict[str, Any], old: dict[str, Any] | None, identity: Identity) -> tuple[str, ...]:
    """What `kubectl create`, `apply` and `scale` answer beside the object: how the price changes by it. Nothing to our
    own controllers, to accounts that have it switched off, and when the price stays as it was. Raises Refused for cards
    without a price: they are too dear to be given away."""
    if identity.is_controller:
        return ()
    grid = pod_specifications()
    wish, before = offers.wish(new, grid), old and offers.wish(old, grid)
    if wish is None or before == wish:
        return ()
    price_list, now = prices.current(), instants.now()
    nothing = Rate(price_list.currency, Decimal(0))
    try:
        after = price_list.rate(marks.sized(wish.specification), now).times(wish.pods)
    except NoPrice as gap:
        if gap.item == wish.specification.gpu:
            said = f"{gap} The operator does it with: manage.py set_price {gap.item} <amount per card and second>"
            raise Refused(said) from None
        return (str(gap),) if accounts.hears_prices(identity.account) else ()
    try:
        was = price_list.rate(marks.sized(before.specification), now).times(before.pods) if before else nothing
    except NoPrice:
        was = nothing
    sentence = offers.sentence(was, after, kind=str(new.get("kind", "")))
    return (sentence,) if sentence and accounts.hears_prices(identity.account) else ()


def sizing(kind: str, template: dict[str, Any], hours: Sequence[UsedHour], *, flavor: str) -> Sizing | None:
    """Why pods of this template cost what they cost, and what of that is waste, by what they used in `hours`. None
    without a size or a price."""
    grid, price_list, now = pod_specifications(), prices.current(), instants.now()
    try:
        found = podspecs.fit(template, flavor=flavor, grid=grid, rounding=True)
        rate = price_list.rate(marks.sized(found.specification), now)
    except (podspecs.OffGrid, NoPrice):
        return None
    advice = rightsizing.advise(
        kind,
        template,
        hours,
        current=found.specification,
        grid=grid,
        price=lambda size: rating.rate_or_nothing(price_list, marks.sized(size), now),
    )
    cpu_millis, memory_bytes = rightsizing.used(advice.needs)
    need = replace(marks.sized(found.specification), cpu_millis=cpu_millis, memory_mib=-(-memory_bytes // MIB))
    used = rating.rate_or_nothing(price_list, need, now)
    waste = max(Decimal(0), rate.per_second - used.per_second) if advice.needs else Decimal(0)
    return Sizing(
        found.explanation(), found.specification, rate, Rate(rate.currency, waste), cpu_millis, memory_bytes, advice
    )


def pod_meter(account: str, pod_uid: str, *, at: datetime | None = None) -> Meter | None:
    """The whole life of one pod. None when the pod was never billed."""
    pod = MeteredPod.objects.filter(account=account, uid=pod_uid).first()
    return _pod_meter(pod, prices.current(pod.region), _instant(at)) if pod else None


def pod_meters(account: str, pod_uids: Iterable[str], *, at: datetime | None = None) -> dict[str, Meter]:
    """`pod_meter` of several pods by their uid, in one question. Pods that were never billed are not in it."""
    lists, now = prices.PriceLists(), _instant(at)
    found = MeteredPod.objects.filter(account=account, uid__in=list(pod_uids))
    return {pod.uid: _pod_meter(pod, lists[pod.region], now) for pod in found}


def together(meters: Iterable[Meter], *, at: datetime | None = None) -> Meter:
    """The sum of what these say."""
    several, now = list(meters), _instant(at)
    return Meter(
        rate=Rate(prices.current().currency, sum((one.rate.per_second for one in several if one.running), Decimal(0))),
        accrued=sum((one.accrued for one in several), Decimal(0)),
        as_of=max((one.as_of for one in several), default=instants.moment(now)),
        running=any(one.running for one in several),
        seconds=sum(one.seconds for one in several),
    )


def meters(account: str, *, namespace: str | None = None, at: datetime | None = None) -> dict[str, Meter]:
    """By pod uid, for pods that run now: the whole life of each."""
    lists, now = prices.PriceLists(), _instant(at)
    running = MeteredPod.objects.filter(**_scope(account, namespace), finished__isnull=True)
    return {pod.uid: _pod_meter(pod, lists[pod.region], now) for pod in running}


def total(
    account: str, *, namespace: str | None = None, workload_uid: str | None = None, at: datetime | None = None
) -> Meter:
    """The sum over pods, running and ended, since the start of the month (UTC)."""
    now = _instant(at)
    return _sum(_scope(account, namespace, workload_uid), since=instants.month(now), at=now)


def today(account: str, *, namespace: str | None = None, at: datetime | None = None) -> Meter:
    """The same since midnight UTC."""
    now = _instant(at)
    return _sum(_scope(account, namespace), since=instants.day(now), at=now)


def by_workload(account: str, *, namespace: str | None = None, at: datetime | None = None) -> dict[str, Meter]:
    """`total` of each workload by its uid (a bare pod is its own workload): one question for a whole list."""
    return _sums(_scope(account, namespace), by="workload_uid", at=_instant(at))


def by_namespace(account: str, *, at: datetime | None = None) -> dict[str, Meter]:
    """`total` of each namespace by its name."""
    return _sums(_scope(account), by="namespace", at=_instant(at))


def burn(account: str, *, namespace: str | None = None, workload_uid: str | None = None) -> Rate:
    """What all that runs now costs; `per_hour` is the header's figure."""
    per_second = live.burn(_scope(account, namespace, workload_uid), at=instants.now())
    return Rate(prices.current().currency, per_second)


def cost_between(account: str, pod_uid: str, start: datetime, end: datetime) -> Decimal:
    """What the span [start, end) of a pod's life cost: parts that meet add up to the whole. 0 outside its life."""
    pod = MeteredPod.objects.filter(account=account, uid=pod_uid).first()
    if pod is None:
        return Decimal(0)
    last = instants.now() if pod.finished is None else pod.finished
    until = min(instants.of(end), last)
    return rating.cost(_lines(pod, prices.current(pod.region), since=instants.of(start), until=until))


def segments(account: str, pod_uid: str, *, at: datetime | None = None) -> list[Segment]:
    """All lines behind a pod's bill, in the order they were written; what is not settled yet stands last, `open`."""
    pod = MeteredPod.objects.filter(account=account, uid=pod_uid).first()
    if pod is None:
        return []
    written = UsageSegment.objects.filter(account=account, pod_uid=pod_uid, seq__lt=pod.next_seq).order_by("seq")
    return [*map(_written, written), *_unwritten(pod, _instant(at))]


def life(account: str, pod_uid: str) -> Life | None:
    """None when the pod was never billed."""
    pod = MeteredPod.objects.filter(account=account, uid=pod_uid).first()
    if pod is None:
        return None
    evidence = orjson.loads(pod.evidence)
    return Life(
        started=instants.moment(pod.started),
        finished=None if pod.finished is None else instants.moment(pod.finished),
        estimated=pod.estimated,
        specification=pod.size,
        workload_kind=pod.workload_kind,
        workload_name=pod.workload_name,
        marks=evidence.get("lifecycle", {}),
        containers=evidence.get("containers", {}),
    )


@dataclass(frozen=True)
class Forecast:
    """What the month will have cost. `at_this_rate`: so far, and what runs now until its end. `at_this_pace`: so far,
    and each day to come as the last seven were (or as many as there are)."""

    at_this_rate: Decimal
    at_this_pace: Decimal


@dataclass(frozen=True)
class Point:
    """One bar of a chart. `open` is the part that is not in the ledger yet."""

    start: datetime
    settled: Decimal
    open: Decimal = Decimal(0)

    @property
    def cost(self) -> Decimal:
        return self.settled + self.open


def bill(account: str, period: Period, *, within: Within = None) -> Bill:
    """A month's or a day's statement. `within` are the namespaces whose lines may be seen; None for all."""
    return statements.read(account, period, within=within)


def bills(account: str, *, within: Within = None) -> list[MonthSum]:
    return statements.month_sums(account, within=within)


def bill_pods(account: str, line: BillLine, period: Period) -> list[PodPart]:
    return statements.pods(account, line, period)


def usage(account: str, *, since: datetime, until: datetime, **chosen: Any) -> list[DayLine]:
    """Day by day, line by line: `statements.usage`."""
    return statements.usage(account, since=instants.of(since), until=instants.of(until), **chosen)


def pod_name(account: str, pod_uid: str) -> tuple[str, str] | None:
    """Namespace and name of a pod that was ever billed, whether it is there or not."""
    return MeteredPod.objects.filter(account=account, uid=pod_uid).values_list("namespace", "pod").first()


def billed_namespaces(account: str) -> list[str]:
    """Those that were ever billed or that have a pod that is."""
    running = MeteredPod.objects.filter(account=account, finished__isnull=True).values_list("namespace", flat=True)
    return sorted({*statements.namespaces(account), *running.distinct()})


def prove(account: str, period: Period) -> Proof:
    """Computes a statement anew from the pods' own times. Raises ProofTooLong for one of too many segments."""
    return proofs.of(account, period, most=proofs.MOST)


def focus_table(told: Bill) -> Iterable[str]:
    """A statement as CSV in FOCUS' columns, row by row."""
    return focus.table(told)


def focus_row(told: Bill, line: BillLine) -> dict[str, str | None]:
    return focus.row(told, line)


def month_so_far(account: str, *, within: Within = None, at: datetime | None = None) -> Meter:
    """The present month's statement and what it does not say yet."""
    now = _instant(at)
    told = statements.read(account, Period.month_of(now), within=within)
    tally = _unsettled(account, since=instants.month(now), at=now, within=within)
    return _meter(Tally(told.billed, told.seconds) + tally, told.currency, now)


def forecast(so_far: Meter, account: str, *, within: Within = None, at: datetime | None = None) -> Forecast:
    now = _instant(at)
    left = Decimal(instants.next_month(now) - now) / instants.SECOND
    spent = statements.series(account, "day", since=instants.day(now) - 7 * DAY, until=instants.day(now), within=within)
    days = (instants.day(now) - min(spent)) // DAY if spent else 0
    pace = sum(spent.values(), Decimal(0)) / (days * 86400) if days else so_far.rate.per_second
    return Forecast(so_far.accrued + so_far.rate.per_second * left, so_far.accrued + pace * left)


def chart(account: str, unit: Unit, *, within: Within = None, at: datetime | None = None) -> list[Point]:
    """The last 24 hours, 30 days or 12 months at the list's price, the oldest first, the one under way last."""
    now = _instant(at)
    starts = _starts(unit, now)
    told = statements.series(account, unit, since=starts[0], until=now, within=within)
    since = {"hour": starts[0], "day": instants.day(now), "month": instants.month(now)}[unit]
    ahead = _unsettled(account, since=min(since, instants.month(now)), at=now, within=within).cost
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


def _pod_meter(pod: MeteredPod, price_list: PriceList, now: Instant) -> Meter:
    at = max(pod.settled_until, now) if pod.finished is None else pod.settled_until
    unwritten = _lines(pod, price_list, since=pod.settled_until, until=at)
    rate = rating.rate_or_nothing(price_list, pod.size, at)
    return Meter(
        rate=Rate(rate.currency, Decimal(0)) if pod.is_free else rate,
        accrued=pod.accrued + rating.cost(unwritten),
        as_of=instants.moment(rating.last_second_began(pod.started, at)),
        running=pod.finished is None,
        seconds=rating.billed_seconds(pod.started, at),
    )


def _lines(pod: MeteredPod, price_list: PriceList, *, since: Instant, until: Instant) -> list[Line]:
    lines = rating.lines(pod.size, price_list, started=pod.started, since=since, until=until)
    return [rating.given_away(line) for line in lines] if pod.is_free else lines


def _sum(scope: Mapping[str, str], *, since: Instant, at: Instant) -> Meter:
    tally = live.tallies(scope, by="account", since=since, at=at).get(scope["account"], Tally())
    return _meter(tally, prices.current().currency, at)


def _sums(scope: Mapping[str, str], *, by: live.Column, at: Instant) -> dict[str, Meter]:
    currency = prices.current().currency
    tallies = live.tallies(scope, by=by, since=instants.month(at), at=at)
    return {name: _meter(tally, currency, at) for name, tally in tallies.items()}


def _meter(tally: Tally, currency: str, at: Instant) -> Meter:
    return Meter(
        rate=Rate(currency, tally.per_second),
        accrued=tally.cost,
        as_of=instants.moment(at),
        running=tally.pods > 0,
        seconds=tally.seconds,
    )


def _written(row: UsageSegment) -> Segment:
    return Segment(
        id=str(row.id),
        start=instants.moment(row.start),
        end=instants.moment(row.end),
        seconds=row.seconds,
        rate=Rate(row.currency, row.rate),
        activity="run" if row.activity == UsageSegment.Activity.RUN else "pull",
        estimated=row.estimated,
        corrects="" if row.corrects is None else str(row.corrects),
        revision=row.revision,
        open=False,
    )


def _unwritten(pod: MeteredPod, now: Instant) -> list[Segment]:
    if pod.finished is not None:
        return []
    return [
        Segment(
            id="",
            start=instants.moment(line.start),
            end=instants.moment(line.end),
            seconds=line.seconds,
            rate=line.rate,
            activity="run" if pod.ran is not None and pod.ran < line.end else "pull",
            estimated=False,
            corrects="",
            revision=pod.revision,
            open=True,
        )
        for line in _lines(pod, prices.current(pod.region), since=pod.settled_until, until=now)
    ]


def _scope(account: str, namespace: str | None = None, workload_uid: str | None = None) -> dict[str, str]:
    scope = {"account": account, "namespace": namespace, "workload_uid": workload_uid}
    return {column: value for column, value in scope.items() if value is not None}


def _instant(at: datetime | None) -> Instant:
    return instants.now() if at is None else instants.of(at)
