"""One row a day for what a statement has one line for: its key, and how sums are added to it.

A month of any number of segments is a few hundred of these rows. They are written in the transaction that writes the
segments, which point at them; `prove` sums the segments again and names each row that says something else.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, cast

import orjson
from django.db import connection
from django.db.models import Count, Sum

from billing.fields import AmountField
from billing.instants import Instant
from billing.models import DayTotal, LabelSet, UsageSegment
from iam import sql

_NAMES = uuid.UUID("5d2f8a0c-93f5-5bb5-8d7e-51b7a4c4e0d2")


@dataclass(frozen=True)
class Key:
    """All columns of a `DayTotal` but its sums. `day` is midnight UTC."""

    account: str
    day: Instant
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
    label_set: str
    corrects_month: Instant

    @property
    def id(self) -> uuid.UUID:
        columns = asdict(self)
        return identity(columns | {"labels": columns.pop("label_set")})


def identity(columns: Mapping[str, Any]) -> uuid.UUID:
    """Follows from names and values, whatever their order; amounts count by their value. A set of labels is told as
    `labels`, as it was from the beginning: what was written once keeps its name."""
    told = {name: f"{value:.10f}" if isinstance(value, Decimal) else value for name, value in columns.items()}
    return uuid.uuid5(_NAMES, orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode())


def digest(labels: Mapping[str, str]) -> str:
    """Names a set of labels; "" for none."""
    return hashlib.sha1(_text(labels), usedforsecurity=False).hexdigest() if labels else ""


def remember_labels(sets: Iterable[Mapping[str, str]]) -> None:
    wanted = {digest(labels): _text(labels).decode() for labels in sets if labels}
    if wanted:
        rows = [LabelSet(digest=name, labels=text) for name, text in sorted(wanted.items())]
        LabelSet.objects.bulk_create(rows, ignore_conflicts=True)


def labels_of(digests: Iterable[str]) -> dict[str, dict[str, str]]:
    """By digest; what is not known is no label."""
    found = LabelSet.objects.filter(digest__in=set(digests) - {""})
    return {"": {}} | {row.digest: orjson.loads(row.labels) for row in found}


def add(parts: Iterable[tuple[Key, int]]) -> None:
    """Adds each segment's seconds to its day. In one order, so that two writers wait for each other but never in a
    ring."""
    sums: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for key, seconds in parts:
        sums[key][0] += seconds
        sums[key][1] += 1
    for number, key in sorted((key.id.hex, key) for key in sums):
        sql.execute(_ADD, [_uuid(number), *_values(key), *sums[key]])


def segments(account: str, *, since: Instant, until: Instant) -> int:
    """How many are billed in [since, until)."""
    days = DayTotal.objects.filter(account=account, day__gte=since, day__lt=until)
    return int(days.aggregate(segments=Sum("segments"))["segments"] or 0)


def prove(account: str, *, since: Instant, until: Instant) -> list[str]:
    """The days' totals in [since, until) that are not the sum of their segments, a sentence each."""
    totals = {row.id: row for row in DayTotal.objects.filter(account=account, day__gte=since, day__lt=until)}
    told = _sums_of_segments(account, set(totals))
    return [
        f"{row.namespace}/{row.workload_name}, day total {row.id}: {row.seconds} s in {row.segments} segments; "
        f"the ledger has {told.get(row.id, (0, 0))[0]} s in {told.get(row.id, (0, 0))[1]}"
        for row in totals.values()
        if told.get(row.id, (0, 0)) != (row.seconds, row.segments)
    ]


def _sums_of_segments(account: str, ids: set[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    chosen, found = sorted(ids), dict[uuid.UUID, tuple[int, int]]()
    for start in range(0, len(chosen), _AT_ONCE):
        few = chosen[start : start + _AT_ONCE]
        groups = UsageSegment.objects.filter(account=account, day_total__in=few).values("day_total")
        for group in groups.annotate(total=Sum("seconds"), lines=Count("id")).order_by():
            found[cast(uuid.UUID, group["day_total"])] = (group["total"], group["lines"])
    return found


_AT_ONCE = 500
_COLUMNS = tuple(Key.__dataclass_fields__)
_ADD = (
    f"INSERT INTO billing_daytotal (id, {', '.join(_COLUMNS)}, seconds, segments) "  # noqa: S608  our own names
    f"VALUES ({', '.join(['%s'] * (len(_COLUMNS) + 3))}) "
    "ON CONFLICT (id) DO UPDATE SET seconds = billing_daytotal.seconds + excluded.seconds, "
    "segments = billing_daytotal.segments + excluded.segments"
)
_AMOUNT = AmountField()


def _values(key: Key) -> list[Any]:
    return [
        _AMOUNT.get_db_prep_value(value, connection) if isinstance(value, Decimal) else value
        for value in (getattr(key, column) for column in _COLUMNS)
    ]


def _uuid(number: str) -> Any:
    return number if connection.vendor == "sqlite" else uuid.UUID(number)


def _text(labels: Mapping[str, str]) -> bytes:
    return orjson.dumps(dict(labels), option=orjson.OPT_SORT_KEYS)
