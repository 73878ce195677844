"""How many pods the load asks for; cases after those of kube-controller-manager's own tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workloads.controllers.autoscalers import calculator
from workloads.controllers.autoscalers.calculator import NoProposal, Proposal, Reading
from workloads.meta import times

JSON = dict[str, Any]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
WINDOW = timedelta(seconds=15)


@dataclass
class Case:
    """`use` is each pod's share of its core in thousandths, None where it was not measured."""

    use: list[int | None]
    percent: int
    replicas: int
    current: int = 0
    states: str = ""
    """A letter a pod: r ready, u unready, p pending, f failed, d being deleted, h warming up (hot start)."""


def pod(number: int, state: str, *, age: float = 3600, request: str | None = "1") -> JSON:
    began = NOW - timedelta(seconds=20 if state in "hu" else age)
    ready = {"type": "Ready", "status": "False" if state in "up" else "True"}
    changed = NOW - timedelta(seconds=5) if state == "h" else began
    metadata: JSON = {"name": f"pod-{number}"}
    if state == "d":
        metadata["deletionTimestamp"] = "2026-01-01T11:59:00Z"
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": request} if request else {}}}]},
        "status": {
            "phase": {"p": "Pending", "f": "Failed"}.get(state, "Running"),
            "startTime": times.format_seconds(began),
            "conditions": [{**ready, "lastTransitionTime": times.format_seconds(changed)}],
        },
    }


def proposal(case: Case, **more: Any) -> Proposal:
    states = case.states or "r" * len(case.use)
    pods = [pod(number, state) for number, state in enumerate(states)]
    readings = {f"pod-{number}": Reading(use, NOW, WINDOW) for number, use in enumerate(case.use) if use is not None}
    return calculator.by_utilization(
        pods,
        readings,
        resource="cpu",
        container="",
        current=case.current or len(pods),
        percent=case.percent,
        now=NOW,
        **more,
    )


CASES = {
    "grows": Case([300, 500, 700], 30, 5),
    "shrinks": Case([100, 300, 500, 250, 250], 50, 3),
    "within a tenth nothing changes": Case([1010, 1030, 1020], 100, 3),
    "just outside of a tenth": Case([1120, 1120, 1120], 100, 4),
    "unready pods count as nothing when growing": Case([300, 500, 700], 30, 4, states="urr"),
    "too many unready pods keep it": Case([400, 500, 700], 30, 3, states="uru"),
    "pods that warm up count as nothing when growing": Case([1000, 500, 500], 30, 4, states="hrr"),
    "unready pods are left out when shrinking": Case([100, 300, 500, 250, 250], 50, 2, states="rrruu"),
    "pending pods count as nothing when growing": Case([600, 900, None], 30, 5, states="rrp"),
    "failed pods are not there": Case([500, 700, None], 30, 4, states="rrf"),
    "deleted pods are not there": Case([500, 700, 900], 30, 4, states="rrd"),
    "missing figures count as nothing when growing": Case([900, 900, None], 50, 4),
    "missing figures and a small need keep it": Case([None, 950], 100, 2),
    "missing figures count as all when shrinking": Case([400, None, 100], 50, 3),
    "many missing figures keep it from shrinking": Case([None, None, 400, 450, None], 60, 5),
    "some missing figures slow shrinking": Case([100, 100, 100, 100, None], 50, 3),
    "missing figures do not turn the direction": Case([None, 1200, None], 100, 3),
    "above a hundred percent the fallback is the target": Case([100, None, 100], 200, 2),
    "nothing is used": Case([0, 0, 0], 50, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_the_load_asks_for_so_many(name: str) -> None:
    assert proposal(CASES[name]).replicas == CASES[name].replicas


def test_what_was_measured_is_told_without_what_was_assumed() -> None:
    found = proposal(Case([300, 500, 700], 30, 4, states="urr"))
    assert (found.percent, found.value) == (60, 600)


@pytest.mark.parametrize(
    ("states", "use", "words"),
    [
        ("uu", [500, 500], "did not receive metrics for targeted pods"),
        ("rr", [None, None], "did not receive metrics for targeted pods"),
    ],
)
def test_without_anything_to_judge_there_is_no_proposal(states: str, use: list[int | None], words: str) -> None:
    with pytest.raises(NoProposal, match=words):
        proposal(Case(use, 50, 0, states=states))


def test_a_share_of_nothing_cannot_be_told() -> None:
    pods, readings = [pod(0, "r", request=None)], {"pod-0": Reading(5, NOW, WINDOW)}
    with pytest.raises(NoProposal, match="missing request for cpu in container app of Pod pod-0"):
        calculator.by_utilization(pods, readings, resource="cpu", container="", current=1, percent=50, now=NOW)


def test_a_sidecar_counts_with_what_it_asks_for() -> None:
    one = pod(0, "r")
    requests = {"resources": {"requests": {"cpu": "1"}}}
    one["spec"]["initContainers"] = [{"name": "proxy", "restartPolicy": "Always", **requests}, {"name": "once"}]
    readings = {"pod-0": Reading(1000, NOW, WINDOW)}
    found = calculator.by_utilization([one], readings, resource="cpu", container="", current=1, percent=50, now=NOW)
    assert (found.percent, found.replicas) == (50, 1)


@pytest.mark.parametrize(
    ("use", "target", "replicas"),
    [([2000, 2000], 1000, 4), ([200, 200, 200], 1000, 1), ([1050, 1000], 1000, 2), ([3000, None], 1000, 3)],
)
def test_an_average_value_asks_for_so_many(use: list[int | None], target: int, replicas: int) -> None:
    pods = [pod(number, "r") for number in range(len(use))]
    readings = {f"pod-{number}": Reading(one, NOW, WINDOW) for number, one in enumerate(use) if one is not None}
    found = calculator.by_average(pods, readings, resource="memory", current=len(pods), target=target, now=NOW)
    assert found.replicas == replicas


def test_memory_of_a_young_pod_counts_at_once() -> None:
    readings = {"pod-0": Reading(2000, NOW, WINDOW)}
    groups = calculator.group([pod(0, "h")], readings, resource="memory", now=NOW)
    assert groups.ready == 1
    assert calculator.group([pod(0, "h")], readings, resource="cpu", now=NOW).unready == {"pod-0"}
