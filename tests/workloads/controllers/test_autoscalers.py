"""HorizontalPodAutoscalers: as many pods as the load asks for, told as kube-controller-manager tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import manifests
from tests.workloads.controllers.test_kills import Failpoint, every_kill, failpoint
from tests.workloads.controllers.world import World
from workloads.meta import conditions
from workloads.meta.keys import Uid

__all__ = ("failpoint",)
JSON = dict[str, Any]
FAST = {"scaleDown": {"stabilizationWindowSeconds": 30}}


def start(world: World, *, replicas: int = 2, **spec: Any) -> JSON:
    """`web`, long enough up to be judged."""
    world.create(manifests.deployment(replicas=replicas))
    world.advance(330)
    hpa = world.create(manifests.autoscaler(**spec))
    world.settle()
    return hpa


def load(world: World, millis: int) -> None:
    """Every pod of `web` uses so much from now on; each asks for 250."""
    for pod in world.all("Pod"):
        if not pod["metadata"].get("deletionTimestamp"):
            world.runtime.load(Uid(pod["metadata"]["uid"]), "app", cpu_millis=millis, memory_bytes=64 * 1024**2)


def replicas(world: World) -> int:
    return int(world.get("Deployment", "web")["spec"]["replicas"])


def status(world: World, name: str = "web") -> JSON:
    return dict(world.get("HorizontalPodAutoscaler", name)["status"])


def condition(world: World, type: str, name: str = "web") -> tuple[str, str]:
    found = conditions.find(status(world, name), type)
    assert found is not None
    return found["status"], found["reason"]


def test_load_makes_pods_and_calm_takes_them_after_the_window(world: World) -> None:
    start(world, behavior=FAST)
    load(world, 250)
    world.advance(60)
    assert replicas(world) == 4
    assert "New size: 4; reason: cpu resource utilization (percentage of request) above target" in world.events(
        "SuccessfulRescale"
    )
    load(world, 10)
    world.advance(75)
    assert replicas(world) == 1
    assert "New size: 1; reason: All metrics below target" in world.events("SuccessfulRescale")
    assert status(world)["lastScaleTime"]


def test_the_status_tells_what_was_measured(world: World) -> None:
    start(world)
    load(world, 125)
    world.advance(60)
    found = status(world)
    current = {"averageValue": "125m", "averageUtilization": 50}
    assert found["currentMetrics"] == [{"type": "Resource", "resource": {"name": "cpu", "current": current}}]
    assert (found["currentReplicas"], found["desiredReplicas"], found["observedGeneration"]) == (2, 2, 1)
    assert condition(world, "AbleToScale") == ("True", "ReadyForNewScale")
    assert condition(world, "ScalingActive") == ("True", "ValidMetricFound")
    assert condition(world, "ScalingLimited") == ("False", "DesiredWithinRange")


def test_young_pods_are_not_judged_by_the_cpu_they_start_with(world: World) -> None:
    world.create(manifests.deployment(replicas=2))
    world.create(manifests.autoscaler())
    world.advance(10)
    load(world, 250)
    world.advance(5)
    assert replicas(world) == 2
    assert condition(world, "ScalingActive") == ("False", "FailedGetResourceMetric")
    world.advance(45)
    assert replicas(world) == 4


def test_the_most_and_the_least_hold_even_without_figures(world: World) -> None:
    start(world, replicas=1, least=2, most=3)
    assert replicas(world) == 2
    world.patch("Deployment", "web", {"spec": {"replicas": 5}})
    world.advance(20)
    assert replicas(world) == 3
    assert "New size: 3; reason: Current number of replicas above Spec.MaxReplicas" in world.events()


def test_memory_and_one_container_are_measured_too(world: World) -> None:
    memory = {"name": "memory", "target": {"type": "AverageValue", "averageValue": "16Mi"}}
    cpu = {"name": "cpu", "container": "app", "target": {"type": "Utilization", "averageUtilization": 90}}
    start(
        world,
        metrics=[
            {"type": "Resource", "resource": memory},
            {"type": "ContainerResource", "containerResource": cpu},
        ],
    )
    load(world, 10)
    world.advance(16)
    assert replicas(world) == 4
    shown = status(world)["currentMetrics"]
    assert shown[0]["resource"] == {"name": "memory", "current": {"averageValue": "67108864"}}
    assert shown[1]["containerResource"]["current"] == {"averageValue": "10m", "averageUtilization": 4}


def test_an_agent_that_is_away_changes_nothing_and_is_told(world: World) -> None:
    start(world)
    load(world, 1)
    world.runtime.stop_daemon()
    world.advance(16)
    assert replicas(world) == 2
    assert condition(world, "ScalingActive") == ("False", "FailedGetResourceMetric")
    (said, *_) = world.events("FailedGetResourceMetric")
    assert said.startswith("failed to get cpu utilization: unable to get metrics for resource cpu")
    assert world.events("FailedComputeMetricsReplicas")


def test_a_target_of_no_pods_is_left_alone(world: World) -> None:
    start(world, replicas=0)
    assert replicas(world) == 0
    assert condition(world, "ScalingActive") == ("False", "ScalingDisabled")


@pytest.mark.parametrize("reference", [{"name": "nothing"}, {"kind": "Pod", "apiVersion": "v1"}, {"kind": "Widget"}])
def test_a_target_that_cannot_be_scaled_is_told(world: World, reference: JSON) -> None:
    whole = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", **reference}
    start(world, scaleTargetRef=whole)
    assert condition(world, "AbleToScale") == ("False", "FailedGetScale")
    assert world.events("FailedGetScale")


def test_two_that_pull_at_one_target_do_nothing(world: World) -> None:
    start(world)
    world.create(manifests.autoscaler("other"))
    load(world, 250)
    world.advance(60)
    assert replicas(world) == 2
    assert condition(world, "ScalingActive") == ("False", "AmbiguousSelector")


def test_a_replicaset_is_a_target_too(world: World) -> None:
    deployment = manifests.deployment(replicas=2)
    spec = {name: value for name, value in deployment["spec"].items() if name != "strategy"}
    world.create({**deployment, "kind": "ReplicaSet", "spec": spec})
    world.create(manifests.autoscaler(scaleTargetRef={"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web"},
                                      least=3))  # fmt: skip
    world.advance(20)
    assert world.get("ReplicaSet", "web")["spec"]["replicas"] == 3


def test_a_killed_worker_remembers_what_it_recommended(world: World) -> None:
    start(world, replicas=4)
    load(world, 125)
    world.advance(60)
    load(world, 1)
    world.reborn()
    world.resync()
    world.advance(200)
    assert replicas(world) == 4
    assert condition(world, "AbleToScale") == ("True", "ScaleDownStabilized")
    world.advance(140)
    assert replicas(world) == 1


@pytest.mark.timeout(600)
def test_it_scales_once_whoever_dies(db: None, tmp_path: Path, failpoint: Failpoint) -> None:
    behavior = {"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 600}]}}

    def prepare(world: World) -> None:
        world.namespace()
        start(world, replicas=1, behavior=behavior)
        load(world, 250)
        world.advance(10)

    def act(world: World) -> None:
        world.advance(40)

    for world, when in every_kill(tmp_path, failpoint, prepare=prepare, act=act):
        assert replicas(world) <= 2, when
        assert len(status(world)["history"]["ups"]) == 1, when


def test_nobody_else_sees_it(world: World, charlie: Any) -> None:
    from workloads.client import Client

    start(world)
    assert Client(charlie).list("HorizontalPodAutoscaler").items == []
