"""What a ResourceQuota says of itself follows what is there."""

from __future__ import annotations

from typing import Any

from tests import manifests
from tests.workloads.controllers.world import World

HARD = {"pods": "4", "requests.cpu": "2", "count/deployments.apps": "5", "services": "3"}


def used(world: World) -> Any:
    return world.get("ResourceQuota", "rule")["status"]["used"]


def test_the_status_follows_what_comes_and_goes(world: World) -> None:
    world.create({"kind": "ResourceQuota", "metadata": {"name": "rule"}, "spec": {"hard": HARD}})
    world.settle()
    assert used(world) == {"count/deployments.apps": "0", "pods": "0", "requests.cpu": "0", "services": "0"}
    assert world.get("ResourceQuota", "rule")["status"]["hard"] == HARD
    world.create(manifests.deployment("web", replicas=2))
    world.create(manifests.service("web"))
    world.settle()
    assert used(world) == {"count/deployments.apps": "1", "pods": "2", "requests.cpu": "500m", "services": "1"}
    world.delete("Deployment", "web")
    world.advance(60)
    assert used(world) == {"count/deployments.apps": "0", "pods": "0", "requests.cpu": "0", "services": "1"}


def test_a_deployment_over_the_quota_says_why_and_goes_on_when_there_is_room(world: World) -> None:
    world.create({"kind": "ResourceQuota", "metadata": {"name": "rule"}, "spec": {"hard": {"pods": "1"}}})
    world.create(manifests.deployment("web", replicas=2))
    world.settle()
    assert len(world.all("Pod")) == 1
    assert any("exceeded quota: rule, requested: pods=1" in message for message in world.events("FailedCreate"))
    world.patch("ResourceQuota", "rule", {"spec": {"hard": {"pods": "2"}}})
    world.advance(120)
    assert len(world.all("Pod")) == 2


def test_a_pod_that_ended_gives_back_what_it_had(world: World) -> None:
    world.create({"kind": "ResourceQuota", "metadata": {"name": "rule"}, "spec": {"hard": {"pods": "1"}}})
    pod = world.create(manifests.pod("one", restartPolicy="Never"))
    world.settle()
    assert used(world) == {"pods": "1"}
    world.exit(pod)
    assert used(world) == {"pods": "0"}
