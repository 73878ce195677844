"""Whatever people do to a Deployment and whatever becomes of its containers: it settles, and settled means that what
runs is what the specification says, no more and no less."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from billing import meter
from billing.recompute import recompute
from tests import manifests
from tests.workloads.controllers.world import World
from workloads.controllers import owners, replicas
from workloads.meta import conditions
from workloads.meta.errors import NotFound
from workloads.meta.keys import Uid

JSON = dict[str, Any]
STORIES = 10
STEPS = 25
OTHER_IMAGE, NO_IMAGE = "cci-test/busybox:2", "cci-test/nowhere:1"
ROLLING: JSON = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}
RECREATE: JSON = {"type": "Recreate", "rollingUpdate": None}


def living(world: World) -> list[JSON]:
    return [pod for pod in world.all("Pod") if replicas.is_active(pod)]


def some_pod(world: World, dice: random.Random) -> JSON | None:
    found = living(world)
    return dice.choice(found) if found else None


def some_running_pod(world: World, dice: random.Random) -> JSON | None:
    """One whose container runs, by the runtime's word."""
    observed = {one.uid: one for one in world.runtime.sandboxes()}
    found = [pod for pod in living(world) if _runs(observed.get(Uid(pod["metadata"]["uid"])))]
    return dice.choice(found) if found else None


def _runs(sandbox: Any) -> bool:
    return sandbox is not None and any(one.state == "running" for one in sandbox.containers.values())


def change(**spec: Any) -> Callable[[World, random.Random], None]:
    return lambda world, dice: void(world.patch("Deployment", "web", {"spec": spec}))


def void(_: Any) -> None:
    return None


def scale(world: World, dice: random.Random) -> None:
    world.patch("Deployment", "web", {"spec": {"replicas": dice.randint(0, 4)}})


def image(name: str) -> Callable[[World, random.Random], None]:
    def act(world: World, dice: random.Random) -> None:
        container = {**manifests.container(), "image": name}
        world.patch("Deployment", "web", {"spec": {"template": {"spec": {"containers": [container]}}}})

    return act


def fall(world: World, dice: random.Random) -> None:
    """A container ends by itself."""
    if pod := some_running_pod(world, dice):
        world.exit(pod, dice.choice([0, 1, 137]))


def delete_pod(world: World, dice: random.Random) -> None:
    if pod := some_pod(world, dice):
        world.delete("Pod", pod["metadata"]["name"], grace_seconds=dice.choice([None, 0, 30]))


def delete_replicaset(world: World, dice: random.Random) -> None:
    if found := world.all("ReplicaSet"):
        name = dice.choice(found)["metadata"]["name"]
        world.delete("ReplicaSet", name, propagation=dice.choice(["Background", "Foreground", "Orphan"]))


def leave(world: World, dice: random.Random) -> None:
    """Somebody takes a pod out of the Deployment by its label."""
    if pod := some_pod(world, dice):
        world.patch("Pod", pod["metadata"]["name"], {"metadata": {"labels": {"app": "debugged"}}})


def come_back(world: World, dice: random.Random) -> None:
    for pod in world.all("Pod"):
        if pod["metadata"]["labels"].get("app") == "debugged" and replicas.is_active(pod):
            world.patch("Pod", pod["metadata"]["name"], {"metadata": {"labels": {"app": "web"}}})
            return


def vanish(world: World, dice: random.Random) -> None:
    """`docker rm -f` behind our back."""
    if pod := some_running_pod(world, dice):
        world.runtime.remove_sandbox(Uid(pod["metadata"]["uid"]))
        world.happened(pod)


def restart_docker(world: World, dice: random.Random) -> None:
    world.runtime.stop_daemon()
    world.advance(dice.choice([1, 20]))
    world.runtime.start_daemon()
    world.resync()


def die(world: World, dice: random.Random) -> None:
    world.reborn()
    world.resync()


WAYS = (
    scale,
    scale,
    image(manifests.IMAGE),
    image(OTHER_IMAGE),
    image(NO_IMAGE),
    change(paused=True),
    change(paused=False),
    change(strategy=ROLLING),
    change(strategy=RECREATE),
    change(minReadySeconds=5),
    change(revisionHistoryLimit=1),
    fall,
    fall,
    delete_pod,
    delete_pod,
    delete_replicaset,
    leave,
    come_back,
    vanish,
    restart_docker,
    die,
)


def bring_to_rest(world: World) -> None:
    image(manifests.IMAGE)(world, random.Random(0))
    world.patch("Deployment", "web", {"spec": {"replicas": 3, "paused": False, "strategy": ROLLING}})
    for pod in world.all("Pod"):
        if pod["metadata"]["labels"].get("app") == "debugged":
            world.delete("Pod", pod["metadata"]["name"])
    world.advance(900)


@pytest.mark.parametrize("seed", range(STORIES))
def test_every_story_of_a_deployment_settles_and_settled_means_spec_equals_reality(world: World, seed: int) -> None:
    dice = random.Random(seed)
    world.runtime.add_image(OTHER_IMAGE, local=False)
    world.create(manifests.deployment(replicas=2))
    world.advance(10)
    for _ in range(STEPS):
        dice.choice(WAYS)(world, dice)
        world.advance(dice.choice([0, 1, 5, 40]))

    bring_to_rest(world)

    assert_settled(world)
    world.delete("Deployment", "web", propagation=dice.choice(["Background", "Foreground"]))
    world.advance(120)
    assert not living(world)
    assert not world.all("ReplicaSet")
    assert not world.runtime.sandboxes()
    while meter.read_once():
        pass
    assert recompute().proven


def assert_settled(world: World) -> None:
    deployment, pods = world.get("Deployment", "web"), world.all("Pod")
    status = deployment["status"]
    (current,) = [one for one in world.all("ReplicaSet") if one["spec"]["replicas"]]
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    assert [status.get(name) for name in counts] == [3] * 4, status
    assert "unavailableReplicas" not in status
    assert status["observedGeneration"] == deployment["metadata"]["generation"]
    assert conditions.is_true(status, "Available")
    assert (conditions.find(status, "Progressing") or {})["reason"] == "NewReplicaSetAvailable"
    assert len(pods) == 3
    assert all(owners.is_controlled_by(pod, current) and replicas.is_ready(pod) for pod in pods)
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {manifests.IMAGE}
    sandboxes = {one.uid: one for one in world.runtime.sandboxes()}
    assert set(sandboxes) == {pod["metadata"]["uid"] for pod in pods}
    assert all(one.running and one.containers["app"].state == "running" for one in sandboxes.values())
    assert {one.containers["app"].image for one in sandboxes.values()} == {manifests.IMAGE}


def test_deleted_with_orphans_left_its_pods_run_on_and_a_new_deployment_takes_them_in(world: World) -> None:
    world.create(manifests.deployment(replicas=2))
    world.advance(10)
    before = {pod["metadata"]["uid"] for pod in living(world)}

    world.delete("Deployment", "web", propagation="Orphan")
    world.advance(10)
    with pytest.raises(NotFound):
        world.get("Deployment", "web")
    world.create(manifests.deployment(replicas=2))
    world.advance(10)

    assert {pod["metadata"]["uid"] for pod in living(world)} == before
    assert len(world.all("ReplicaSet")) == 1
