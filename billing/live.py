"""What runs now costs: sums over the ledger and over running pods, made by the database.

A sum has two parts. The ledger's days (`DayTotal`) say what was billed up to each pod's last settled hour: seconds by
rate. What came after is computed by the rule of `rating.billed_seconds`, written once more in SQL integers, for each
span in which prices stood still. So the cost of any number of pods is a few grouped rows, and equals the ledger to the
last digit. Both parts are one statement, hence one snapshot: a pod that is settled or ends meanwhile is never counted
twice, nor missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from django.db.models import BigIntegerField, Count, F, IntegerField, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest

from billing import prices, rating
from billing.fields import AmountField
from billing.instants import SECOND, Instant
from billing.models import DayTotal, MeteredPod
from billing.rating import Size

Column = Literal["account", "namespace", "workload_uid"]
_Groups = Any
"""A queryset of dicts; the annotations are made by name, which types cannot follow."""
_SIZE = ("flavor", "cpu_millis", "memory_mib", "gpu_model", "gpu_count")


@dataclass(frozen=True)
class Tally:
    """What was used, and by how much it grows: `per_second` is what the `pods` that run cost from here on."""

    cost: Decimal = Decimal(0)
    seconds: int = 0
    per_second: Decimal = Decimal(0)
    pods: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.cost + other.cost,
            self.seconds + other.seconds,
            self.per_second + other.per_second,
            self.pods + other.pods,
        )


def tallies(scope: Mapping[str, str], *, by: Column, since: Instant, at: Instant) -> dict[str, Tally]:
    """What was billed since `since`, a midnight, and runs at `at`, in `scope` (columns that must match), by the values
    of one column."""
    edges = [since, *prices.changes(since, at), at]
    lists = prices.PriceLists()
    sums: dict[str, Tally] = {}
    for group in _running(scope, by=by, edges=edges).union(_settled(scope, by=by, since=since, edges=edges), all=True):
        tally = _of_running(group, lists, edges) if group["pods"] else _of_settled(group)
        sums[group["who"]] = sums.get(group["who"], Tally()) + tally
    return sums


def unsettled(scope: Mapping[str, str], *, by: Column, since: Instant, at: Instant) -> dict[str, Tally]:
    """The part of it that no segment says yet."""
    edges = [since, *prices.changes(since, at), at]
    lists = prices.PriceLists()
    sums: dict[str, Tally] = {}
    for group in _running(scope, by=by, edges=edges):
        sums[group["who"]] = sums.get(group["who"], Tally()) + _of_running(group, lists, edges)
    return sums


@dataclass(frozen=True)
class ItemTally:
    """Cores or memory alone: `units` (millicore- or MiB-seconds) and what they cost, settled or not, and by how much
    both grow. What costs nothing is not counted."""

    units: int = 0
    cost: Decimal = Decimal(0)
    units_per_second: int = 0
    per_second: Decimal = Decimal(0)

    def __add__(self, other: ItemTally) -> ItemTally:
        return ItemTally(
            self.units + other.units,
            self.cost + other.cost,
            self.units_per_second + other.units_per_second,
            self.per_second + other.per_second,
        )


_COLUMN_OF = {rating.VCPU: "cpu_millis", rating.MEMORY: "memory_mib"}


def by_item(scope: Mapping[str, str], *, since: Instant, at: Instant) -> dict[str, ItemTally]:
    """What cores and memory in `scope` cost since a midnight, each by itself; one statement, as `tallies` is."""
    edges = [since, *prices.changes(since, at), at]
    lists = prices.PriceLists()
    free = Value(Decimal(0), output_field=AmountField())
    running = _running(scope, by="account", edges=edges, of_vcpu=free, of_memory=free)
    later = {f"span{n}": _ZERO for n in range(1, len(edges) - 1)}
    settled = _settled_items(scope, since).annotate(pods=_ZERO, span0=Sum("seconds"), **later).order_by()
    sums = {item: ItemTally() for item in _COLUMN_OF}
    for group in running.union(settled, all=True):
        for item in sums:
            sums[item] += _item(group, item, lists, edges)
    return sums


def settled_by_item(scope: Mapping[str, str], *, since: Instant) -> dict[str, ItemTally]:
    """The part of it that segments say."""
    groups = list(_settled_items(scope, since).annotate(pods=_ZERO, span0=Sum("seconds")).order_by())
    lists = prices.PriceLists()
    return {
        item: sum((_item(group, item, lists, [since, since]) for group in groups), ItemTally()) for item in _COLUMN_OF
    }


def _item(group: Mapping[str, Any], item: str, lists: prices.PriceLists, edges: list[Instant]) -> ItemTally:
    size, seconds = group[f"of_{_COLUMN_OF[item]}"], group["span0"]
    if not group["pods"]:
        return ItemTally(size * seconds, group[f"of_{item}"] * seconds) if group["at_rate"] else ItemTally()
    units, cost = 0, Decimal(0)
    for n, start in enumerate(edges[:-1]):
        share, seconds = _share(group, item, lists, start), group[f"span{n}"]
        units, cost = units + (size * seconds if share else 0), cost + share * seconds
    share = _share(group, item, lists, edges[-1])
    return ItemTally(units, cost, size * group["pods"] if share else 0, share * group["pods"])


def burn(scope: Mapping[str, str], *, at: Instant) -> Decimal:
    """What the running pods in scope cost a second."""
    lists = prices.PriceLists()
    groups = _groups(scope, by="account").annotate(pods=Count("uid"))
    return sum((_rate(group, lists, at) * group["pods"] for group in groups), Decimal(0))


def _running(scope: Mapping[str, str], *, by: Column, edges: list[Instant], **more: Combinable) -> _Groups:
    """Groups of running pods of one size, with the seconds each span between two edges adds to what is settled."""
    spans = {f"span{n}": Sum(_counted(end) - _counted(start)) for n, (start, end) in enumerate(pairwise(edges))}
    return _groups(scope, by=by, **more).annotate(pods=Count("uid"), **spans).order_by()


def _groups(scope: Mapping[str, str], *, by: Column, **more: Combinable) -> _Groups:
    running = MeteredPod.objects.filter(**scope, finished__isnull=True).exclude(free_pull=True, ran__isnull=True)
    return running.values(
        who=F(by),
        zone=F("region"),
        **{f"of_{column}": F(column) for column in _SIZE},
        at_rate=Value(Decimal(0), output_field=AmountField()),
        **more,
    )


def _settled_items(scope: Mapping[str, str], since: Instant) -> _Groups:
    """The days by size and by what its cores and GiB cost, in the columns of `_groups`."""
    kept = {"cpu_millis": F("cpu_millis"), "memory_mib": F("memory_mib")}
    nothing = {"flavor": Value(""), "gpu_model": Value("")}
    return DayTotal.objects.filter(**scope, day__gte=since).values(
        who=F("account"),
        zone=Value(""),
        **{f"of_{column}": kept.get(column, nothing.get(column, _ZERO)) for column in _SIZE},
        at_rate=F("rate"),
        of_vcpu=F("vcpu_rate"),
        of_memory=F("memory_rate"),
    )


def _settled(scope: Mapping[str, str], *, by: Column, since: Instant, edges: list[Instant]) -> _Groups:
    """The days' seconds by rate, in the same columns."""
    nothing = {"flavor": Value(""), "gpu_model": Value("")}
    lines = DayTotal.objects.filter(**scope, day__gte=since).values(
        who=F(by),
        zone=Value(""),
        **{f"of_{column}": nothing.get(column, _ZERO) for column in _SIZE},
        at_rate=F("rate"),
    )
    later = {f"span{n}": _ZERO for n in range(1, len(edges) - 1)}
    return lines.annotate(pods=_ZERO, span0=Sum("seconds"), **later).order_by()


_ZERO = Value(0, output_field=IntegerField())


def _counted(instant: Instant) -> Combinable:
    """`rating.billed_seconds(started, instant)`, but never before the settled part ends. SQL divides integers down."""
    reached = Greatest(Value(instant, output_field=BigIntegerField()), F("settled_until"))
    return (reached - F("started") + Value(SECOND - 1)) / Value(SECOND)


def _of_running(group: Mapping[str, Any], lists: prices.PriceLists, edges: list[Instant]) -> Tally:
    counted = [(_rate(group, lists, start), group[f"span{n}"]) for n, start in enumerate(edges[:-1])]
    return Tally(
        cost=sum((rate * seconds for rate, seconds in counted), Decimal(0)),
        seconds=sum(seconds for _, seconds in counted),
        per_second=_rate(group, lists, edges[-1]) * group["pods"],
        pods=group["pods"],
    )


def _of_settled(group: Mapping[str, Any]) -> Tally:
    return Tally(cost=group["at_rate"] * group["span0"], seconds=group["span0"])


def _rate(group: Mapping[str, Any], lists: prices.PriceLists, at: Instant) -> Decimal:
    size = Size(**{column: group[f"of_{column}"] for column in _SIZE})
    return rating.rate_or_nothing(lists[group["zone"]], size, at).per_second


def _share(group: Mapping[str, Any], item: str, lists: prices.PriceLists, at: Instant) -> Decimal:
    size = Size(**{column: group[f"of_{column}"] for column in _SIZE})
    return rating.shares_or_nothing(lists[group["zone"]], size, at).get(item, Decimal(0))
