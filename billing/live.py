"""What runs now costs: sums over the ledger and over running pods, made by the database.

A sum has two parts. The ledger's days (`DayTotal`) say what was billed up to each pod's last settled hour: seconds by
rate. What came after is computed by the rule of `rating.billed_seconds`, written once more in SQL integers, for each
span in which prices stood still. So the cost of any number of pods is a few grouped rows, and equals the ledger to the
last digit. Both parts are one statement, hence one snapshot: a pod that is settled or ends meanwhile is never counted
twice, nor missed. The header of every page asks this, and every budget: the statements are plain (decision 11), and
pods are grouped by the number of their size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, pairwise, starmap
from typing import Any, Literal

from django.db import connection

from billing import fields, prices, rating, sizes
from billing.instants import SECOND, Instant
from billing.sizes import Priced
from iam import sql

Column = Literal["account", "namespace", "workload_uid"]
Scope = Mapping[str, str | tuple[str, ...]]
"""Columns of the ledger, and what they must say: one value, or one of several."""


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


def tallies(scope: Scope, *, by: Column, since: Instant, at: Instant) -> dict[str, Tally]:
    """What was billed since `since`, a midnight, and runs at `at`, in `scope`, by the values of one column."""
    edges = [since, *prices.changes(since, at), at]
    return _tallies([_running(scope, by, edges), _settled(scope, by, since)], edges)


def unsettled(scope: Scope, *, by: Column, since: Instant, at: Instant) -> dict[str, Tally]:
    """The part of it that no segment says yet."""
    edges = [since, *prices.changes(since, at), at]
    return _tallies([_running(scope, by, edges)], edges)


def burn(scope: Scope, *, at: Instant) -> Decimal:
    """What the running pods in scope cost a second."""
    tallies = unsettled(scope, by="account", since=at, at=at)
    return sum((tally.per_second for tally in tallies.values()), Decimal(0))


def _tallies(questions: Sequence[_Question], edges: list[Instant]) -> dict[str, Tally]:
    groups = [
        _Group(row[0], row[1], row[2], row[3], tuple(row[4:])) for row in _answers(questions, spans=len(edges) - 1)
    ]
    rates, sums = _Rates(group.number for group in groups), dict[str, Tally]()
    for group in groups:
        sums[group.who] = sums.get(group.who, Tally()) + _tally(group, rates, edges)
    return sums


@dataclass(frozen=True)
class _Group:
    """Running pods of one size; with `pods` 0 what days say at one rate. `spans`: seconds between each two edges."""

    who: str
    number: int
    rate: Any
    pods: int
    spans: tuple[int, ...]


def _tally(group: _Group, rates: _Rates, edges: list[Instant]) -> Tally:
    if not group.pods:
        seconds = int(group.spans[0])
        return Tally(cost=fields.of_column(group.rate) * seconds, seconds=seconds)
    counted = [(rates.rate(group.number, start), int(span)) for start, span in zip(edges, group.spans, strict=False)]
    return Tally(
        cost=sum((rate * seconds for rate, seconds in counted), Decimal(0)),
        seconds=sum(seconds for _, seconds in counted),
        per_second=rates.rate(group.number, edges[-1]) * group.pods,
        pods=group.pods,
    )


class _Rates:
    """What sizes cost a second, by their numbers; each list of prices is read once."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._sizes, self._lists = sizes.of(numbers), prices.PriceLists()

    def priced(self, number: int) -> Priced:
        return self._sizes[number]

    def rate(self, number: int, at: Instant) -> Decimal:
        region, size = self._sizes[number]
        return rating.rate_or_nothing(self._lists[region], size, at).per_second

    def share(self, number: int, item: str, at: Instant) -> Decimal:
        region, size = self._sizes[number]
        return rating.shares_or_nothing(self._lists[region], size, at).get(item, Decimal(0))


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


def by_item(scope: Scope, *, since: Instant, at: Instant) -> dict[str, ItemTally]:
    """What cores and memory in `scope` cost since a midnight, each by itself; one statement, as `tallies` is."""
    edges = [since, *prices.changes(since, at), at]
    running = _running(scope, "account", edges, more=("0", "0", "0", "0"))
    return _by_item([running, _settled_items(scope, since)], edges)


def settled_by_item(scope: Scope, *, since: Instant) -> dict[str, ItemTally]:
    """The part of it that segments say."""
    return _by_item([_settled_items(scope, since)], [since, since])


def _by_item(questions: Sequence[_Question], edges: list[Instant]) -> dict[str, ItemTally]:
    """Behind a group's rate stand its cores and memory, and what each costs."""
    groups = [
        (_Group(row[0], row[1], row[2], row[7], tuple(row[8:])), {rating.VCPU: row[3:5], rating.MEMORY: row[5:7]})
        for row in _answers(questions, spans=len(edges) - 1)
    ]
    rates, sums = _Rates(group.number for group, _ in groups), dict.fromkeys(_COLUMN_OF, ItemTally())
    for group, days in groups:
        for item in sums:
            sums[item] += _of_running(group, item, rates, edges) if group.pods else _of_days(group, *days[item])
    return sums


def _of_running(group: _Group, item: str, rates: _Rates, edges: list[Instant]) -> ItemTally:
    size, units, cost = getattr(rates.priced(group.number).size, _COLUMN_OF[item]), 0, Decimal(0)
    for start, seconds in zip(edges, map(int, group.spans), strict=False):
        share = rates.share(group.number, item, start)
        units, cost = units + (size * seconds if share else 0), cost + share * seconds
    share = rates.share(group.number, item, edges[-1])
    return ItemTally(units, cost, size * group.pods if share else 0, share * group.pods)


def _of_days(group: _Group, size: int, share: Any) -> ItemTally:
    seconds = int(group.spans[0])
    return ItemTally(size * seconds, fields.of_column(share) * seconds) if group.rate else ItemTally()


@dataclass(frozen=True)
class _Question:
    """One SELECT over rows in scope: who, the number of a size, a rate, `more`, how many pods, and the seconds of each
    span. It groups by what differs: a column that the scope holds to one value is that value."""

    table: str
    scope: Scope
    by: Column
    number: str
    rate: str
    more: Sequence[str]
    pods: str
    spans: Sequence[str]
    where: str

    def asked(self, spans: int) -> tuple[str, list[str]]:
        one = self.scope.get(self.by)
        who, values = ("%s", [one]) if isinstance(one, str) else (self.by, list[str]())
        told = [who, self.number, self.rate, *self.more]
        grouped = [str(place) for place, name in enumerate(told, 1) if name not in ("%s", "0")]
        columns = ", ".join([*told, self.pods, *self.spans, *["0"] * (spans - len(self.spans))])
        where = " AND ".join([*starmap(_must_say, self.scope.items()), self.where])
        asked = f"SELECT {columns} FROM {self.table} WHERE {where} GROUP BY {', '.join(grouped)}"  # noqa: S608
        said = chain.from_iterable([wish] if isinstance(wish, str) else wish for wish in self.scope.values())
        return asked, [*values, *said]


def _must_say(column: str, wish: str | tuple[str, ...]) -> str:
    return f"{column} = %s" if isinstance(wish, str) else f"{column} IN ({', '.join(['%s'] * len(wish))})"


def _answers(questions: Sequence[_Question], *, spans: int) -> list[tuple[Any, ...]]:
    """Of all at one instant."""
    asked = [question.asked(spans) for question in questions]
    return sql.select(" UNION ALL ".join(text for text, _ in asked), [value for _, values in asked for value in values])


def _running(scope: Scope, by: Column, edges: list[Instant], more: Sequence[str] = ()) -> _Question:
    """Running pods by size, with the seconds each span between two edges adds to what is settled."""
    return _Question(
        table="billing_meteredpod",
        scope=scope,
        by=by,
        number="priced_size",
        rate="0",
        more=more,
        pods="COUNT(*)",
        spans=[f"SUM({_counted(end)} - {_counted(start)})" for start, end in pairwise(edges)],
        where="finished IS NULL AND NOT (free_pull AND ran IS NULL)",
    )


def _settled(scope: Scope, by: Column, since: Instant) -> _Question:
    """The days' seconds by rate."""
    where = f"day >= {since}"
    return _Question("billing_daytotal", scope, by, str(sizes.NONE), "rate", (), "0", ["SUM(seconds)"], where)


def _settled_items(scope: Scope, since: Instant) -> _Question:
    """The days' seconds by size and by what its cores and GiB cost."""
    more, where = ("cpu_millis", "vcpu_rate", "memory_mib", "memory_rate"), f"day >= {since}"
    return _Question("billing_daytotal", scope, "account", str(sizes.NONE), "rate", more, "0", ["SUM(seconds)"], where)


def _counted(instant: Instant) -> str:
    """`rating.billed_seconds(started, instant)`, but never before the settled part ends. SQL divides integers down."""
    later = "MAX" if connection.vendor == "sqlite" else "GREATEST"
    return f"(({later}({int(instant)}, settled_until) - started + {SECOND - 1}) / {SECOND})"
