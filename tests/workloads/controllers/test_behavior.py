"""How fast a recommendation is followed: windows, policies, least and most, and what is remembered."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import manifests
from workloads.controllers.autoscalers.behavior import History, Mark, decide
from workloads.kinds import registry

JSON = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def spec(least: int = 1, most: int = 100, **behavior: Any) -> JSON:
    obj = deepcopy(manifests.autoscaler(least=least, most=most, **({"behavior": behavior} if behavior else {})))
    registry.kind("HorizontalPodAutoscaler").default(obj)
    return dict(obj["spec"])


def policy(type: str, value: int, period: int = 60) -> JSON:
    return {"type": type, "value": value, "periodSeconds": period}


@pytest.mark.parametrize(
    ("current", "recommended", "replicas", "reason"),
    [
        (1, 50, 4, "ScaleUpLimit"),
        (3, 50, 6, "ScaleUpLimit"),
        (60, 500, 100, "TooManyReplicas"),
        (10, 12, 12, "DesiredWithinRange"),
        (10, 0, 10, "DesiredWithinRange"),
    ],
)
def test_without_a_behavior_it_doubles_at_most_and_waits_before_it_shrinks(
    current: int, recommended: int, replicas: int, reason: str
) -> None:
    found = decide(spec(), History(), current=current, recommended=recommended, now=NOW)
    assert (found.replicas, found.limited.reason) == (replicas, reason)


def test_shrinking_follows_the_highest_recommendation_of_five_minutes() -> None:
    history = History(recommendations=(Mark(10, ago(400)), Mark(7, ago(250)), Mark(3, ago(100))))
    found = decide(spec(), history, current=10, recommended=2, now=NOW)
    assert (found.replicas, found.able.reason) == (10, "ScaleDownStabilized")
    later = decide(spec(), history, current=10, recommended=2, now=NOW + timedelta(seconds=100))
    assert later.replicas == 7
    last = decide(spec(), found.history, current=10, recommended=2, now=NOW + timedelta(seconds=301))
    assert (last.replicas, last.able.reason) == (2, "ReadyForNewScale")


def test_the_last_recommendation_stood_while_nobody_looked() -> None:
    history = History(recommendations=(Mark(8, ago(3600)),))
    assert decide(spec(), history, current=8, recommended=1, now=NOW).replicas == 8


def test_growing_follows_the_lowest_recommendation_of_its_window() -> None:
    rules = spec(scaleUp={"stabilizationWindowSeconds": 60})
    history = History(recommendations=(Mark(4, ago(90)), Mark(9, ago(30))))
    found = decide(rules, history, current=4, recommended=12, now=NOW)
    assert (found.replicas, found.able.reason) == (4, "ScaleUpStabilized")
    assert decide(rules, history, current=4, recommended=8, now=NOW + timedelta(seconds=31)).replicas == 8


@pytest.mark.parametrize(
    ("select", "policies", "ups", "replicas"),
    [
        ("Max", [policy("Pods", 2), policy("Percent", 50)], [], 15),
        ("Min", [policy("Pods", 2), policy("Percent", 50)], [], 12),
        ("Disabled", [policy("Pods", 2)], [], 10),
        ("Max", [policy("Pods", 4)], [(3, 30)], 11),
        ("Max", [policy("Pods", 4)], [(3, 61)], 14),
        ("Max", [policy("Pods", 4)], [(9, 30)], 10),
        ("Max", [policy("Percent", 1)], [], 11),
    ],
)
def test_growing_is_held_to_its_policies(
    select: str, policies: list[JSON], ups: list[tuple[int, int]], replicas: int
) -> None:
    rules = spec(scaleUp={"selectPolicy": select, "policies": policies})
    history = History(ups=tuple(Mark(count, ago(seconds)) for count, seconds in ups))
    found = decide(rules, history, current=10, recommended=50, now=NOW)
    assert (found.replicas, found.limited.reason) == (replicas, "ScaleUpLimit")
    assert found.is_limited


@pytest.mark.parametrize(
    ("select", "policies", "downs", "replicas"),
    [
        ("Max", [policy("Pods", 2), policy("Percent", 50)], [], 5),
        ("Min", [policy("Pods", 2), policy("Percent", 50)], [], 8),
        ("Disabled", [policy("Pods", 2)], [], 10),
        ("Max", [policy("Pods", 4)], [(3, 30)], 9),
        ("Max", [policy("Percent", 10)], [(5, 30)], 10),
    ],
)
def test_shrinking_is_held_to_its_policies(
    select: str, policies: list[JSON], downs: list[tuple[int, int]], replicas: int
) -> None:
    rules = spec(scaleDown={"selectPolicy": select, "policies": policies, "stabilizationWindowSeconds": 0})
    history = History(downs=tuple(Mark(count, ago(seconds)) for count, seconds in downs))
    found = decide(rules, history, current=10, recommended=1, now=NOW)
    assert (found.replicas, found.limited.reason) == (replicas, "ScaleDownLimit")


def test_the_least_and_the_most_hold_whatever_the_rules() -> None:
    rules = spec(least=3, most=5, scaleDown={"stabilizationWindowSeconds": 0})
    assert decide(rules, History(), current=4, recommended=0, now=NOW).replicas == 3
    assert decide(rules, History(), current=4, recommended=90, now=NOW).replicas == 5


def test_what_is_remembered_is_written_and_read_and_does_not_grow_for_ever() -> None:
    history = History()
    for minute in range(600):
        now = NOW + timedelta(minutes=minute)
        history = history.recommended(minute % 7, now=now).scaled(before=minute, after=minute + 1, now=now)
    assert len(history.recommendations) <= 62
    assert len(history.ups) <= 31
    assert History.of({"history": history.written()}) == history


def test_the_same_recommendation_again_is_no_news() -> None:
    history = History().recommended(3, now=ago(60))
    assert history.recommended(3, now=NOW) == history
