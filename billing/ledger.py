"""Writing the ledger: pods are brought to an instant, and the lines this takes are appended.

Everything here runs inside the caller's transaction. A `Posting` gathers what one transaction has to say and writes it
with a handful of statements, so that a batch of the log or an hour's settlement costs the same for one pod as for many.

A line belongs to the day and month in which it begins; when that month is closed already, to the day on which it is
written. `closing` waits for postings that are under way, and those that come after it know what is closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from django.conf import settings

from billing import daytotals, instants, months, prices, rating, sizes
from billing.instants import Instant
from billing.marks import Marks, Owner
from billing.models import MeteredPod, UsageSegment
from billing.rating import Correction, Line, Standing

PULLS_FOR_FREE = {"free_pull": True, "ran__isnull": True}
"""Pods of which nothing is written until it is known whether their pull led to a start."""

_MOVING = ("ran", "finished", "estimated", "lost", "settled_until", "accrued", "next_seq", "revision", "evidence")


class Posting:
    """The pods with these uids, locked, and the lines added to them; `save` writes both."""

    def __init__(self, uids: Collection[str]) -> None:
        self._open_from = months.open_from()
        self.pods = {pod.uid: pod for pod in MeteredPod.objects.select_for_update().filter(uid__in=uids)}
        self._prices = prices.PriceLists()
        self._lines: list[UsageSegment] = []
        self._days: list[tuple[daytotals.Key, int]] = []
        self._labels: list[Mapping[str, str]] = []
        self._sizes: set[tuple[str, rating.Size]] = set()
        self._touched: set[str] = set()

    def open(self, marks: Marks, *, started: Instant, workload: Owner, project: str = "0") -> MeteredPod:
        """A pod begins to be billed. If the ledger knows it already (the projection was lost), it goes on there."""
        region = settings.REGION
        rate = rating.rate_or_nothing(self._prices[region], marks.size, started)
        pod = MeteredPod(
            uid=marks.uid,
            priced_size=sizes.number(region, marks.size),
            account=marks.account,
            namespace=marks.namespace,
            pod=marks.pod,
            workload_kind=workload.kind,
            workload_name=workload.name,
            workload_uid=workload.uid,
            region=region,
            flavor=marks.size.flavor,
            cpu_millis=marks.size.cpu_millis,
            memory_mib=marks.size.memory_mib,
            gpu_model=marks.size.gpu_model,
            gpu_count=marks.size.gpu_count,
            started=started,
            currency=rate.currency,
            rate_at_start=rate.per_second,
            settled_until=started,
            accrued=Decimal(0),
            revision=marks.revision,
            evidence=marks.evidence,
            label_set=daytotals.digest(marks.labels),
            project=project,
            free_pull=not settings.BILL_FAILED_PULLS,
        )
        self._labels.append(marks.labels)
        self._sizes.add((region, marks.size))
        _resume(pod, list(UsageSegment.objects.filter(pod_uid=marks.uid)))
        self.pods[marks.uid] = pod
        self._touched.add(marks.uid)
        return pod

    def hear(self, pod: MeteredPod, marks: Marks) -> None:
        """Takes over what newer marks say. A known end gives way to another one, but never to an estimate."""
        if marks.finished is not None:
            self.let_go(pod)
        end_is_news = marks.finished is not None and marks.finished != pod.finished
        if marks.estimated and pod.finished is not None:
            end_is_news = False
        if not end_is_news and (pod.ran is not None or marks.ran is None):
            return
        pod.ran = marks.ran if pod.ran is None else pod.ran
        pod.revision, pod.evidence = marks.revision, marks.evidence
        self._touched.add(pod.uid)
        if end_is_news and marks.finished is not None:
            self.close(pod, marks.finished, estimated=marks.estimated)

    def close(self, pod: MeteredPod, finished: Instant, *, estimated: bool = False) -> None:
        pod.finished, pod.estimated = finished, estimated
        self.bring(pod, finished)

    def reopen(self, pod: MeteredPod) -> None:
        """It was closed because its host was not heard of, which is over: it runs on from where it was settled."""
        pod.finished, pod.estimated, pod.lost = None, False, False
        self._touched.add(pod.uid)

    def let_go(self, pod: MeteredPod) -> None:
        """It has an end, or went: what its host says when it is heard again does not open it."""
        if pod.lost:
            pod.lost = False
            self._touched.add(pod.uid)

    def bring(self, pod: MeteredPod, until: Instant) -> None:
        """Makes the ledger say [started, until) of this pod: appends what is missing, takes back what is too much. Of a
        pull that may turn out to be free it says nothing before that is known."""
        self._touched.add(pod.uid)
        if pod.is_free and pod.finished is None:
            return
        until = max(until, pod.started)
        if until < pod.settled_until:
            taken_back = rating.corrections(self._standing(pod), started=pod.started, ended=until)
            self._append(pod, taken_back)
        else:
            added = rating.lines(
                pod.size, self._prices[pod.region], started=pod.started, since=pod.settled_until, until=until
            )
            self._append(pod, [rating.given_away(line) for line in added] if pod.is_free else added)
        pod.settled_until = until

    def save(self) -> int:
        """Returns how many lines were written. Raises IntegrityError when another meter was first."""
        sizes.remember(self._sizes)
        MeteredPod.objects.bulk_create(
            [self.pods[uid] for uid in sorted(self._touched)],
            update_conflicts=True,
            update_fields=_MOVING,
            unique_fields=("uid",),
        )
        UsageSegment.objects.bulk_create(self._lines)
        daytotals.remember_labels(self._labels)
        daytotals.add(self._days)
        return len(self._lines)

    def _append(self, pod: MeteredPod, parts: Sequence[Line | Correction]) -> None:
        for part in parts:
            segment = _segment(pod, part)
            day = self._day(pod, segment)
            segment.day_total = day.id
            self._lines.append(segment)
            self._days.append((day, segment.seconds))
            pod.next_seq += 1
            pod.accrued += part.rate.per_second * part.seconds

    def _day(self, pod: MeteredPod, segment: UsageSegment) -> daytotals.Key:
        shares = rating.shares_or_nothing(self._prices[pod.region], pod.size, segment.start) if segment.rate else {}
        is_late = segment.start < self._open_from
        return daytotals.Key(
            account=pod.account,
            day=max(instants.day(instants.now()), self._open_from) if is_late else instants.day(segment.start),
            namespace=pod.namespace,
            workload_kind=pod.workload_kind,
            workload_name=pod.workload_name,
            workload_uid=pod.workload_uid,
            region=pod.region,
            flavor=pod.flavor,
            cpu_millis=pod.cpu_millis,
            memory_mib=pod.memory_mib,
            gpu_model=pod.gpu_model,
            gpu_count=pod.gpu_count,
            currency=segment.currency,
            rate=segment.rate,
            vcpu_rate=shares.get(rating.VCPU, Decimal(0)),
            memory_rate=shares.get(rating.MEMORY, Decimal(0)),
            activity=segment.activity,
            project=pod.project,
            label_set=pod.label_set,
            corrects_month=instants.month(segment.start) if is_late else 0,
        )

    def _standing(self, pod: MeteredPod) -> list[Standing]:
        written = list(UsageSegment.objects.filter(pod_uid=pod.uid))
        return standing([*written, *(line for line in self._lines if line.pod_uid == pod.uid)])


def standing(segments: Iterable[UsageSegment]) -> list[Standing]:
    """What of one pod's lines still stands when its corrections are taken off."""
    lines: dict[str, Standing] = {}
    for segment in sorted(segments, key=lambda segment: segment.seq):
        rate = rating.Rate(segment.currency, segment.rate)
        if segment.corrects is None:
            lines[str(segment.id)] = Standing(str(segment.id), segment.start, segment.end, rate)
        else:
            line = lines[str(segment.corrects)]
            lines[line.id] = Standing(line.id, line.start, segment.start, rate)
    return list(lines.values())


def _resume(pod: MeteredPod, segments: Sequence[UsageSegment]) -> None:
    if segments:
        pod.settled_until = max(line.end for line in standing(segments))
        pod.accrued = sum((segment.rate * segment.seconds for segment in segments), Decimal(0))
        pod.next_seq = max(segment.seq for segment in segments) + 1


def _segment(pod: MeteredPod, part: Line | Correction) -> UsageSegment:
    ran = pod.ran is not None and pod.ran < part.end
    return UsageSegment(
        id=UsageSegment.id_of(pod.uid, pod.next_seq),
        pod_uid=pod.uid,
        seq=pod.next_seq,
        start=part.start,
        end=part.end,
        seconds=part.seconds,
        currency=part.rate.currency,
        rate=part.rate.per_second,
        activity=UsageSegment.Activity.RUN if ran else UsageSegment.Activity.PULL,
        estimated=pod.estimated,
        corrects=part.corrects if isinstance(part, Correction) else None,
        revision=pod.revision,
        **pod.billed(),
    )
