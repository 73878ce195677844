"""What goes wrong where pods run, and what is billed then: from the runtime through the controllers to the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from billing import client, instants, lost, meter, statements
from billing.instants import HOUR, SECOND, Instant
from billing.models import MeteredPod, UsageSegment
from billing.recompute import recompute
from billing.statements import Period
from tests import manifests
from tests.billing.lives import START, Log, Pod
from tests.workloads.controllers.conftest import world as world
from tests.workloads.controllers.world import World, clock
from workloads.meta import times
from workloads.meta.keys import Uid
from workloads.runtimes.simulated import Simulated
from workloads.store import hosts
from workloads.store.models import Object

pytestmark = pytest.mark.django_db

Clock = Callable[[Instant], None]


def billed() -> int:
    return sum(UsageSegment.objects.values_list("seconds", flat=True))


def read() -> None:
    while meter.read_once():
        pass


def test_a_container_that_ends_while_nobody_looks_for_an_hour_is_billed_to_dockers_end(world: World) -> None:
    """The worker, the agent and their events are away; the hours that were settled meanwhile are taken back."""
    pod = world.create(manifests.pod(restartPolicy="Never"))
    world.settle()
    world.travel.shift(timedelta(minutes=10))
    runtime: Simulated = world.runtime
    runtime.exit(Uid(pod["metadata"]["uid"]), "app", 0)
    ended = clock()
    world.travel.shift(timedelta(hours=1, minutes=10))
    read()
    meter.settle_once()
    assert billed() == 3600 - start_of(world), "an hour that only seemed to run"
    world.resync()
    world.settle()
    read()
    finished = times.parse(world.pod()["status"]["lifecycle"]["finishedAt"])
    assert (finished, recompute().proven) == (ended, True)
    assert 600 <= billed() <= 605


def test_a_clock_that_steps_back_by_ninety_seconds_is_believed_and_bills_no_second_twice(world: World) -> None:
    """Ten minutes by a clock that was set back by 90 s are eight and a half: the runtime's clock is what is billed."""
    pod = world.create(manifests.pod(restartPolicy="Never"))
    world.advance(300)
    world.travel.shift(timedelta(seconds=-90))
    world.settle()
    world.travel.shift(timedelta(seconds=300))
    world.exit(pod)
    read()
    assert (510 <= billed() <= 515, recompute().proven) == (True, True)


def test_a_pod_that_a_clock_ends_before_its_start_costs_nothing(world: World) -> None:
    pod = world.create(manifests.pod(restartPolicy="Never"))
    world.settle()
    world.travel.shift(timedelta(seconds=-90))
    world.exit(pod)
    read()
    assert (billed(), MeteredPod.objects.get().finished is not None, recompute().proven) == (0, True, True)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A host, and a reader, whose clocks are put forward in spring and back in autumn."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    with timezone.override("Europe/Berlin"):
        yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("begins", "days"),
    [
        ("2026-03-28T23:30:00Z", [1800, 9000]),
        ("2026-10-24T23:30:00Z", [1800, 9000]),
        ("2026-10-31T22:30:00Z", [5400, 5400]),
    ],
)
def test_a_night_in_which_clocks_change_has_the_seconds_that_passed(
    berlin: None, log: Log, pod: Pod, begins: str, days: list[int]
) -> None:
    """Hours, days and months are UTC's, whatever the clocks on the wall say."""
    start = instants.parse(begins)
    log.change(pod, pullStartedAt=start, startedAt=start)
    read()
    meter.settle_once(now=start + 2 * HOUR)
    log.delete(pod, finishedAt=start + 3 * HOUR)
    read()
    edges = {edge % HOUR for edge in UsageSegment.objects.values_list("start", flat=True)} - {start % HOUR}
    day = Period.day_of(start)
    told = [statements.read("acme", one).seconds for one in (day, Period.day_of(day.end))]
    assert (billed(), told, edges, recompute().proven) == (3 * 3600, days, {0}, True)


@pytest.fixture
def free(settings: Settings) -> None:
    settings.BILL_FAILED_PULLS = False


def test_a_failed_pull_is_billed_from_pull_to_give_up_with_its_own_line(log: Log, pod: Pod) -> None:
    failed_pull(log, pod)
    (line,) = statements.read("acme", Period.parse("2026-02")).lines
    assert (line.activity, line.seconds, line.billed) == ("pull", 5400, Decimal("0.9612"))


def test_where_failed_pulls_are_free_the_line_stands_there_for_nothing(free: None, log: Log, pod: Pod) -> None:
    failed_pull(log, pod)
    (line,) = statements.read("acme", Period.parse("2026-02")).lines
    assert (line.activity, line.seconds, line.billed) == ("pull", 5400, 0)
    assert recompute().proven


def test_a_free_pull_is_written_when_it_is_known_what_became_of_it(
    free: None, log: Log, pod: Pod, clock: Clock
) -> None:
    log.change(pod, pullStartedAt=START)
    read()
    clock(START + 2 * HOUR)
    assert (meter.settle_once(), billed(), client.burn("acme").per_second) == (0, 0, 0)
    assert client.total("acme").accrued == client.meters("acme")[pod.uid].accrued == 0
    log.change(pod, startedAt=START + 2 * HOUR)
    read()
    clock(START + 2 * HOUR + 10 * SECOND)
    assert client.total("acme").seconds == client.meters("acme")[pod.uid].seconds == 7210
    log.delete(pod, finishedAt=START + 2 * HOUR + 10 * SECOND)
    read()
    assert (billed(), recompute().proven) == (7210, True)
    assert statements.read("acme", Period.parse("2026-02")).listed == 7210 * Decimal("0.000178")


def failed_pull(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=START)
    read()
    meter.settle_once(now=START + HOUR)
    log.delete(pod, finishedAt=START + 5400 * SECOND)
    read()


def start_of(world: World) -> int:
    """How far into its hour the pod began to be billed."""
    started = instants.parse(world.pod()["status"]["lifecycle"]["pullStartedAt"])
    return (started - instants.hour(started)) // SECOND


MINUTE = 60 * SECOND


def test_what_ran_on_a_host_that_is_lost_is_billed_to_its_last_heartbeat_as_an_estimate(log: Log, pod: Pod) -> None:
    a_lost_host(log, pod)
    (kept,) = MeteredPod.objects.all()
    assert (billed(), kept.finished, kept.estimated) == (30 * 60, START + 30 * MINUTE, True)
    assert UsageSegment.objects.exclude(corrects=None).count() > 0, "the hours that were settled meanwhile"
    assert recompute().proven


def test_a_host_that_is_only_silent_for_a_while_goes_on_being_billed(log: Log, pod: Pod) -> None:
    speak(START + 30 * MINUTE)
    log.change(pod, pullStartedAt=START, startedAt=START)
    read()
    assert lost.look(listening_since=START, now=START + 89 * MINUTE) == 0
    assert lost.look(listening_since=START + 80 * MINUTE, now=START + 100 * MINUTE) == 0, "nobody was there to hear it"
    assert MeteredPod.objects.get().finished is None


def test_a_host_that_comes_back_is_believed(log: Log, pod: Pod) -> None:
    a_lost_host(log, pod)
    stands(pod)
    speak(START + 170 * MINUTE)
    assert lost.look(listening_since=START, now=START + 171 * MINUTE) == 1
    assert lost.look(listening_since=START, now=START + 172 * MINUTE) == 0
    log.delete(pod, finishedAt=START + 180 * MINUTE)
    read()
    assert (billed(), MeteredPod.objects.get().estimated, recompute().proven) == (180 * 60, False, True)


def test_a_look_with_nothing_to_do_asks_an_index_and_writes_nothing(log: Log, pod: Pod) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("a small table is read whole elsewhere")
    speak(START)
    log.change(pod, pullStartedAt=START)
    log.delete(pod, finishedAt=START + MINUTE)
    read()
    with CaptureQueriesContext(connection) as asked:
        assert lost.look(listening_since=START, now=START + 2 * MINUTE) == 0
    (found,) = (query["sql"] for query in asked if "billing_" in query["sql"])
    with connection.cursor() as cursor:
        plan = cursor.execute(f"EXPLAIN QUERY PLAN {found}").fetchall()
    assert "metered_lost" in str(plan)


def test_an_end_that_was_seen_counts_for_more_than_the_last_heartbeat(log: Log, pod: Pod) -> None:
    a_lost_host(log, pod)
    log.delete(pod, finishedAt=START + 20 * MINUTE)
    read()
    speak(START + 170 * MINUTE)
    assert lost.look(listening_since=START, now=START + 171 * MINUTE) == 0, "it has ended"
    assert (billed(), recompute().proven) == (20 * 60, True)


def test_a_pod_that_went_while_its_host_was_lost_is_never_billed_again(log: Log, pod: Pod) -> None:
    a_lost_host(log, pod)
    log.delete(pod, at=START + 160 * MINUTE)
    read()
    speak(START + 170 * MINUTE)
    assert lost.look(listening_since=START, now=START + 171 * MINUTE) == 0, "its end is told"
    meter.settle_once(now=START + 10 * HOUR)
    assert (billed(), recompute().proven) == (30 * 60, True)


def test_a_lost_pod_without_an_object_stays_closed_when_the_host_speaks(log: Log, pod: Pod) -> None:
    """Its DELETED entry was not read, or the log was trimmed before it was."""
    a_lost_host(log, pod)
    speak(START + 170 * MINUTE)
    assert lost.look(listening_since=START, now=START + 171 * MINUTE) == 1
    assert lost.look(listening_since=START, now=START + 172 * MINUTE) == 0
    assert MeteredPod.objects.get().finished == START + 30 * MINUTE


def test_a_lost_pod_that_a_trimmed_log_forgot_is_let_go(log: Log, pod: Pod) -> None:
    a_lost_host(log, pod)
    meter.resync()
    kept = MeteredPod.objects.get()
    assert (kept.lost, kept.finished, billed()) == (False, START + 30 * MINUTE, 30 * 60)


def test_a_free_pull_on_a_lost_host_is_billed_when_it_leads_to_a_start(free: None, log: Log, pod: Pod) -> None:
    speak(START + 30 * MINUTE)
    log.change(pod, pullStartedAt=START)
    read()
    assert lost.look(listening_since=START, now=START + 150 * MINUTE) == 0
    log.delete(pod, startedAt=START + 20 * MINUTE, finishedAt=START + 180 * MINUTE)
    read()
    assert statements.read("acme", Period.parse("2026-02")).listed == 180 * 60 * Decimal("0.000178")
    assert recompute().proven


def stands(pod: Pod) -> None:
    """Its object is there."""
    entry = pod.entry("MODIFIED", revision=1)
    Object.objects.create(**entry.key._asdict(), uid=pod.uid, revision=1, created=entry.at, data=entry.data)


def a_lost_host(log: Log, pod: Pod) -> None:
    """Heard for half an hour of the pod's life, then for two hours no more."""
    speak(START + 30 * MINUTE)
    log.change(pod, pullStartedAt=START, startedAt=START)
    read()
    meter.settle_once(now=START + 110 * MINUTE)
    assert lost.look(listening_since=START, now=START + 150 * MINUTE) == 1
    assert lost.look(listening_since=START, now=START + 151 * MINUTE) == 0


def speak(at: Instant) -> None:
    hosts.put("node-1", hosts.NODE, {"at": instants.text(at)})
