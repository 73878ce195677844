"""One pod's life as the ledger has it: its segments, and what proves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

import orjson

from billing import instants, prices, rating
from billing.instants import Instant
from billing.models import MeteredPod, UsageSegment
from billing.rating import Rate, Size
from billing.totals import instant, lines


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


def cost_between(account: str, pod_uid: str, start: datetime, end: datetime) -> Decimal:
    """What the span [start, end) of a pod's life cost: parts that meet add up to the whole. 0 outside its life."""
    pod = MeteredPod.objects.filter(account=account, uid=pod_uid).first()
    if pod is None:
        return Decimal(0)
    last = instants.now() if pod.finished is None else pod.finished
    until = min(instants.of(end), last)
    return rating.cost(lines(pod, prices.current(pod.region), since=instants.of(start), until=until))


def segments(account: str, pod_uid: str, *, at: datetime | None = None) -> list[Segment]:
    """All lines behind a pod's bill, in the order they were written; what is not settled yet stands last, `open`."""
    pod = MeteredPod.objects.filter(account=account, uid=pod_uid).first()
    if pod is None:
        return []
    written = UsageSegment.objects.filter(account=account, pod_uid=pod_uid, seq__lt=pod.next_seq).order_by("seq")
    return [*map(_written, written), *_unwritten(pod, instant(at))]


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


def pod_name(account: str, pod_uid: str) -> tuple[str, str] | None:
    """Namespace and name of a pod that was ever billed, whether it is there or not."""
    return MeteredPod.objects.filter(account=account, uid=pod_uid).values_list("namespace", "pod").first()


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
        for line in lines(pod, prices.current(pod.region), since=pod.settled_until, until=now)
    ]
