"""Live cost equals the ledger at the same instant, to the last digit: one pod, a namespace, an account."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import client, instants, meter, sizes
from billing.client import Meter
from billing.instants import HOUR, SECOND, Instant
from billing.models import Price, UsageSegment
from billing.rating import Size
from tests.billing.lives import START, Log, Pod, at
from tests.billing.worlds import a_clean_world

Clock = Callable[[Instant], None]

pytestmark = pytest.mark.django_db

SHORT = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ledger_cost(account: str = "acme", *, since: Instant = 0) -> Decimal:
    lines = UsageSegment.objects.filter(account=account, start__gte=since).values_list("rate", "seconds")
    return sum((rate * seconds for rate, seconds in lines), Decimal(0))


def ticked(running: Meter, seconds: int) -> Decimal:
    return running.accrued + running.rate.per_second * seconds


def test_a_pod_costs_its_rate_for_every_second_begun(log: Log, pod: Pod, clock: Clock) -> None:
    log.change(pod, pullStartedAt=START)
    meter.read_once()
    clock(START + 10 * SECOND + 1)
    running = client.pod_meter("acme", pod.uid)
    assert running is not None
    assert (running.running, running.seconds, running.accrued) == (True, 11, Decimal("0.001958"))
    assert running.rate.per_second == Decimal("0.000178")
    assert client.meters("acme") == {pod.uid: running}


def test_a_pod_that_ended_stands_still(log: Log, pod: Pod, clock: Clock) -> None:
    log.change(pod, pullStartedAt=START)
    log.delete(pod, finishedAt=START + 10 * SECOND)
    meter.read_once()
    clock(START + HOUR)
    ended = client.pod_meter("acme", pod.uid)
    assert ended is not None
    assert (ended.running, ended.seconds, ended.accrued) == (False, 10, Decimal("0.00178"))
    assert client.meters("acme") == {}


def test_a_size_has_one_number_everywhere_and_none_is_none() -> None:
    small, large = Size("general-computing", 250, 1024), Size("general-computing", 500, 1024)
    sizes.remember([("cn-north-4", small), ("cn-north-4", large), ("cn-north-4", small)])
    numbers = [sizes.number("cn-north-4", small), sizes.number("cn-north-4", large), sizes.number("elsewhere", small)]

    assert len({sizes.NONE, *numbers}) == 4
    assert sizes.of([*numbers[:2], sizes.NONE]) == {
        numbers[0]: ("cn-north-4", small),
        numbers[1]: ("cn-north-4", large),
    }


def test_a_stranger_sees_nothing(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=START)
    meter.read_once()
    assert client.pod_meter("other", pod.uid) is None
    assert client.life("other", pod.uid) is None
    assert client.segments("other", pod.uid) == []
    assert client.meters("other") == client.by_workload("other", ["web"]) == {}
    assert client.total("other").accrued == client.cost_between("other", pod.uid, *map(instants.moment, (0, START * 2)))
    assert client.burn("other").per_second == 0


def test_the_month_counts_what_ran_in_it_and_today_what_ran_today(log: Log, pod: Pod, clock: Clock) -> None:
    midnight = instants.parse("2026-03-01T00:00:00Z")
    log.change(pod, pullStartedAt=midnight - 30 * SECOND)
    meter.read_once()
    clock(midnight + 12 * SECOND)
    assert client.total("acme").seconds == client.today("acme").seconds == 12, "the night's hour is not settled yet"
    clock(midnight + 25 * HOUR)
    meter.settle_once()
    assert client.total("acme").seconds == 25 * 3600
    assert client.today("acme").seconds == 3600


def test_totals_know_namespaces_and_workloads(log: Log, clock: Clock) -> None:
    web, job = Pod(uid="web", name="web"), Pod(uid="job", name="job", namespace="batch", specification="0.50_1.0")
    for pod in (web, job):
        log.change(pod, pullStartedAt=START)
    meter.read_once()
    clock(START + 100 * SECOND)
    assert client.total("acme").accrued == Decimal("0.02225")
    assert client.total("acme", namespace="batch").accrued == Decimal("0.00445")
    assert client.total("acme", workload_uid="web").accrued == Decimal("0.0178")
    assert {name: sums.seconds for name, sums in client.by_namespace("acme").items()} == {"shop": 100, "batch": 100}
    assert client.by_workload("acme", ["job", "nobody"]) == {"job": client.total("acme", namespace="batch")}
    assert client.burn("acme").per_hour == Decimal("0.801")
    assert client.burn("acme", namespace="batch").per_second == Decimal("0.0000445")


def test_the_parts_of_a_start_add_up_to_its_cost(log: Log, pod: Pod, clock: Clock) -> None:
    marks = [START + microseconds for microseconds in (0, 1_400_000, 2_500_000, 7_000_001)]
    log.change(pod, pullStartedAt=marks[0])
    meter.read_once()
    clock(marks[-1])
    parts = [
        client.cost_between("acme", pod.uid, instants.moment(a), instants.moment(b))
        for a, b in itertools.pairwise(marks)
    ]
    running = client.pod_meter("acme", pod.uid)
    assert running is not None
    assert sum(parts) == running.accrued == 8 * Decimal("0.000178")


def test_nothing_outside_a_life_costs_anything(log: Log, pod: Pod, clock: Clock) -> None:
    log.change(pod, pullStartedAt=START)
    log.delete(pod, finishedAt=START + 10 * SECOND)
    meter.read_once()
    long_ago, far_away = (instants.moment(START + days * 24 * HOUR) for days in (-1, 1))
    assert client.cost_between("acme", pod.uid, long_ago, far_away) == Decimal("0.00178")
    assert client.cost_between("acme", pod.uid, far_away, far_away + timedelta(hours=1)) == 0


def test_the_lines_of_a_running_pod_end_with_what_is_not_settled(log: Log, pod: Pod, clock: Clock) -> None:
    log.change(pod, pullStartedAt=at("10:09:06"))
    meter.read_once()
    clock(at("11:20:00"))
    meter.settle_once()
    written, unwritten = client.segments("acme", pod.uid)
    assert (written.open, written.seconds, unwritten.open, unwritten.seconds) == (False, 3054, True, 1200)
    assert written.cost + unwritten.cost == client.total("acme").accrued


def test_a_clock_that_was_set_back_takes_no_settled_hour_back(log: Log, pod: Pod, clock: Clock) -> None:
    log.change(pod, pullStartedAt=at("10:00:00"))
    meter.read_once()
    clock(at("11:02:00"))
    meter.settle_once()
    clock(at("10:59:00"))
    running = client.pod_meter("acme", pod.uid)
    assert running is not None
    assert running.seconds == client.total("acme").seconds == 3600


def spans(least: int, most: int) -> st.SearchStrategy[Instant]:
    """Where counting seconds goes wrong: on a full second, and a microsecond beside it."""
    whole = st.integers(least // SECOND + 1, most // SECOND - 1)
    return st.builds(lambda second, beside: second * SECOND + beside, whole, st.sampled_from([-1, 0, 1, 400_000]))


pods = st.lists(
    st.tuples(
        spans(0, 4 * HOUR),
        st.sampled_from(["0.25_1.0", "0.50_1.0", "2.00_4.0", "32.00_256.0"]),
        st.one_of(st.none(), spans(-2 * SECOND, 4 * HOUR)),
    ),
    min_size=1,
    max_size=6,
)
price_changes = st.lists(spans(-HOUR, 8 * HOUR), max_size=3, unique=True)


@given(pods, price_changes, spans(0, 5 * HOUR), spans(0, 9 * HOUR))
@SHORT
def test_live_cost_equals_the_ledger_if_everything_ended_now(
    log: Log,
    clock: Clock,
    lives: list[tuple[int, str, int | None]],
    changes: list[int],
    settled: int,
    now: int,
) -> None:
    with a_clean_world():
        change_prices(changes)
        running = [begin(log, number, *life) for number, life in enumerate(lives)]
        meter.read_once()
        meter.settle_once(now=START + min(settled, now))
        clock(START + now)
        total, singly = client.total("acme"), client.meters("acme")
        later = client.total("acme", at=instants.moment(START + now + 7 * SECOND))
        for pod in running:
            if pod is not None:
                log.delete(pod, finishedAt=max(START + now, pod.marks["pullStartedAt"]))
        meter.read_once()
        assert total.accrued == ledger_cost()
        assert sum((one.accrued for one in singly.values()), Decimal(0)) == total.accrued - cost_of_the_rest(singly)
        assert_ticks(total, later, changes, now, lives)


def change_prices(begins: list[int]) -> None:
    for number, begin in enumerate(begins):
        amount = Decimal("0.0001234567") * (number + 1)
        moment = instants.moment(START + begin)
        Price.objects.create(region="cn-north-4", item="vcpu", currency="CNY", amount=amount, effective_from=moment)


def begin(log: Log, number: int, offset: int, specification: str, length: int | None) -> Pod | None:
    """A pod that runs on, or None for one that ended already."""
    pod = Pod(uid=f"uid-{number}", name=f"pod-{number}", specification=specification)
    log.change(pod, pullStartedAt=START + offset)
    if length is None:
        return pod
    log.delete(pod, finishedAt=START + offset + length)
    return None


def cost_of_the_rest(singly: dict[str, Meter]) -> Decimal:
    """What the ledger said of pods that no longer run."""
    lines = UsageSegment.objects.exclude(pod_uid__in=singly).values_list("rate", "seconds")
    return sum((rate * seconds for rate, seconds in lines), Decimal(0))


def assert_ticks(
    total: Meter, later: Meter, changes: list[int], now: int, lives: list[tuple[int, str, int | None]]
) -> None:
    """With no price change and no start in between, seven ticks of the page are seven seconds of the ledger."""
    moves = [*changes, *(offset for offset, _, _ in lives)]
    if not any(now - SECOND <= move <= now + 7 * SECOND for move in moves) and all(o <= now for o, _, _ in lives):
        assert ticked(total, 7) == later.accrued
