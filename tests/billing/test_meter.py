"""From the log to the ledger: what is billed, from when to when, and to whom."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from billing import client, instants, meter, prices
from billing.instants import HOUR, SECOND
from billing.models import AppendOnly, MeteredPod, UsageSegment
from tests.billing.lives import START, Log, Pod, at
from workloads.store import changes
from workloads.store.models import Change, Cursor, Object

Clock = Callable[[int], None]

pytestmark = pytest.mark.django_db


def ledger(**of: Any) -> list[UsageSegment]:
    return list(UsageSegment.objects.filter(**of).order_by("pod_uid", "seq"))


def seconds(**of: Any) -> int:
    return sum(segment.seconds for segment in ledger(**of))


def test_two_hours_from_ten_past_ten_are_three_hourly_records(log: Log, pod: Pod) -> None:
    log.add(pod)
    log.change(pod, pullStartedAt=at("10:09:06"), startedAt=at("10:09:09"))
    log.delete(pod, finishedAt=at("12:09:06"))
    meter.read_once()
    assert [segment.seconds for segment in ledger()] == [3054, 3600, 546]
    assert sum(segment.rate * segment.seconds for segment in ledger()) == Decimal("1.2816")


def test_a_pod_is_billed_as_soon_as_its_pull_starts(log: Log, pod: Pod) -> None:
    log.add(pod)
    meter.read_once()
    assert not MeteredPod.objects.exists()
    log.change(pod, pullStartedAt=START)
    meter.read_once()
    assert MeteredPod.objects.get().started == START


def test_a_pod_that_never_found_room_costs_nothing(log: Log, pod: Pod) -> None:
    log.add(pod)
    log.delete(pod, finishedAt=START + SECOND)
    meter.read_once()
    assert not ledger()


@pytest.mark.parametrize(("length", "billed"), [(1, 1), (SECOND, 1), (SECOND + 1, 2), (0, 0), (-90 * SECOND, 0)])
def test_a_short_life_is_billed_up_to_the_second_it_began(log: Log, pod: Pod, length: int, billed: int) -> None:
    log.change(pod, pullStartedAt=START)
    log.delete(pod, finishedAt=START + length)
    meter.read_once()
    assert seconds() == billed
    assert MeteredPod.objects.get().finished == START + length


def test_a_pull_that_fails_is_billed_until_the_pod_goes_as_pull(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=START)
    log.delete(pod, finishedAt=START + 40 * SECOND)
    meter.read_once()
    (segment,) = ledger()
    assert (segment.seconds, segment.activity) == (40, UsageSegment.Activity.PULL)


def test_restarts_inside_a_pod_do_not_interrupt_its_bill(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=START, startedAt=START + SECOND)
    for pod.restarts in (1, 2, 3):
        log.change(pod)
    log.delete(pod, finishedAt=START + 60 * SECOND)
    meter.read_once()
    (segment,) = ledger()
    assert (segment.seconds, segment.activity) == (60, UsageSegment.Activity.RUN)


def test_a_pod_that_completed_costs_nothing_more_until_it_is_deleted(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=START, startedAt=START + SECOND)
    log.change(pod, finishedAt=START + 10 * SECOND)
    log.delete(pod, at=START + HOUR)
    meter.read_once()
    assert seconds() == 10


def test_a_pod_that_went_without_a_word_ends_when_its_containers_did(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=START, startedAt=START + SECOND)
    pod.terminated_at = START + 20 * SECOND
    log.delete(pod, at=START + HOUR)
    meter.read_once()
    assert (seconds(), MeteredPod.objects.get().estimated) == (20, False)


def test_a_pod_that_nobody_saw_end_ends_with_its_object_and_says_estimated(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=START, startedAt=START + SECOND)
    log.delete(pod, at=START + 30 * SECOND)
    meter.read_once()
    (segment,) = ledger()
    assert (segment.seconds, segment.estimated) == (30, True)


def test_a_log_clock_that_was_set_back_ends_no_pod_before_its_last_mark(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=START, startedAt=START + 5 * SECOND)
    log.delete(pod, at=START - 90 * SECOND)
    meter.read_once()
    assert seconds() == 5


def test_running_pods_are_settled_once_an_hour(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=at("10:09:06"))
    meter.read_once()
    assert meter.settle_once(now=at("11:00:30")) == 0, "news of the last hour may still be under way"
    assert meter.settle_once(now=at("12:02:00")) == 1
    assert meter.settle_once(now=at("12:02:00")) == 0
    assert [segment.seconds for segment in ledger()] == [3054, 3600]


def test_settled_or_not_the_life_costs_the_same(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=at("10:09:06"))
    meter.read_once()
    meter.settle_once(now=at("11:30:00"))
    log.delete(pod, finishedAt=at("12:09:06"))
    meter.read_once()
    assert [segment.seconds for segment in ledger()] == [3054, 3600, 546]


def test_an_end_that_comes_late_is_a_correction_that_points_at_what_it_corrects(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=at("10:09:06"))
    meter.read_once()
    meter.settle_once(now=at("13:30:00"))
    log.delete(pod, at=at("13:40:00"), finishedAt=at("11:30:00"))
    meter.read_once()
    first, second, third, *corrections = ledger()
    assert [line.corrects for line in corrections] == [second.id, third.id]
    assert [line.seconds for line in corrections] == [-1800, -3600]
    assert seconds() == instants.of(instants.moment(at("11:30:00"))) // SECOND - first.start // SECOND


def test_an_end_that_is_corrected_twice_still_adds_up(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=at("10:00:00"))
    for end in ("12:30:00", "11:15:00", "13:10:00", "11:40:00"):
        log.change(pod, finishedAt=at(end))
        meter.read_once()
        assert seconds() == (at(end) - at("10:00:00")) // SECOND
        assert MeteredPod.objects.get().accrued == sum(line.rate * line.seconds for line in ledger())


def test_a_price_that_changes_while_a_pod_runs_splits_its_hour(log: Log, pod: Pod, monkeypatch: Any) -> None:
    prices.set_price("vcpu", Decimal("0.000098"), effective_from=instants.moment(instants.now() + HOUR))
    change = instants.of(prices.Price.objects.latest("effective_from").effective_from)
    log.change(pod, pullStartedAt=change - 10 * SECOND)
    log.delete(pod, finishedAt=change + 10 * SECOND)
    meter.read_once()
    paid = {(segment.seconds, segment.rate) for segment in ledger() if segment.seconds}
    assert {rate for _, rate in paid} == {Decimal("0.000178"), Decimal("0.000276")}
    assert sum(seconds * rate for seconds, rate in paid) == 10 * (Decimal("0.000178") + Decimal("0.000276"))


def test_the_bill_names_the_deployment_behind_the_replicaset(log: Log, pod: Pod) -> None:
    log.own("ReplicaSet", "rs-1", {"kind": "Deployment", "name": "web", "uid": "deploy-1"})
    pod.owner = {"kind": "ReplicaSet", "name": "web-5d4f", "uid": "rs-1"}
    log.change(pod, pullStartedAt=START)
    meter.read_once()
    metered = MeteredPod.objects.get()
    assert (metered.workload_kind, metered.workload_name, metered.workload_uid) == ("Deployment", "web", "deploy-1")


def test_the_bill_names_the_cronjob_behind_the_job(log: Log, pod: Pod) -> None:
    log.own("Job", "job-1", {"kind": "CronJob", "name": "tick", "uid": "cron-1"})
    pod.owner = {"kind": "Job", "name": "tick-29453525", "uid": "job-1"}
    log.change(pod, pullStartedAt=START)
    meter.read_once()
    metered = MeteredPod.objects.get()
    assert (metered.workload_kind, metered.workload_name, metered.workload_uid) == ("CronJob", "tick", "cron-1")


def test_an_owner_the_log_has_forgotten_is_read_from_its_object(log: Log, pod: Pod) -> None:
    Object.objects.create(
        account="acme",
        kind="ReplicaSet",
        namespace="shop",
        name="web-5d4f",
        uid="rs-1",
        revision=1,
        created=instants.moment(START),
        data=b'{"metadata":{"ownerReferences":[{"controller":true,"kind":"Deployment","name":"web","uid":"d"}]}}',
    )
    pod.owner = {"kind": "ReplicaSet", "name": "web-5d4f", "uid": "rs-1"}
    log.change(pod, pullStartedAt=START)
    meter.read_once()
    assert MeteredPod.objects.get().workload_name == "web"


def test_an_owner_reference_to_a_strangers_object_tells_nothing_about_it(log: Log, pod: Pod) -> None:
    log.own("ReplicaSet", "rs-1", {"kind": "Deployment", "name": "secret-plan", "uid": "d"}, account="other")
    pod.owner = {"kind": "ReplicaSet", "name": "guess", "uid": "rs-1"}
    log.change(pod, pullStartedAt=START)
    meter.read_once()
    assert MeteredPod.objects.get().workload_name == "guess"


def test_a_ring_of_owners_does_not_hold_the_meter(log: Log, pod: Pod) -> None:
    log.own("ReplicaSet", "a", {"kind": "ReplicaSet", "name": "b", "uid": "b"})
    log.own("ReplicaSet", "b", {"kind": "ReplicaSet", "name": "a", "uid": "a"})
    pod.owner = {"kind": "ReplicaSet", "name": "a", "uid": "a"}
    log.change(pod, pullStartedAt=START)
    assert meter.read_once() == 3


def test_a_pod_of_its_own_is_its_own_workload(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=START)
    meter.read_once()
    metered = MeteredPod.objects.get()
    assert (metered.workload_kind, metered.workload_name, metered.workload_uid) == ("Pod", "web-1", pod.uid)


def test_a_pod_without_a_size_is_metered_at_no_cost(log: Log, pod: Pod, caplog: Any) -> None:
    pod.specification = "large"
    log.change(pod, pullStartedAt=START)
    log.delete(pod, finishedAt=START + SECOND)
    meter.read_once()
    assert [(line.seconds, line.rate) for line in ledger()] == [(1, 0)]
    assert "has no readable resource.cci.io/pod-size-specs" in caplog.text


def test_cards_are_metered_by_their_model(log: Log, pod: Pod) -> None:
    pod.cards = {"nvidia.com/gpu-tesla-t4": "2"}
    log.change(pod, pullStartedAt=START)
    meter.read_once()
    metered = MeteredPod.objects.get()
    assert (metered.flavor, metered.gpu_model, metered.gpu_count) == ("gpu-accelerated", "nvidia.com/gpu-tesla-t4", 2)


def test_an_entry_that_cannot_be_read_holds_up_nobody(log: Log, pod: Pod, caplog: Any) -> None:
    log.change(Pod(uid="odd", name="odd"), pullStartedAt=START)
    Change.objects.update(data=b'{"metadata": 7}')
    log.change(pod, pullStartedAt=START)
    assert meter.read_once() == 2
    assert MeteredPod.objects.get().uid == pod.uid
    assert "cannot be metered" in caplog.text


def test_a_mark_that_is_no_time_is_reported_and_taken_as_missing(log: Log, pod: Pod, caplog: Any) -> None:
    log.change(pod, pullStartedAt=START)
    Change.objects.update(data=Change.objects.get().data.replace(b"2026-02-03T10:09:06.000000Z", b"noon"))
    meter.read_once()
    assert not MeteredPod.objects.exists()
    assert "status.lifecycle.pullStartedAt is not an RFC3339 time: 'noon'" in caplog.text


def test_pods_that_went_while_the_log_was_trimmed_end_where_they_were_last_seen(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=START, startedAt=START + 7 * SECOND)
    meter.read_once()
    Cursor.objects.create(reader="log:floor", revision=1000)
    assert meter.read_once() == 0
    assert (seconds(), MeteredPod.objects.get().estimated) == (7, True)
    assert Cursor.objects.get(reader="meter").revision == changes.head()


def test_pods_that_run_while_the_log_was_trimmed_are_metered_from_their_objects(log: Log, pod: Pod) -> None:
    pod.marks["pullStartedAt"] = START
    entry = pod.entry("MODIFIED", revision=2000)
    Object.objects.create(**entry.key._asdict(), uid=pod.uid, revision=2000, created=entry.at, data=entry.data)
    Cursor.objects.create(reader="log:floor", revision=1000)
    assert meter.read_once() == 1
    assert MeteredPod.objects.get().finished is None


def test_the_ledger_only_grows(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=START)
    log.delete(pod, finishedAt=START + SECOND)
    meter.read_once()
    segment = UsageSegment.objects.get()
    for change in (
        segment.save,
        segment.delete,
        UsageSegment.objects.all().delete,
        lambda: UsageSegment.objects.update(seconds=0),
        lambda: UsageSegment.objects.bulk_update([segment], ["seconds"]),
    ):
        with pytest.raises(AppendOnly, match="The ledger only grows"):
            change()


def test_a_second_meter_that_comes_too_late_writes_nothing(log: Log, pod: Pod, monkeypatch: Any) -> None:
    log.change(pod, pullStartedAt=START)
    stale = changes.batch(meter.READER, kinds=meter.KINDS)
    meter.read_once()
    monkeypatch.setattr(changes, "batch", lambda *_, **__: stale)
    with pytest.raises(changes.Moved):
        meter.read_once()


def test_running_survives_a_stumble_and_stops_when_told(monkeypatch: Any, caplog: Any) -> None:
    stop = threading.Event()
    looks = []

    def look() -> int:
        looks.append(1)
        if len(looks) == 1:
            raise RuntimeError("database away")
        stop.set()
        return 0

    monkeypatch.setattr(meter, "read_once", look)
    monkeypatch.setattr(meter, "settle_once", lambda: 0)
    monkeypatch.setattr(meter, "_wait", lambda bell, stop: None)
    monkeypatch.setattr(meter, "close_old_connections", lambda: None)
    meter.run(stop)
    assert len(looks) == 2
    assert "tries again" in caplog.text


def test_evidence_lets_anyone_recompute_the_bill(log: Log, pod: Pod) -> None:
    log.change(pod, pullStartedAt=at("10:09:06"))
    log.delete(pod, finishedAt=at("12:09:06"))
    meter.read_once()
    life = client.life("acme", pod.uid)
    assert life is not None
    assert life.marks == {
        "pullStartedAt": "2026-02-03T10:09:06.000000Z",
        "finishedAt": "2026-02-03T12:09:06.000000Z",
    }
    assert life.containers == {"app": "docker://c0ffee"}
