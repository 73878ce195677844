"""The only door to money. The console and the API ask here; nobody reads billing's tables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing import focus, instants, marks, offers, prices, proofs, rating, rightsizing, statements
from billing.balances import door as balances_door
from billing.budgets import door
from billing.gridsight import GridEffect as GridEffect
from billing.gridsight import grid_effect as grid_effect
from billing.lives import Life as Life
from billing.lives import Segment as Segment
from billing.lives import cost_between as cost_between
from billing.lives import life as life
from billing.lives import pod_name as pod_name
from billing.lives import segments as segments
from billing.models import MeteredPod
from billing.money import format_money as format_money
from billing.money import format_rate as format_rate
from billing.money import plain as plain
from billing.outlook import Forecast as Forecast
from billing.outlook import MonthSoFar as MonthSoFar
from billing.outlook import Point as Point
from billing.outlook import chart as chart
from billing.outlook import forecast as forecast
from billing.outlook import month_so_far as month_so_far
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
from billing.rating import NoPrice as NoPrice
from billing.rating import Rate as Rate
from billing.rating import Size
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
from billing.totals import Meter as Meter
from billing.totals import burn as burn
from billing.totals import by_namespace as by_namespace
from billing.totals import by_workload as by_workload
from billing.totals import meters as meters
from billing.totals import pod_meter as pod_meter
from billing.totals import pod_meters as pod_meters
from billing.totals import today as today
from billing.totals import together as together
from billing.totals import total as total
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


def bill(account: str, period: Period, *, within: Within = None) -> Bill:
    """A month's or a day's statement. `within` are the namespaces whose lines may be seen; None for all."""
    return statements.read(account, period, within=within)


def bills(account: str, *, within: Within = None, present: Bill | None = None) -> list[MonthSum]:
    """The account's months, the newest first. `present` is the statement of the month under way, where it was read."""
    return statements.month_sums(account, within=within, present=present)


def bill_pods(account: str, line: BillLine, period: Period) -> list[PodPart]:
    return statements.pods(account, line, period)


def usage(account: str, *, since: datetime, until: datetime, **chosen: Any) -> list[DayLine]:
    """Day by day, line by line: `statements.usage`."""
    return statements.usage(account, since=instants.of(since), until=instants.of(until), **chosen)


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
