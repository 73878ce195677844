"""The proof: what the ledger should say, computed anew from what the pods said of themselves, against what it says.

Nothing here looks at how the ledger came about. Lives come from the log as far back as it reaches, from the objects
that exist, and for what the log has forgotten from the marks kept beside each pod. From a life its lines follow
(`rating.lines`), pod by pod and hour by hour; corrections count against what they correct. Nothing is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import groupby

import orjson
from django.conf import settings
from django.db.models import Q, QuerySet

from billing import instants, ledger, marks, prices, rating
from billing.instants import Instant
from billing.marks import Marks
from billing.meter import READER
from billing.models import MeteredPod, UsageSegment
from billing.rating import Size
from workloads.store import changes, objects
from workloads.store.changes import Entry
from workloads.store.models import Cursor

_STEP = 1000


@dataclass(frozen=True)
class Life:
    """One pod as it was witnessed. `finished` is None while it runs."""

    account: str
    size: Size
    started: Instant
    finished: Instant | None = None
    estimated: bool = False
    is_free: bool = False
    """A pull that never led to a start, while those were free."""

    def overlaps(self, since: Instant, until: Instant | None) -> bool:
        return (until is None or self.started < until) and (self.finished is None or self.finished > since)


@dataclass(frozen=True)
class Sum:
    seconds: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.seconds + other.seconds, self.cost + other.cost)

    def __str__(self) -> str:
        return f"{self.seconds} s, {self.cost.normalize():f}"


@dataclass(frozen=True)
class Difference:
    """About one hour of one pod, the ledger and the pod's life do not agree."""

    uid: str
    hour: Instant
    ledger: Sum
    life: Sum

    def __str__(self) -> str:
        return f"pod {self.uid}, hour from {instants.text(self.hour)}: ledger {self.ledger}; recomputed {self.life}"


@dataclass(frozen=True)
class Report:
    """`unwitnessed` are pods the ledger bills of which neither log, objects nor marks know: nothing proves them."""

    pods: int
    segments: int
    total: Sum
    differences: tuple[Difference, ...]
    unwitnessed: tuple[str, ...]

    @property
    def proven(self) -> bool:
        return not self.differences and not self.unwitnessed


@dataclass
class _Told:
    """One pod's lines in the ledger."""

    region: str
    segments: list[UsageSegment] = field(default_factory=list)

    def by_hour(self) -> dict[Instant, Sum]:
        return _by_hour((line.start, line.seconds, line.rate * line.seconds) for line in self.segments)

    def reaches(self) -> Instant:
        """Until when the ledger has spoken of this pod; 0 when it has not."""
        return max((line.end for line in ledger.standing(self.segments)), default=0)


def recompute(*, account: str | None = None, since: Instant = 0, until: Instant | None = None) -> Report:
    """Every pod of `account` (of all), as far as the meter has read the log. It may read on meanwhile: a pod of which
    it hears something newer is left out. `since` and `until`, full hours, leave out what was used before and after. The
    ledger passes by pod by pod: what is kept is a life and a sum of each pod."""
    read = Cursor.objects.filter(reader=READER).values_list("revision", flat=True).first() or 0
    lives, lists, found = _lives(read, account, since, until), prices.PriceLists(), dict[str, _Found]()
    for uid, told in _ledger(account, since, until):
        found[uid] = _compared(uid, told, lives.get(uid) or _life_of(uid), lists, since, until)
        if any(line.revision > read for line in told.segments):
            found[uid] = replace(found[uid], moved_on=True)
    for uid, life in lives.items():
        if uid not in found and life.overlaps(since, until):
            found[uid] = _compared(uid, _Told(settings.REGION), life, lists, since, until)
    for uid in _metered(account).filter(revision__gt=read).values_list("uid", flat=True):
        found.pop(uid, None)
    kept = {uid: one for uid, one in sorted(found.items()) if not one.moved_on}
    return Report(
        pods=sum(one.is_witnessed for one in kept.values()),
        segments=sum(one.segments for one in kept.values()),
        total=sum((one.total for one in kept.values()), Sum()),
        differences=tuple(difference for one in kept.values() for difference in one.differences),
        unwitnessed=tuple(uid for uid, one in kept.items() if not one.is_witnessed),
    )


@dataclass(frozen=True)
class _Found:
    """Of one pod."""

    segments: int
    total: Sum
    differences: tuple[Difference, ...] = ()
    is_witnessed: bool = True
    moved_on: bool = False
    """The meter has heard more of it since."""


def _compared(
    uid: str, told: _Told, life: Life | None, lists: prices.PriceLists, since: Instant, until: Instant | None
) -> _Found:
    hours = told.by_hour()
    total = sum(hours.values(), Sum())
    if life is None:
        return _Found(len(told.segments), total, is_witnessed=False)
    end = told.reaches() if life.finished is None else life.finished
    end = end if until is None else min(end, until)
    lines = rating.lines(life.size, lists[told.region], started=life.started, since=since, until=end)
    lines = [rating.given_away(line) for line in lines] if life.is_free else lines
    expected = _by_hour((line.start, line.seconds, line.cost) for line in lines)
    differences = (
        Difference(uid, hour, ledger=said, life=true)
        for hour in sorted({*expected, *hours})
        if (said := hours.get(hour, Sum())) != (true := expected.get(hour, Sum()))
    )
    return _Found(len(told.segments), total, tuple(differences))


def _ledger(account: str | None, since: Instant, until: Instant | None) -> Iterator[tuple[str, _Told]]:
    """What the ledger says of each pod, one after the other. A correction begins in the hour of what it corrects."""
    lines = UsageSegment.objects.filter(start__gte=since).order_by("pod_uid", "seq")
    lines = lines if account is None else lines.filter(account=account)
    lines = lines if until is None else lines.filter(start__lt=until)
    for uid, some in groupby(lines.iterator(_STEP), key=lambda line: line.pod_uid):
        segments = list(some)
        yield uid, _Told(segments[0].region, segments)


def _metered(account: str | None) -> QuerySet[MeteredPod]:
    return MeteredPod.objects.all() if account is None else MeteredPod.objects.filter(account=account)


def _lives(read: int, account: str | None, since: Instant, until: Instant | None) -> dict[str, Life]:
    """By pod uid; what is newer counts, a witness counts for more than an estimate. Of pods whose marks say that they
    did not run in the span, nothing is kept."""
    pods = _metered(account).filter(Q(finished__isnull=True) | Q(finished__gt=since))
    lives = dict(_lives_from_marks(pods if until is None else pods.filter(started__lt=until)))
    for found in _witnesses(read, account):
        life = lives.get(found.uid)
        if life is None and found.started is not None:
            life = Life(found.account, found.size, found.started)
        if life is not None:
            lives[found.uid] = _heard(life, found)
    return lives


def _life_of(uid: str) -> Life | None:
    """Of a pod that did not run in the span and has lines there: they were taken back."""
    return dict(_lives_from_marks(MeteredPod.objects.filter(uid=uid))).get(uid)


def _heard(life: Life, found: Marks) -> Life:
    if found.finished is None or (found.estimated and life.finished is not None):
        return life
    return replace(life, finished=found.finished, estimated=found.estimated)


def _witnesses(read: int, account: str | None) -> Iterator[Marks]:
    """The objects that exist, then the log in its order: the newest word comes last."""
    for row in objects.scan("Pod", account=account).rows:
        if row.revision <= read:
            yield marks.read(Entry(row.revision, "MODIFIED", row.key, row.uid, row.data, None, row.created))
    place = changes.floor()
    while place < read and (entries := changes.after(place, kinds=("Pod",), account=account, limit=_STEP)):
        place = entries[-1].revision
        yield from (marks.read(entry) for entry in entries if entry.revision <= read)


def _lives_from_marks(pods: QuerySet[MeteredPod]) -> Iterator[tuple[str, Life]]:
    for pod in pods.iterator(_STEP):
        kept = orjson.loads(pod.evidence).get("lifecycle", {})
        started = instants.parse(kept["pullStartedAt"]) if "pullStartedAt" in kept else pod.started
        finished = instants.parse(kept["finishedAt"]) if "finishedAt" in kept else pod.finished
        yield pod.uid, Life(pod.account, pod.size, started, finished, pod.estimated, pod.is_free)


def _by_hour(lines: Iterable[tuple[Instant, int, Decimal]]) -> dict[Instant, Sum]:
    hours: dict[Instant, Sum] = defaultdict(Sum)
    for start, seconds, cost in lines:
        hours[instants.hour(start)] += Sum(seconds, cost)
    return dict(hours)
