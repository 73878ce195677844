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

import orjson
from django.conf import settings
from django.db.models import QuerySet

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
class _Account:
    """One pod's lines in the ledger."""

    region: str
    segments: list[UsageSegment] = field(default_factory=list)

    def within(self, until: Instant | None) -> list[UsageSegment]:
        return [line for line in self.segments if until is None or line.start < until]

    def by_hour(self, until: Instant | None) -> dict[Instant, Sum]:
        return _by_hour((line.start, line.seconds, line.rate * line.seconds) for line in self.within(until))

    def reaches(self) -> Instant:
        """Until when the ledger has spoken of this pod; 0 when it has not."""
        return max((line.end for line in ledger.standing(self.segments)), default=0)


def recompute(*, account: str | None = None, since: Instant = 0, until: Instant | None = None) -> Report:
    """Every pod of `account` (of all), as far as the meter has read the log. It may read on meanwhile: a pod of which
    it hears something newer is left out. `since` and `until`, full hours, leave out what was used before and after."""
    read = Cursor.objects.filter(reader=READER).values_list("revision", flat=True).first() or 0
    accounts = _accounts(account, since)
    lives = _lives(read, account)
    lives = {uid: life for uid, life in lives.items() if uid in accounts or life.overlaps(since, until)}
    for uid in _moved_on(read, account, accounts):
        accounts.pop(uid, None)
        lives.pop(uid, None)
    return Report(
        pods=len(lives),
        segments=sum(len(told.within(until)) for told in accounts.values()),
        total=sum((line for told in accounts.values() for line in told.by_hour(until).values()), Sum()),
        differences=tuple(_differences(lives, accounts, since, until)),
        unwitnessed=tuple(sorted(set(accounts) - set(lives))),
    )


def _moved_on(read: int, account: str | None, accounts: dict[str, _Account]) -> set[str]:
    heard_of = _metered(account).filter(revision__gt=read).values_list("uid", flat=True)
    written = (uid for uid, told in accounts.items() if any(line.revision > read for line in told.segments))
    return {*heard_of, *written}


def _accounts(account: str | None, since: Instant) -> dict[str, _Account]:
    lines = UsageSegment.objects.filter(start__gte=since).order_by("pod_uid", "seq")
    told: dict[str, _Account] = {}
    for line in (lines if account is None else lines.filter(account=account)).iterator(_STEP):
        told.setdefault(line.pod_uid, _Account(line.region)).segments.append(line)
    return told


def _metered(account: str | None) -> QuerySet[MeteredPod]:
    return MeteredPod.objects.all() if account is None else MeteredPod.objects.filter(account=account)


def _lives(read: int, account: str | None) -> dict[str, Life]:
    """By pod uid; what is newer counts, a witness counts for more than an estimate."""
    lives = dict(_lives_from_marks(account))
    for found in _witnesses(read, account):
        life = lives.get(found.uid)
        if life is None and found.started is not None:
            life = Life(found.account, found.size, found.started)
        if life is not None:
            lives[found.uid] = _heard(life, found)
    return lives


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


def _lives_from_marks(account: str | None) -> Iterator[tuple[str, Life]]:
    for pod in _metered(account).iterator(_STEP):
        kept = orjson.loads(pod.evidence).get("lifecycle", {})
        started = instants.parse(kept["pullStartedAt"]) if "pullStartedAt" in kept else pod.started
        finished = instants.parse(kept["finishedAt"]) if "finishedAt" in kept else pod.finished
        yield pod.uid, Life(pod.account, pod.size, started, finished, pod.estimated, pod.is_free)


def _differences(
    lives: dict[str, Life], accounts: dict[str, _Account], since: Instant, until: Instant | None
) -> Iterator[Difference]:
    lists = prices.PriceLists()
    for uid, life in sorted(lives.items()):
        told = accounts.get(uid) or _Account(settings.REGION)
        end = told.reaches() if life.finished is None else life.finished
        end = end if until is None else min(end, until)
        lines = rating.lines(life.size, lists[told.region], started=life.started, since=since, until=end)
        lines = [rating.given_away(line) for line in lines] if life.is_free else lines
        expected = _by_hour((line.start, line.seconds, line.cost) for line in lines)
        found = told.by_hour(until)
        for hour in sorted({*expected, *found}):
            if (said := found.get(hour, Sum())) != (true := expected.get(hour, Sum())):
                yield Difference(uid, hour, ledger=said, life=true)


def _by_hour(lines: Iterable[tuple[Instant, int, Decimal]]) -> dict[Instant, Sum]:
    hours: dict[Instant, Sum] = defaultdict(Sum)
    for start, seconds, cost in lines:
        hours[instants.hour(start)] += Sum(seconds, cost)
    return dict(hours)
