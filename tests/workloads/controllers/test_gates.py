"""Pods that others hold up: without a place until their scheduling gates go, not ready until a user says so."""

from __future__ import annotations

from typing import Any

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.kinds import podcolumns
from workloads.meta import conditions

JSON = dict[str, Any]
GATE = "acme.io/in-service"


def say(world: World, state: str) -> None:
    """Alice writes the condition, as kubectl patch --subresource=status does."""
    patch = {"status": {"conditions": [{"type": GATE, "status": state}]}}
    world.alice.patch("Pod", "one", patch, "application/strategic-merge-patch+json", "shop", subresource="status")
    world.settle()


def condition(world: World, type: str) -> JSON:
    return conditions.find(world.pod()["status"], type) or {}


def test_a_gated_pod_has_no_place_and_costs_nothing_until_the_last_gate_goes(world: World) -> None:
    world.create(manifests.pod(schedulingGates=[{"name": "a"}, {"name": "b"}]))
    world.advance(120)
    world.patch("Pod", "one", {"spec": {"schedulingGates": [{"name": "b"}]}})
    world.advance(120)
    held = world.pod()
    assert (held["status"]["phase"], held["spec"].get("nodeName")) == ("Pending", None)
    assert "lifecycle" not in held["status"]
    assert podcolumns.summarize(held).reason == "SchedulingGated"
    assert world.events("FailedScheduling") == []
    world.patch("Pod", "one", {"spec": {"schedulingGates": None}})
    world.settle()
    assert world.pod()["status"]["phase"] == "Running"
    assert condition(world, "PodScheduled")["status"] == "True"


def test_a_gated_pod_can_be_deleted(world: World) -> None:
    world.create(manifests.pod(schedulingGates=[{"name": "a"}]))
    world.settle()
    world.delete("Pod", "one")
    world.settle()
    assert world.all("Pod") == []


def test_a_pod_is_ready_when_its_readiness_gate_opens_and_not_before(world: World) -> None:
    world.create(manifests.pod(readinessGates=[{"conditionType": GATE}]))
    world.settle()
    assert condition(world, "ContainersReady")["status"] == "True"
    shut = condition(world, "Ready")
    assert (shut["status"], shut["reason"]) == ("False", "ReadinessGatesNotReady")
    assert shut["message"] == f'corresponding condition of pod readiness gate "{GATE}" does not exist.'
    world.advance(60)
    say(world, "True")
    assert condition(world, "Ready")["status"] == "True"
    lifecycle = world.pod()["status"]["lifecycle"]
    assert lifecycle["readyAt"] > lifecycle["startedAt"]


def test_a_gate_that_shuts_takes_readiness_away(world: World) -> None:
    world.create(manifests.pod(readinessGates=[{"conditionType": GATE}]))
    world.settle()
    say(world, "True")
    say(world, "False")
    words = f'the status of pod readiness gate "{GATE}" is not "True", but False'
    assert condition(world, "Ready")["message"] == words


def test_what_users_wrote_outlives_the_services_own_writes(world: World) -> None:
    world.create(manifests.pod(readinessGates=[{"conditionType": GATE}]))
    world.settle()
    say(world, "True")
    world.exit(world.pod(), 1)
    world.advance(30)
    assert condition(world, GATE)["status"] == "True"
    assert world.container()["restartCount"] == 1


def test_a_rollout_waits_for_the_gates_of_its_pods(world: World) -> None:
    world.create(manifests.deployment(replicas=1, readinessGates=[{"conditionType": GATE}]))
    world.advance(5)
    assert world.get("Deployment", "web")["status"].get("readyReplicas", 0) == 0
