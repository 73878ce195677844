"""A ReplicaSet keeps its number of pods."""

from __future__ import annotations

from typing import Any

import pytest

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.controllers import replicas
from workloads.meta import conditions
from workloads.meta.errors import BadRequest

JSON = dict[str, Any]


def replicaset(name: str = "web", *, replicas: int = 2, **spec: Any) -> JSON:
    manifest = manifests.deployment(name, replicas=replicas)
    manifest["kind"] = "ReplicaSet"
    manifest["spec"] |= spec
    return manifest


def test_it_makes_what_is_missing(world: World) -> None:
    made = world.create(replicaset())
    world.settle()
    pods = world.all("Pod")
    assert len(pods) == 2
    assert all(pod["metadata"]["name"].startswith("web-") for pod in pods)
    (owner,) = pods[0]["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (made["metadata"]["uid"], True, True)
    status = world.get("ReplicaSet", "web")["status"]
    counts = [status[name] for name in ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas")]
    assert counts == [2, 2, 2, 2]
    assert sorted(world.events("SuccessfulCreate")) == sorted(f"Created pod: {pod['metadata']['name']}" for pod in pods)


def test_it_deletes_what_is_too_many(world: World) -> None:
    world.create(replicaset(replicas=3))
    world.settle()
    world.patch("ReplicaSet", "web", {"spec": {"replicas": 1}})
    world.settle()
    assert len(world.all("Pod")) == 1
    assert len(world.events("SuccessfulDelete")) == 2


def test_a_pod_that_was_deleted_or_has_failed_is_replaced(world: World) -> None:
    world.create(replicaset())
    world.settle()
    world.delete("Pod", world.all("Pod")[0]["metadata"]["name"])
    world.settle()
    assert len(world.all("Pod")) == 2
    assert world.get("ReplicaSet", "web")["status"]["readyReplicas"] == 2


def test_it_takes_in_an_orphan_that_it_selects(world: World) -> None:
    orphan = manifests.pod("orphan")
    orphan["metadata"]["labels"] = {"app": "web"}
    world.create(orphan)
    world.create(replicaset(replicas=1))
    world.settle()
    (pod,) = world.all("Pod")
    assert pod["metadata"]["name"] == "orphan"
    assert pod["metadata"]["ownerReferences"][0]["name"] == "web"


def test_it_lets_go_a_pod_whose_labels_changed_and_makes_another(world: World) -> None:
    world.create(replicaset(replicas=1))
    world.settle()
    (pod,) = world.all("Pod")
    world.patch("Pod", pod["metadata"]["name"], {"metadata": {"labels": {"app": "other"}}})
    world.settle()
    assert len(world.all("Pod")) == 2
    assert "ownerReferences" not in world.pod(pod["metadata"]["name"])["metadata"]


def test_what_cannot_be_made_is_said_in_a_condition_and_an_event(world: World) -> None:
    from workloads.admission import hooks

    def refuse(new: JSON, old: JSON | None, identity: Any) -> tuple[str, ...]:
        if new["kind"] == "Pod" and old is None:
            raise BadRequest("the budget is spent")
        return ()

    hooks.register_on_admit(refuse)
    try:
        world.create(replicaset(replicas=5))
        world.settle()
    finally:
        hooks.unregister(refuse)
    failure = conditions.find(world.get("ReplicaSet", "web")["status"], "ReplicaFailure")
    assert failure is not None
    assert (failure["reason"], failure["message"]) == ("FailedCreate", "the budget is spent")
    assert world.events("FailedCreate") == ["Error creating: the budget is spent"]
    world.advance(2)
    assert len(world.all("Pod")) == 5
    assert conditions.find(world.get("ReplicaSet", "web")["status"], "ReplicaFailure") is None


def test_a_pod_is_available_after_min_ready_seconds(world: World) -> None:
    world.create(replicaset(replicas=1, minReadySeconds=30))
    world.settle()
    assert "availableReplicas" not in world.get("ReplicaSet", "web")["status"]
    world.advance(31)
    assert world.get("ReplicaSet", "web")["status"]["availableReplicas"] == 1


def pod(name: str, **changes: Any) -> JSON:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": changes.get("ready", "2026-01-01T00:00:00Z")}
    return {
        "metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z", **changes.get("metadata", {})},
        "spec": {"nodeName": changes.get("node", "node-1")},
        "status": {
            "phase": changes.get("phase", "Running"),
            "conditions": [ready] if changes.get("ready", "x") else [],
            "containerStatuses": [{"restartCount": changes.get("restarts", 0)}],
        },
    }


@pytest.mark.parametrize(
    "first",
    [
        {"node": ""},
        {"phase": "Pending"},
        {"ready": ""},
        {"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-1"}}},
        {"ready": "2026-01-02T00:00:00Z"},
        {"restarts": 3},
        {"metadata": {"creationTimestamp": "2026-01-02T00:00:00Z"}},
    ],
)
def test_the_pod_that_is_worth_least_goes_first(first: JSON) -> None:
    ordinary, cheap = pod("a"), pod("b", **first)
    assert replicas.first_to_go([ordinary, cheap])[0] is cheap
