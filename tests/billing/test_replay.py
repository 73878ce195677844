"""Replaying the log changes nothing: from any place, any number of times, through any crash."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import ledger, meter
from billing.instants import HOUR, SECOND
from billing.models import MeteredPod, UsageSegment
from tests.billing.lives import START, Log, Pod
from tests.billing.worlds import a_clean_world
from workloads.store import changes
from workloads.store.models import Change, Cursor

pytestmark = pytest.mark.django_db

SHORT = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Killed(BaseException):
    """The process is gone: nothing catches this."""


def a_busy_log(log: Log) -> None:
    """Three lives that overlap: one completes, one is deleted while it pulls, one is settled and runs on."""
    done, failed, runs = (Pod(uid=f"uid-{name}", name=name) for name in ("done", "failed", "runs"))
    for pod in (done, failed, runs):
        log.add(pod)
    log.change(done, pullStartedAt=START)
    log.change(failed, pullStartedAt=START + SECOND // 3)
    log.change(done, startedAt=START + 2 * SECOND)
    log.change(runs, pullStartedAt=START + 5 * SECOND)
    log.delete(failed, finishedAt=START + 31 * SECOND)
    log.change(done, finishedAt=START + 2 * HOUR)
    log.change(runs, startedAt=START + 6 * SECOND)
    log.delete(done)


def told() -> list[tuple[Any, ...]]:
    """Everything the ledger says, but for when it was written."""
    return sorted(
        UsageSegment.objects.values_list(
            "id", "pod_uid", "seq", "start", "end", "seconds", "rate", "activity", "estimated", "corrects"
        )
    )


def known() -> list[tuple[Any, ...]]:
    return sorted(MeteredPod.objects.values_list("uid", "started", "finished", "settled_until", "accrued", "next_seq"))


def read_from(revision: int) -> None:
    changes.place(meter.READER, revision)
    while meter.read_once(limit=3):
        pass


def test_replay_from_every_cursor_gives_the_same_ledger(log: Log) -> None:
    a_busy_log(log)
    read_from(0)
    meter.settle_once(now=START + 3 * HOUR)
    ledger, pods = told(), known()
    for revision in range(changes.head() + 1):
        read_from(revision)
        assert (told(), known()) == (ledger, pods)


def test_metering_as_it_happens_and_all_at_once_give_the_same_ledger(log: Log) -> None:
    a_busy_log(log)
    read_from(0)
    at_once = told()
    UsageSegment.objects.all()._raw_delete(using="default")
    MeteredPod.objects.all().delete()
    changes.place(meter.READER, 0)
    while meter.read_once(limit=1):
        pass
    assert told() == at_once


def test_each_entry_delivered_a_thousand_times_is_billed_once(log: Log) -> None:
    a_busy_log(log)
    read_from(0)
    ledger = told()
    meter.apply([entry for entry in log.entries for _ in range(1000)])
    assert told() == ledger


def test_an_older_word_about_an_end_that_comes_again_counts_for_nothing(log: Log, pod: Pod) -> None:
    """The runtime first said one end, then another one."""
    log.change(pod, pullStartedAt=START, startedAt=START)
    log.change(pod, finishedAt=START + 50 * SECOND)
    log.change(pod, finishedAt=START + 40 * SECOND)
    read_from(0)
    ledger = told()
    assert seconds_of(pod.uid) == 40
    meter.apply([log.entries[1]] * 1000)
    assert told() == ledger


def test_a_lost_projection_is_found_again_in_the_ledger(log: Log) -> None:
    a_busy_log(log)
    read_from(0)
    meter.settle_once(now=START + 3 * HOUR)
    ledger, pods = told(), known()
    MeteredPod.objects.all().delete()
    read_from(0)
    assert (told(), known()) == (ledger, pods)


@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 11), max_size=8))
@SHORT
def test_entries_may_come_again_in_any_order(log: Log, order: random.Random, again: list[int]) -> None:
    """The first reading is in order, as a log's is; what is heard again, in whatever order, is old news."""
    with a_clean_world():
        a_busy_log(log)
        read_from(0)
        ledger = told()
        entries = log.entries[-11:]
        shuffled = [entries[index % 11] for index in again]
        order.shuffle(shuffled)
        for entry in shuffled:
            meter.apply([entry])
        assert told() == ledger


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_thousand_short_lives_under_a_meter_that_is_killed_again_and_again(
    log: Log, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    truth = write_lives(log, chance, count=334)
    kill_at_random(monkeypatch, chance)
    kills = 0
    while True:
        try:
            if not meter.read_once(limit=chance.randint(1, 120)):
                break
            meter.settle_once(now=START + chance.randint(0, 7200) * SECOND, limit=20)
        except Killed:
            kills += 1
    assert kills > 20
    assert {uid: seconds_of(uid) for uid in truth} == truth


def write_lives(log: Log, chance: random.Random, *, count: int) -> dict[str, int]:
    """Pods that live 1-60 s, their entries interleaved as time would. Returns the seconds each must be billed."""
    steps: list[tuple[int, int, Callable[[], None]]] = []
    truth = {}
    for number in range(count):
        pod = Pod(uid=f"uid-{number}", name=f"pod-{number}")
        begun = START + chance.randint(0, 3600 * SECOND)
        length = chance.randint(SECOND, 60 * SECOND)
        truth[pod.uid] = -(-length // SECOND)
        steps.append((begun, number, lambda p=pod, t=begun: log.change(p, pullStartedAt=t)))
        steps.append((begun + length // 2, number, lambda p=pod, t=begun: log.change(p, startedAt=t + 1)))
        steps.append((begun + length, number, lambda p=pod, t=begun + length: log.change(p, finishedAt=t)))
        steps.append((begun + length + SECOND, number, lambda p=pod: log.delete(p)))
    for _, _, step in sorted(steps, key=lambda step: step[:2]):
        step()
    return truth


def kill_at_random(monkeypatch: pytest.MonkeyPatch, chance: random.Random) -> None:
    """Between any two statements that write, and after the last."""

    def perhaps(step: Callable[..., Any]) -> Callable[..., Any]:
        def with_peril(*args: Any, **kwargs: Any) -> Any:
            if chance.random() < 0.15:
                raise Killed
            result = step(*args, **kwargs)
            if chance.random() < 0.15:
                raise Killed
            return result

        return with_peril

    monkeypatch.setattr(MeteredPod.objects, "bulk_create", perhaps(MeteredPod.objects.bulk_create))
    monkeypatch.setattr(UsageSegment.objects, "bulk_create", perhaps(UsageSegment.objects.bulk_create))
    monkeypatch.setattr(meter, "apply", perhaps(meter.apply))
    monkeypatch.setattr(ledger.Posting, "save", perhaps(ledger.Posting.save))


def seconds_of(uid: str) -> int:
    return sum(UsageSegment.objects.filter(pod_uid=uid).values_list("seconds", flat=True))


def test_the_meter_holds_up_no_trim_of_the_log(log: Log) -> None:
    a_busy_log(log)
    read_from(0)
    assert Cursor.objects.get(reader=meter.READER).revision == Change.objects.latest("revision").revision
