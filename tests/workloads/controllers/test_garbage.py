"""What belongs to nobody any more goes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from iam.identities import Identity
from tests import manifests
from tests.workloads.controllers.test_replicasets import replicaset
from tests.workloads.controllers.world import World
from workloads.client import Client
from workloads.controllers import housekeeping, owners
from workloads.meta.errors import NotFound

JSON = dict[str, Any]


def test_a_foreground_deletion_waits_for_the_dependents(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.runtime, "terminate", lambda uid, container=None: None)
    world.create(manifests.deployment(terminationGracePeriodSeconds=20))
    world.settle()
    world.delete("Deployment", "web", propagation="Foreground")
    world.advance(5)
    assert len(world.all("Pod")) == 2
    assert "deletionTimestamp" in world.get("Deployment", "web")["metadata"]
    world.advance(30)
    assert (world.all("Pod"), world.all("ReplicaSet"), world.all("Deployment")) == ([], [], [])


def test_a_pod_deleted_in_the_foreground_goes_too(world: World) -> None:
    world.create(manifests.pod())
    world.settle()
    world.delete("Pod", "one", propagation="Foreground")
    world.advance(1)
    assert world.all("Pod") == []


def test_orphaned_pods_stay(world: World) -> None:
    world.create(replicaset())
    world.settle()
    world.delete("ReplicaSet", "web", propagation="Orphan")
    world.settle()
    assert len(world.all("Pod")) == 2


def test_a_dependent_with_another_living_owner_stays_and_forgets_the_dead_one(world: World) -> None:
    first, second = (world.create(replicaset(name, replicas=0)) for name in ("first", "second"))
    pod = manifests.pod()
    pod["metadata"]["ownerReferences"] = [owners.reference(first) | {"controller": False}, owners.reference(second)]
    pod["metadata"]["labels"] = {"app": "second"}
    world.patch("ReplicaSet", "second", {"spec": {"replicas": 1}})
    world.create(pod)
    world.settle()
    world.delete("ReplicaSet", "first")
    world.settle()
    (left,) = world.pod()["metadata"]["ownerReferences"]
    assert left["name"] == "second"


def test_a_pod_born_after_its_owner_went_goes_as_well(world: World) -> None:
    owner = world.create(replicaset(replicas=0))
    world.delete("ReplicaSet", "web")
    world.settle()
    pod = manifests.pod()
    pod["metadata"]["ownerReferences"] = [owners.reference(owner)]
    world.create(pod)
    world.settle()
    assert world.all("Pod") == []


def test_what_was_missed_is_found_by_a_resync(world: World) -> None:
    owner = world.create(replicaset(replicas=0))
    pod = manifests.pod()
    pod["metadata"]["ownerReferences"] = [owners.reference(owner)]
    pod["metadata"]["labels"] = {"app": "web"}
    world.create(pod)
    world.delete("ReplicaSet", "web")
    world.place = world.alice.revision()
    world.resync()
    world.settle()
    with pytest.raises(NotFound):
        world.pod()


def test_events_go_an_hour_after_they_were_last_seen(world: World) -> None:
    world.create(manifests.pod())
    world.settle()
    assert world.events()
    world.travel.shift(3700)
    housekeeping.run_once()
    assert world.events() == []
    assert datetime.now(UTC).hour == 13


def test_an_owner_of_another_group_is_somebody_elses(world: World) -> None:
    world.create(manifests.deployment("web", replicas=0))
    pod = manifests.pod()
    elsewhere = {"apiVersion": "example.com/v1", "kind": "Deployment", "name": "web", "uid": "f00"}
    pod["metadata"]["ownerReferences"] = [elsewhere]
    world.create(pod)
    world.settle()
    world.delete("Deployment", "web")
    world.resync()
    world.settle()
    assert world.pod()["metadata"]["ownerReferences"] == [elsewhere]


def test_only_so_many_ended_pods_are_kept_the_newest_and_none_that_runs(world: World) -> None:
    for number in range(4):
        world.create(manifests.pod(f"done-{number}", restartPolicy="Never"))
        world.advance(5)
        world.exit(world.pod(f"done-{number}"))
    world.create(manifests.pod("runs"))
    world.advance(5)

    assert housekeeping.collect_ended_pods(keep=2) == 2
    world.advance(5)

    assert [pod["metadata"]["name"] for pod in world.all("Pod")] == ["done-2", "done-3", "runs"]
    assert housekeeping.collect_ended_pods(keep=2) == 0


def test_an_account_with_many_ended_pods_costs_another_none_of_its_few(world: World) -> None:
    alice, charlie = world.alice, Client(Identity("globex", "charlie"))
    for client, names in ((charlie, ["early"]), (alice, ["done-0", "done-1", "done-2"])):
        world.alice = client
        if client is charlie:
            world.namespace()
        for name in names:
            world.create(manifests.pod(name, restartPolicy="Never"))
            world.advance(5)
            world.exit(world.pod(name))
            world.resync()
            world.settle()

    assert housekeeping.collect_ended_pods(keep=2) == 2
    world.advance(5)

    assert [pod["metadata"]["name"] for pod in world.all("Pod")] == ["done-2"]
    assert [pod["metadata"]["name"] for pod in charlie.list("Pod", "shop").items] == ["early"]


def test_the_pod_that_ended_last_is_kept_however_old_it_is(world: World) -> None:
    for name in ("long", "short"):
        world.create(manifests.pod(name, restartPolicy="Never"))
        world.advance(5)
    for name in ("short", "long"):
        world.exit(world.pod(name))
        world.advance(5)

    assert housekeeping.collect_ended_pods(keep=1) == 1
    world.advance(5)

    assert [pod["metadata"]["name"] for pod in world.all("Pod")] == ["long"]
