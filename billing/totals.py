"""Running totals: what a pod, a workload, a namespace or an account has cost, and by how much that grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing import instants, live, prices, rating
from billing.instants import Instant
from billing.live import Tally
from billing.models import MeteredPod
from billing.rating import Line, PriceList, Rate

_AT_ONCE = 500
"""Values in one question: it may not be of any length."""


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


def pod_meter(account: str, pod_uid: str, *, at: datetime | None = None) -> Meter | None:
    """The whole life of one pod. None when the pod was never billed."""
    pod = MeteredPod.objects.filter(account=account, uid=pod_uid).first()
    return _pod_meter(pod, prices.current(pod.region), instant(at)) if pod else None


def pod_meters(account: str, pod_uids: Iterable[str], *, at: datetime | None = None) -> dict[str, Meter]:
    """`pod_meter` of several pods by their uid, in few questions. Pods that were never billed are not in it."""
    asked, lists, now, found = list(pod_uids), prices.PriceLists(), instant(at), dict[str, Meter]()
    for start in range(0, len(asked), _AT_ONCE):
        pods = MeteredPod.objects.filter(account=account, uid__in=asked[start : start + _AT_ONCE])
        found |= {pod.uid: _pod_meter(pod, lists[pod.region], now) for pod in pods}
    return found


def together(meters: Iterable[Meter], *, at: datetime | None = None) -> Meter:
    """The sum of what these say."""
    several, now = list(meters), instant(at)
    return Meter(
        rate=Rate(prices.current().currency, sum((one.rate.per_second for one in several if one.running), Decimal(0))),
        accrued=sum((one.accrued for one in several), Decimal(0)),
        as_of=max((one.as_of for one in several), default=instants.moment(now)),
        running=any(one.running for one in several),
        seconds=sum(one.seconds for one in several),
    )


def meters(account: str, *, namespace: str | None = None, at: datetime | None = None) -> dict[str, Meter]:
    """By pod uid, for pods that run now: the whole life of each."""
    lists, now = prices.PriceLists(), instant(at)
    running = MeteredPod.objects.filter(**_scope(account, namespace), finished__isnull=True)
    return {pod.uid: _pod_meter(pod, lists[pod.region], now) for pod in running}


def total(
    account: str, *, namespace: str | None = None, workload_uid: str | None = None, at: datetime | None = None
) -> Meter:
    """The sum over pods, running and ended, since the start of the month (UTC)."""
    now = instant(at)
    return _sum(_scope(account, namespace, workload_uid), since=instants.month(now), at=now)


def today(account: str, *, namespace: str | None = None, at: datetime | None = None) -> Meter:
    """The same since midnight UTC."""
    now = instant(at)
    return _sum(_scope(account, namespace), since=instants.day(now), at=now)


def by_workload(account: str, uids: Iterable[str], *, at: datetime | None = None) -> dict[str, Meter]:
    """`total` of each of these workloads by its uid (a bare pod is its own workload), in few questions for many. What
    was never billed is not in it."""
    asked, now, found = list(uids), instant(at), dict[str, Meter]()
    for start in range(0, len(asked), _AT_ONCE):
        scope: live.Scope = {"account": account, "workload_uid": tuple(asked[start : start + _AT_ONCE])}
        found |= _sums(scope, by="workload_uid", at=now)
    return found


def by_namespace(account: str, *, at: datetime | None = None) -> dict[str, Meter]:
    """`total` of each namespace by its name."""
    return _sums(_scope(account), by="namespace", at=instant(at))


def burn(account: str, *, namespace: str | None = None, workload_uid: str | None = None) -> Rate:
    """What all that runs now costs; `per_hour` is the header's figure."""
    per_second = live.burn(_scope(account, namespace, workload_uid), at=instants.now())
    return Rate(prices.current().currency, per_second)


def instant(at: datetime | None) -> Instant:
    """Now where none is said."""
    return instants.now() if at is None else instants.of(at)


def _pod_meter(pod: MeteredPod, price_list: PriceList, now: Instant) -> Meter:
    at = max(pod.settled_until, now) if pod.finished is None else pod.settled_until
    unwritten = lines(pod, price_list, since=pod.settled_until, until=at)
    rate = rating.rate_or_nothing(price_list, pod.size, at)
    return Meter(
        rate=Rate(rate.currency, Decimal(0)) if pod.is_free else rate,
        accrued=pod.accrued + rating.cost(unwritten),
        as_of=instants.moment(rating.last_second_began(pod.started, at)),
        running=pod.finished is None,
        seconds=rating.billed_seconds(pod.started, at),
    )


def lines(pod: MeteredPod, price_list: PriceList, *, since: Instant, until: Instant) -> list[Line]:
    lines = rating.lines(pod.size, price_list, started=pod.started, since=since, until=until)
    return [rating.given_away(line) for line in lines] if pod.is_free else lines


def _sum(scope: Mapping[str, str], *, since: Instant, at: Instant) -> Meter:
    tally = live.tallies(scope, by="account", since=since, at=at).get(scope["account"], Tally())
    return meter_of(tally, prices.current().currency, at)


def _sums(scope: live.Scope, *, by: live.Column, at: Instant) -> dict[str, Meter]:
    currency = prices.current().currency
    tallies = live.tallies(scope, by=by, since=instants.month(at), at=at)
    return {name: meter_of(tally, currency, at) for name, tally in tallies.items()}


def meter_of(tally: Tally, currency: str, at: Instant) -> Meter:
    return Meter(
        rate=Rate(currency, tally.per_second),
        accrued=tally.cost,
        as_of=instants.moment(at),
        running=tally.pods > 0,
        seconds=tally.seconds,
    )


def _scope(account: str, namespace: str | None = None, workload_uid: str | None = None) -> dict[str, str]:
    scope = {"account": account, "namespace": namespace, "workload_uid": workload_uid}
    return {column: value for column, value in scope.items() if value is not None}
