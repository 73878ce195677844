"""Gates of a pod: what may be asked for, what an update may do to them, and what kubectl shows meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from tests import manifests
from workloads.kinds import podcolumns, registry

JSON = dict[str, Any]
KIND = registry.kind("Pod")
HELD = [{"name": "acme.io/quota"}, {"name": "budget"}]


def pod(**spec: Any) -> JSON:
    made = manifests.pod(**spec)
    KIND.default(made)
    KIND.prepare(made, None)
    return made


def causes(made: JSON, old: JSON | None = None) -> list[tuple[str, str]]:
    return [(cause.field, cause.message) for cause in KIND.validate(made, old)]


def test_gates_may_be_asked_for() -> None:
    assert causes(pod(schedulingGates=HELD, readinessGates=[{"conditionType": "acme.io/in-service"}])) == []


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({"readinessGates": [{"conditionType": "a b"}]}, "spec.readinessGates[0].conditionType", "name part must"),
        ({"schedulingGates": [{"name": ""}]}, "spec.schedulingGates[0]", "name part must be non-empty"),
        ({"schedulingGates": [{"name": "a"}, {"name": "a"}]}, "spec.schedulingGates[1]", 'Duplicate value: "a"'),
    ],
)
def test_a_gate_out_of_rule_names_field_and_rule(spec: JSON, field: str, words: str) -> None:
    ((where, said),) = causes(pod(**spec))
    assert where == field
    assert words in said


def test_scheduling_gates_may_go_one_by_one_but_none_may_come() -> None:
    old = pod(schedulingGates=HELD)
    assert causes(pod(schedulingGates=HELD[1:]), old) == []
    assert causes(pod(), old) == []
    ((field, said),) = causes(pod(schedulingGates=[*HELD, {"name": "new"}]), old)
    assert field == "spec.schedulingGates[2].name"
    assert said == "Forbidden: only deletion is allowed, but found new scheduling gate 'new'"


def test_a_readiness_gate_stays_as_it_was() -> None:
    old = pod(readinessGates=[{"conditionType": "a"}])
    ((field, _),) = causes(pod(), old)
    assert field == "spec"


def test_a_gated_pod_says_so_from_its_first_moment() -> None:
    made = pod(schedulingGates=HELD)
    assert podcolumns.summarize(made).reason == "SchedulingGated"
    (condition,) = made["status"]["conditions"]
    assert condition["message"] == "Scheduling is blocked due to non-empty scheduling gates"
