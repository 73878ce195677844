"""A pod that keeps more on the disk than it may goes, as the kubelet would let it go, and its owner makes another."""

from __future__ import annotations

from typing import Any

from tests import manifests
from tests.workloads.controllers.world import GIB, World
from workloads.meta import conditions
from workloads.meta.keys import Uid
from workloads.node import storage
from workloads.store import evictions

JSON = dict[str, Any]
OVER_VOLUME = 'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi". '
OVER_POD = "Pod ephemeral local storage usage exceeds the total limit of containers 20Gi. "


def measure(world: World) -> None:
    """What the agent does in a round, and what follows from it."""
    storage.measure(world.runtime)
    world.settle()
    world.advance(3)


def uid(pod: JSON) -> Uid:
    return Uid(pod["metadata"]["uid"])


def scratching(name: str = "one", **spec: Any) -> JSON:
    volumes = [{"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}}]
    app = manifests.container() | {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}
    return manifests.pod(name, volumes=volumes, containers=[app], **spec)


def test_a_pod_within_its_limits_is_left_alone(world: World) -> None:
    pod = world.create(scratching())
    world.settle()
    world.runtime.fill(uid(pod), "scratch", GIB)
    measure(world)
    assert world.pod()["status"]["phase"] == "Running"


def test_an_empty_dir_over_its_limit_costs_the_pod_its_life(world: World) -> None:
    pod = world.create(scratching())
    world.settle()
    world.runtime.fill(uid(pod), "scratch", GIB + 1)
    measure(world)
    status = world.pod()["status"]
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "Evicted", OVER_VOLUME)
    assert world.events("Evicted") == [OVER_VOLUME]
    assert "finishedAt" in status["lifecycle"]


def test_nothing_of_it_stays_on_the_disk(world: World) -> None:
    pod = world.create(scratching())
    world.settle()
    world.runtime.fill(uid(pod), "scratch", GIB + 1)
    measure(world)
    assert world.runtime.sandboxes() == []
    assert world.runtime.volume_owners() == []
    assert "terminated" in world.container()["state"]


def test_no_pod_has_more_than_its_writable_disk(world: World) -> None:
    pod = world.create(manifests.pod())
    world.settle()
    world.runtime.write_layer(uid(pod), "app", 20 * GIB + 1)
    measure(world)
    assert world.pod()["status"]["message"] == OVER_POD


def test_a_container_over_its_own_limit_is_named(world: World) -> None:
    app, side = manifests.container(), manifests.container("side")
    app["resources"]["limits"]["ephemeral-storage"] = "1Gi"
    side["resources"]["limits"]["ephemeral-storage"] = "2Gi"
    pod = world.create(manifests.pod(containers=[app, side]))
    world.settle()
    world.runtime.write_layer(uid(pod), "app", 2 * GIB)
    measure(world)
    assert world.pod()["status"]["message"] == 'Container app exceeded its local ephemeral storage limit "1Gi". '


def test_its_owner_makes_another(world: World) -> None:
    world.create(manifests.deployment(replicas=1))
    world.advance(1)
    (first,) = world.all("Pod")
    world.runtime.write_layer(uid(first), "app", 30 * GIB)
    measure(world)
    assert sorted(pod["status"]["phase"] for pod in world.all("Pod")) == ["Failed", "Running"]
    assert world.get("Deployment", "web")["status"]["readyReplicas"] == 1


def test_a_job_counts_it_as_a_failure_and_no_disruption(world: World) -> None:
    """As in Kubernetes: another try would write as much."""
    ignore = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
    world.create(manifests.job(backoffLimit=0, podFailurePolicy={"rules": [ignore]}))
    world.advance(1)
    (pod,) = world.all("Pod")
    world.runtime.write_layer(uid(pod), "app", 30 * GIB)
    measure(world)
    assert conditions.is_true(world.get("Job", "sum")["status"], "Failed")


def test_it_frees_its_room(world: World) -> None:
    big = manifests.pod(
        "one", containers=[manifests.container() | {"resources": {"limits": {"cpu": "2", "memory": "8Gi"}}}]
    )
    pod = world.create(big)
    world.settle()
    world.create(manifests.pod("two"))
    world.settle()
    world.runtime.write_layer(uid(pod), "app", 30 * GIB)
    measure(world)
    assert world.pod("two")["status"]["phase"] == "Running"


def test_a_pre_stop_hook_has_a_second(world: World) -> None:
    app = manifests.container() | {"lifecycle": {"preStop": {"exec": {"command": ["farewell"]}}}}
    pod = world.create(manifests.pod(containers=[app], terminationGracePeriodSeconds=600))
    world.settle()
    world.runtime.write_layer(uid(pod), "app", 30 * GIB)
    measure(world)
    assert ("app", "farewell") in world.runtime.commands
    assert world.pod()["status"]["phase"] == "Failed"


def test_the_word_is_forgotten_with_the_pod(world: World) -> None:
    pod = world.create(manifests.pod())
    world.settle()
    world.runtime.write_layer(uid(pod), "app", 30 * GIB)
    measure(world)
    world.delete("Pod", "one", grace_seconds=0)
    world.settle()
    assert evictions.of(uid(pod)) == OVER_POD
    storage.measure(world.runtime)
    assert evictions.every() == []
    assert world.all("Pod") == []


def test_what_has_ended_is_not_judged(world: World) -> None:
    pod = world.create(manifests.pod(restartPolicy="Never"))
    world.settle()
    world.exit(pod)
    world.runtime.write_layer(uid(pod), "app", 30 * GIB)
    measure(world)
    assert world.pod()["status"]["phase"] == "Succeeded"
