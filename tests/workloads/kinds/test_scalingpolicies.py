"""Scaling policies: defaults, refusals at their fields, what they make of a number of pods, what kubectl prints."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from tests import manifests
from workloads.kinds import registry, scalingpolicies

JSON = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
KIND = registry.kind("ScalingPolicy")
ALARM = {"metric": "cpu", "operator": ">", "thresholdPercent": 80, "action": {"type": "add", "pods": 2}}


def made(**spec: Any) -> JSON:
    obj = deepcopy(manifests.scaling_policy(**spec))
    obj["metadata"] |= {"namespace": "shop", "uid": "uid-1", "creationTimestamp": "2026-01-01T11:59:00Z"}
    KIND.default(obj)
    KIND.prepare(obj, None)
    return obj


def wrong(obj: JSON, old: JSON | None = None) -> dict[str, str]:
    return {cause.field: cause.message for cause in KIND.validate(obj, old)}


def alarm(**changes: Any) -> JSON:
    return {"alarm": {**ALARM, **changes}}


def at(time: str, **action: Any) -> JSON:
    return {"timed": {"at": time, "action": {"type": "set", "pods": 3, **action}}}


def every(schedule: str, **more: Any) -> JSON:
    return {"periodic": {"schedule": schedule, "action": {"type": "set", "pods": 3}, **more}}


def test_what_is_not_said_has_a_default() -> None:
    spec = made(**alarm())["spec"]
    assert (spec["enabled"], spec["minPods"], spec["maxPods"], spec["gracefulWindowSeconds"]) == (True, 1, 1000, 30)
    assert (spec["alarm"]["statistic"], spec["alarm"]["periodSeconds"], spec["alarm"]["consecutiveCount"]) == (
        "average",
        60,
        3,
    )
    assert made(**every("@daily"))["spec"]["periodic"]["timeZone"] == "UTC"
    assert wrong(made(**alarm())) == {}


@pytest.mark.parametrize(
    ("spec", "field", "rule"),
    [
        ({}, "spec.alarm", "give exactly one of alarm, timed and periodic"),
        ({**alarm(), **every("@daily")}, "spec", "give exactly one of alarm, timed and periodic"),
        ({**alarm(), "targetRef": {"kind": "Job", "name": "a"}}, "spec.targetRef.kind", "Deployments of apps/v1 only"),
        ({**alarm(), "targetRef": {}}, "spec.targetRef.name", "name the Deployment"),
        ({**alarm(), "gracefulWindowSeconds": 10000}, "spec.gracefulWindowSeconds", "between 0 and 9999"),
        ({**alarm(), "minPods": 5, "maxPods": 4}, "spec.maxPods", "greater than or equal to `minPods`"),
        ({**alarm(), "maxPods": 1001}, "spec.maxPods", "between 0 and 1000"),
        (alarm(metric="disk"), "spec.alarm.metric", '"cpu", "memory"'),
        (alarm(operator=">="), "spec.alarm.operator", '">", "<"'),
        (alarm(statistic="maximum"), "spec.alarm.statistic", '"average"'),
        (alarm(thresholdPercent=0), "spec.alarm.thresholdPercent", "between 1 and 100"),
        (alarm(periodSeconds=5), "spec.alarm.periodSeconds", "between 15 and 3600"),
        (alarm(consecutiveCount=0), "spec.alarm.consecutiveCount", "between 1 and 20"),
        (alarm(action={"type": "set", "pods": 2}), "spec.alarm.action.type", '"add", "remove"'),
        (alarm(action={"type": "add"}), "spec.alarm.action.pods", "give a number of pods"),
        (alarm(action={"type": "add", "pods": 0}), "spec.alarm.action.pods", "between 1 and 1000"),
        (at("tomorrow"), "spec.timed.at", "is not an RFC 3339 time"),
        (at("2026-01-01T11:00:00Z"), "spec.timed.at", "must lie in the future"),
        ({**at("2026-02-01T00:00:00Z"), "maxPods": 2}, "spec.timed.action.pods", "between minPods (1) and maxPods (2)"),
        (every("often"), "spec.periodic.schedule", "expected exactly 5 fields"),
        (every("@daily", timeZone="Mars/Base"), "spec.periodic.timeZone", "unknown time zone"),
    ],
)
def test_what_cannot_work_is_refused_at_its_field(spec: JSON, field: str, rule: str) -> None:
    assert rule in wrong(made(**spec))[field]


def test_target_and_type_are_for_life() -> None:
    old = made(**alarm())
    assert "spec.targetRef" in wrong(made(**alarm(), targetRef={"name": "other"}), old)
    assert "stays so" in wrong(made(**every("@daily")), old)["spec.periodic"]
    assert wrong(made(**alarm(thresholdPercent=50)), old) == {}


def test_a_time_that_is_over_can_still_be_changed() -> None:
    old = made(**at("2026-02-01T00:00:00Z"))
    new = deepcopy(old)
    new["metadata"]["creationTimestamp"] = "2026-03-01T00:00:00Z"
    new["spec"]["enabled"] = False
    assert wrong(new, old) == {}


@pytest.mark.parametrize(
    ("type", "pods", "current", "after"),
    [
        ("add", 2, 3, 5),
        ("add", 2, 7, 8),
        ("add", 2, 12, 12),
        ("remove", 2, 5, 3),
        ("remove", 2, 3, 2),
        ("remove", 2, 1, 1),
        ("set", 4, 9, 4),
    ],
)
def test_what_it_makes_of_a_number_of_pods(type: str, pods: int, current: int, after: int) -> None:
    spec = at("2026-02-01T00:00:00Z", type=type, pods=pods)
    assert scalingpolicies.pods_after(made(**spec, minPods=2, maxPods=8), current) == after


def test_kubectl_prints_rule_and_action() -> None:
    cells = {column.name: column.cell(made(**alarm()), NOW) for column in KIND.columns}
    assert (cells["Target"], cells["Type"], cells["Rule"]) == ("Deployment/web", "Alarm", "cpu > 80% 3x 60s")
    assert (cells["Action"], cells["Enabled"], cells["Last"]) == ("add 2", "True", "<none>")
