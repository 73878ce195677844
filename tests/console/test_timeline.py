"""How a pod started: parts that meet, cost what billing says, and are honest about what is not known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from console import timeline
from tests import manifests

T0 = datetime(2026, 8, 20, 10, 0, tzinfo=UTC)
MARKS = {"pullStartedAt": 0.9, "pulledAt": 4.0, "createdAt": 4.2, "startedAt": 5.6, "readyAt": 6.6}


def at(seconds: float) -> str:
    return (T0 + timedelta(seconds=seconds)).isoformat()


def timeline_of(marks: dict[str, float], *, now: float = 100, **lifecycle: Any) -> timeline.Timeline:
    pod = manifests.pod("one")
    pod["metadata"]["creationTimestamp"] = at(0)
    pod["status"] = {"lifecycle": {**{name: at(mark) for name, mark in marks.items()}, **lifecycle}}

    def cost_between(start: datetime, end: datetime) -> Decimal:
        return Decimal(round((end - start).total_seconds() * 10))

    return timeline.of_pod(pod, cost_between=cost_between, now=T0 + timedelta(seconds=now))


def test_the_parts_meet_and_cost_from_the_pull_on() -> None:
    parts = timeline_of(MARKS).parts

    assert [(part.kind, round(part.seconds, 1), part.cost) for part in parts] == [
        ("queued", 0.9, Decimal(0)),
        ("pull", 3.1, Decimal(31)),
        ("create", 0.2, Decimal(2)),
        ("start", 1.4, Decimal(14)),
        ("ready", 1.0, Decimal(10)),
    ]


def test_the_bar_is_full_and_no_part_too_narrow_to_see() -> None:
    parts = timeline_of(MARKS).parts

    assert round(sum(part.width for part in parts), 6) == 100
    assert min(part.width for part in parts) > 4


def test_what_still_runs_ends_now() -> None:
    line = timeline_of({"pullStartedAt": 1}, now=3)

    assert [(part.kind, part.seconds, part.running) for part in line.parts] == [("queued", 1, False), ("pull", 2, True)]
    assert not line.done


def test_a_warm_sandbox_given_before_the_image_was_here_takes_no_time_twice() -> None:
    parts = timeline_of({**MARKS, "createdAt": 2.0}).parts

    assert round(sum(part.seconds for part in parts), 1) == 6.6
    assert all(part.seconds >= 0 for part in parts)


def test_a_pod_that_waits_costs_nothing() -> None:
    line = timeline_of({}, now=7)

    assert [(part.kind, part.seconds) for part in line.parts] == [("queued", 7)]
    assert line.cost == 0


def test_a_queue_of_less_than_a_second_is_not_measured_finer_than_it_is_known() -> None:
    assert timeline_of(MARKS).parts[0].took == "under 1 s"
