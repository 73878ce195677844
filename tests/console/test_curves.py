"""The last hour of what pods used: summed over containers and pods, with its gaps, beside what is billed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from console import curves
from console.curves import Curves
from workloads.client import UsagePoint

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def used(
    cpu_millis: int, *, mib: int = 64, container: str = "app", minutes: Sequence[float] = (60, 0)
) -> list[UsagePoint]:
    """Every half minute from so many minutes ago to so many."""
    first, last = minutes
    ages = [first - step / 2 for step in range(int((first - last) * 2) + 1)]
    return [UsagePoint(container, NOW - timedelta(minutes=age), cpu_millis * 1_000_000, mib * 1024**2) for age in ages]


def drawn(points: dict[str, list[UsagePoint]]) -> Curves:
    found = curves.of(points, cpu_millis=500, memory_mib=1024, now=NOW)
    assert found
    return found


def test_containers_and_pods_are_summed() -> None:
    found = drawn({"a": [*used(100), *used(50, container="side")], "b": used(100)})
    assert (found.cpu.now, found.cpu.most, found.cpu.average, found.pods) == ("0.25", "0.25", "0.25", 2)
    assert found.memory.now == "192 MiB"


def test_the_line_of_what_is_billed_lies_in_the_picture() -> None:
    found = drawn({"a": used(100)})
    assert (found.cpu.billed, found.cpu.share) == ("0.50", 20)
    assert 0 <= float(found.cpu.billed_y) < curves.HEIGHT
    assert found.cpu.top == "0.50"


def test_more_than_is_billed_raises_the_picture() -> None:
    assert drawn({"a": used(900)}).cpu.top == "1.00"


def test_a_pod_that_ended_leaves_a_gap_and_the_next_begins_a_new_line() -> None:
    found = drawn({"a": used(100, minutes=(60, 40)), "b": used(100, minutes=(20, 0))})
    assert len(found.cpu.lines) == 2
    assert found.cpu.average == "0.10"


def test_containers_that_are_looked_at_in_turns_make_no_teeth() -> None:
    early, late = used(100), used(100, container="side", minutes=(59.75, 0.25))
    found = drawn({"a": [*early, *late]})
    assert (found.cpu.most, found.cpu.average) == ("0.20", "0.20")


def test_what_stopped_long_ago_is_not_now() -> None:
    assert drawn({"a": used(100, minutes=(60, 30))}).cpu.now == "--"


def test_nothing_measured_is_no_picture() -> None:
    assert curves.of({}, cpu_millis=500, memory_mib=1024, now=NOW) is None
    assert curves.of({"a": used(1, minutes=(200, 190))}, cpu_millis=500, memory_mib=1024, now=NOW) is None


def test_what_is_billed_nothing_has_no_line() -> None:
    found = curves.of({"a": used(100)}, cpu_millis=0, memory_mib=0, now=NOW)
    assert found
    assert (found.cpu.billed_y, found.cpu.share) == ("", 0)
