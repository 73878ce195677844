"""What is remembered of usage: two grains, holes where nobody looked, and no more memory than was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from workloads.meta.keys import Uid
from workloads.node import usageseries
from workloads.node.usageseries import GRAINS, Memory, Series

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=30)
MINUTE = timedelta(minutes=1)


def test_a_step_knows_its_least_its_average_and_its_most() -> None:
    series = Series(GRAINS["day"])
    for value in (1.0, 2.0, 6.0):
        series.add(NOON, value)
    (step,) = series.since(LONG_AGO)
    assert (step.at, step.least, step.average, step.most) == (NOON, 1, 3, 6)


def test_a_time_that_nobody_saw_is_a_hole() -> None:
    series = Series(GRAINS["day"])
    for minutes in (0, 5, 20):
        series.add(NOON + minutes * MINUTE, 1.0)
    assert [(step.at - NOON) // MINUTE for step in series.since(LONG_AGO)] == [0, 5, 20]


def test_a_day_is_kept_and_no_more() -> None:
    series = Series(GRAINS["day"])
    for number in range(1000):
        series.add(NOON + number * 5 * MINUTE, number)
    steps = list(series.since(LONG_AGO))
    assert (len(steps), steps[-1].most) == (288, 999)
    assert len(series._rows) == 288 * 4


def test_after_a_long_time_it_begins_anew() -> None:
    series = Series(GRAINS["hour"])
    series.add(NOON, 1.0)
    series.add(NOON + timedelta(days=365), 2.0)
    assert [step.most for step in series.since(LONG_AGO)] == [2.0]


def test_a_clock_that_goes_back_breaks_nothing() -> None:
    series = Series(GRAINS["hour"])
    series.add(NOON, 1.0)
    series.add(NOON - timedelta(days=1), 2.0)
    series.add(NOON, 3.0)
    assert [(step.least, step.most) for step in series.since(LONG_AGO)] == [(1.0, 3.0)]


def test_pods_together_are_a_sum_step_by_step() -> None:
    memory = Memory()
    memory.add(Uid("a"), NOON, cpu=1.0)
    memory.add(Uid("b"), NOON, cpu=2.0)
    memory.add(Uid("b"), NOON + 5 * MINUTE, cpu=4.0)
    steps = memory.summed(["a", "b", "c"], "day", NOON + 6 * MINUTE)["cpu"]
    assert [step.average for step in steps] == [3.0, 4.0]


def test_pods_that_are_gone_are_forgotten_after_a_day_or_when_they_are_many() -> None:
    memory = Memory()
    for number in range(usageseries.MOST_GONE + 5):
        memory.add(Uid(f"pod-{number:04}"), NOON + number * 5 * MINUTE, cpu=1.0)
    memory.forget([], NOON)
    assert memory.known(["pod-0004", "pod-0005"]) == ["pod-0005"]
    memory.forget([Uid("pod-0005")], NOON + timedelta(days=90))
    assert memory.known(["pod-0005", "pod-0006"]) == ["pod-0005"]
