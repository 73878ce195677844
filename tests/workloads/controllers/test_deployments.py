"""A Deployment rolls its pods from template to template, as Kubernetes does."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.controllers.deployments import progress, revisions, rollout
from workloads.meta import conditions

JSON = dict[str, Any]


def condition(world: World, type: str, name: str = "web") -> tuple[str, str, str]:
    found = conditions.find(world.get("Deployment", name)["status"], type) or {}
    return found.get("status", ""), found.get("reason", ""), found.get("message", "")


def new_image(world: World, image: str, *, name: str = "web") -> None:
    template = deepcopy(world.get("Deployment", name)["spec"]["template"])
    template["spec"]["containers"][0]["image"] = image
    world.patch("Deployment", name, {"spec": {"template": template}})


def sets(world: World) -> list[JSON]:
    return revisions.by_age(world.all("ReplicaSet"))


def test_a_deployment_comes_up(world: World) -> None:
    world.create(manifests.deployment())
    world.settle()
    deployment, (replicaset,) = world.get("Deployment", "web"), sets(world)
    hash = replicaset["metadata"]["labels"]["pod-template-hash"]
    assert replicaset["metadata"]["name"] == f"web-{hash}"
    assert replicaset["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": hash}
    assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    status = deployment["status"]
    counts = [status[name] for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
    assert counts == [2, 2, 2, 2]
    assert status["observedGeneration"] == deployment["metadata"]["generation"]
    assert condition(world, "Available") == (
        "True",
        "MinimumReplicasAvailable",
        "Deployment has minimum availability.",
    )
    message = f'ReplicaSet "web-{hash}" has successfully progressed.'
    assert condition(world, "Progressing") == ("True", "NewReplicaSetAvailable", message)
    assert world.events("ScalingReplicaSet") == [f"Scaled up replica set web-{hash} from 0 to 2"]


def test_the_loop_ends_when_nothing_differs(world: World) -> None:
    world.create(manifests.deployment())
    world.settle()
    before = world.alice.revision()
    world.resync()
    world.settle()
    assert world.alice.revision() == before


def test_scaling_changes_the_one_replicaset(world: World) -> None:
    world.create(manifests.deployment())
    world.settle()
    world.patch("Deployment", "web", {"spec": {"replicas": 4}})
    world.settle()
    assert len(world.all("Pod")) == 4
    assert len(sets(world)) == 1
    world.patch("Deployment", "web", {"spec": {"replicas": 0}})
    world.settle()
    assert world.all("Pod") == []
    assert condition(world, "Available")[0] == "True"


def test_a_rolling_update_never_has_too_few_available_nor_too_many_pods(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.runtime.add_image("web:2")
    world.create(manifests.deployment(replicas=4))
    world.advance(1)
    seen = []
    look = World._look

    def watched(self: World, name: str, key: Any) -> None:
        look(self, name, key)
        alive = [pod for pod in self.all("Pod") if "deletionTimestamp" not in pod["metadata"]]
        ready = [pod for pod in alive if conditions.is_true(pod["status"], "Ready")]
        seen.append((len(alive), len(ready)))

    monkeypatch.setattr(World, "_look", watched)
    new_image(world, "web:2")
    world.settle()
    assert max(alive for alive, _ in seen) <= 5
    assert min(ready for _, ready in seen) >= 3
    images = {pod["spec"]["containers"][0]["image"] for pod in world.all("Pod")}
    assert (len(world.all("Pod")), images) == (4, {"web:2"})
    old, new = sets(world)
    assert (old["spec"]["replicas"], new["spec"]["replicas"]) == (0, 4)
    assert revisions.revision_of(new) == 2


def test_a_bad_image_stops_the_rollout_and_the_old_pods_go_on(world: World) -> None:
    manifest = manifests.deployment(replicas=4)
    manifest["spec"]["progressDeadlineSeconds"] = 60
    world.create(manifest)
    world.settle()
    new_image(world, "nope:1")
    world.advance(30)
    assert condition(world, "Progressing")[1] == "ReplicaSetUpdated"
    world.advance(60)
    new = sets(world)[-1]["metadata"]["name"]
    message = f'ReplicaSet "{new}" has timed out progressing.'
    assert condition(world, "Progressing") == ("False", "ProgressDeadlineExceeded", message)
    assert condition(world, "Available")[0] == "True"
    assert world.get("Deployment", "web")["status"]["readyReplicas"] == 3
    world.runtime.add_image("nope:1", local=False)
    world.advance(200)
    assert condition(world, "Progressing")[1] == "NewReplicaSetAvailable"


def test_rolling_back_takes_the_old_replicaset_again_with_a_new_number(world: World) -> None:
    world.runtime.add_image("web:2")
    world.create(manifests.deployment())
    world.advance(1)
    new_image(world, "web:2")
    world.advance(1)
    new_image(world, manifests.IMAGE)
    world.settle()
    back, other = sets(world)
    assert revisions.revision_of(back) == 3
    assert revisions.annotations_of(back)["deployment.kubernetes.io/revision-history"] == "1"
    assert revisions.revision_of(world.get("Deployment", "web")) == 3
    assert (back["spec"]["replicas"], other["spec"]["replicas"]) == (2, 0)


def test_recreate_stops_every_old_pod_before_it_starts_a_new_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.runtime.add_image("web:2")
    manifest = manifests.deployment()
    manifest["spec"]["strategy"] = {"type": "Recreate"}
    world.create(manifest)
    world.settle()
    monkeypatch.setattr(world.runtime, "terminate", lambda uid, container=None: None)
    new_image(world, "web:2")
    world.settle()
    assert {pod["spec"]["containers"][0]["image"] for pod in world.all("Pod")} == {manifests.IMAGE}
    world.advance(3)
    images = [pod["spec"]["containers"][0]["image"] for pod in world.all("Pod")]
    assert images == ["web:2", "web:2"]


def test_a_paused_deployment_scales_but_rolls_nothing_out(world: World) -> None:
    world.runtime.add_image("web:2")
    world.create(manifests.deployment())
    world.settle()
    world.patch("Deployment", "web", {"spec": {"paused": True, "replicas": 3}})
    new_image(world, "web:2")
    world.settle()
    assert len(sets(world)) == 1
    assert len(world.all("Pod")) == 3
    assert condition(world, "Progressing") == ("Unknown", "DeploymentPaused", "Deployment is paused")
    world.patch("Deployment", "web", {"spec": {"paused": None}})
    world.settle()
    assert {pod["spec"]["containers"][0]["image"] for pod in world.all("Pod")} == {"web:2"}
    assert condition(world, "Progressing")[1] == "NewReplicaSetAvailable"


def test_only_so_many_old_replicasets_are_kept(world: World) -> None:
    manifest = manifests.deployment(replicas=1)
    manifest["spec"]["revisionHistoryLimit"] = 2
    world.create(manifest)
    world.advance(2)
    for number in range(5):
        world.runtime.add_image(f"web:{number}")
        new_image(world, f"web:{number}")
        world.advance(2)
    numbers = [revisions.revision_of(one) for one in sets(world)]
    assert numbers == [4, 5, 6]


def test_a_deleted_deployment_takes_everything_with_it(world: World) -> None:
    world.create(manifests.deployment())
    world.settle()
    world.delete("Deployment", "web")
    world.settle()
    assert (world.all("ReplicaSet"), world.all("Pod"), world.runtime.sandboxes()) == ([], [], [])


def test_an_orphaned_replicaset_is_taken_in_again(world: World) -> None:
    world.create(manifests.deployment())
    world.settle()
    pods = [pod["metadata"]["uid"] for pod in world.all("Pod")]
    world.delete("Deployment", "web", propagation="Orphan")
    world.settle()
    assert len(world.all("Pod")) == 2
    world.create(manifests.deployment())
    world.settle()
    assert [pod["metadata"]["uid"] for pod in world.all("Pod")] == pods
    assert sets(world)[0]["metadata"]["ownerReferences"][0]["name"] == "web"


def test_a_name_that_is_taken_is_counted_as_a_collision(world: World) -> None:
    world.create(manifests.deployment("other"))
    world.settle()
    template = world.get("Deployment", "other")["spec"]["template"]
    thief = deepcopy(sets(world)[0])
    thief["metadata"] = {"name": f"web-{revisions.template_hash(template, collisions=0)}"}
    thief["spec"]["template"]["metadata"]["labels"] = {"app": "thief"}
    thief["spec"]["selector"] = {"matchLabels": {"app": "thief"}}
    world.create(thief)
    manifest = manifests.deployment()
    manifest["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    manifest["spec"]["template"] = template
    world.delete("Deployment", "other")
    world.settle()
    world.create(manifest)
    world.settle()
    assert world.get("Deployment", "web")["status"]["collisionCount"] == 1
    assert world.get("Deployment", "web")["status"]["readyReplicas"] == 2


# Arithmetic


def deployment(replicas: int, **strategy: Any) -> JSON:
    return {
        "metadata": {"name": "web", "generation": 1},
        "spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": strategy}},
    }


def replicaset(name: str, size: int, *, available: int | None = None, born: int = 0, **noted: int) -> JSON:
    annotations = {f"deployment.kubernetes.io/{key}-replicas": str(value) for key, value in noted.items()}
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": f"2026-01-01T00:00:0{born}Z",
            "annotations": annotations,
        },
        "spec": {"replicas": size},
        "status": {"availableReplicas": size if available is None else available},
    }


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (10, "25%", "25%", (3, 2)),
        (1, "25%", "25%", (1, 0)),
        (4, 0, "10%", (0, 1)),
        (4, 2, 1, (2, 1)),
        (0, "25%", "25%", (0, 1)),
    ],
)
def test_surge_rounds_up_and_unavailable_rounds_down(
    replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]
) -> None:
    assert rollout.fenceposts(deployment(replicas, maxSurge=surge, maxUnavailable=unavailable)) == expected


def test_unhealthy_old_pods_go_first_while_the_new_ones_come_up() -> None:
    new = replicaset("new", 3, available=0, born=2)
    old = [replicaset("sick", 4, available=1), replicaset("well", 6, born=1)]
    sizes = rollout.old_sizes(deployment(10, maxSurge=3, maxUnavailable=2), new=new, old=old)
    assert sizes == {"sick": 2}


def test_scaling_in_the_middle_of_a_rollout_is_proportional() -> None:
    new = replicaset("new", 5, born=1, desired=10, max=13)
    old = [replicaset("old", 8, desired=10, max=13)]
    sizes = rollout.scaled_sizes(deployment(15, maxSurge=3, maxUnavailable=2), new=new, old=old)
    assert sizes == {"old": 11, "new": 7}


@pytest.mark.parametrize("said", ["abc", "", "-1", "٣", "9" * 5000])
def test_annotations_that_are_no_numbers_stop_no_scaling(said: str) -> None:
    new = replicaset("new", 5, born=1, desired=10, max=13)
    new["metadata"]["annotations"] = dict.fromkeys(new["metadata"]["annotations"], said)
    old = [replicaset("old", 8, desired=10, max=13)]
    sizes = rollout.scaled_sizes(deployment(15, maxSurge=3, maxUnavailable=2), new=new, old=old)
    assert sum(sizes.values()) == 18
    assert revisions.revision_of(new) == 0


def test_the_hash_is_the_same_for_the_same_template_and_another_after_a_collision() -> None:
    containers = [{"name": "app", "image": "web:1"}]
    template: JSON = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
    labelled = deepcopy(template)
    labelled["metadata"]["labels"]["pod-template-hash"] = "xyz"
    hash = revisions.template_hash(template, collisions=0)
    assert hash == revisions.template_hash(labelled, collisions=0) == "p4vt5zgqr4"
    assert hash != revisions.template_hash(template, collisions=1)


def test_no_deadline_means_no_progressing_condition() -> None:
    without = deployment(1)
    without["spec"]["progressDeadlineSeconds"] = progress.NO_DEADLINE
    assert not progress.has_deadline(without)
