"""A pod that is gone is remembered: what it belonged to, how it ended, and what it wrote."""

from __future__ import annotations

import errno
from pathlib import Path

from tests import manifests
from tests.workloads.controllers.world import World
from workloads.client import Ended
from workloads.meta.keys import Uid


def only(world: World) -> Ended:
    (pod,) = world.alice.ended_pods("shop").items
    return pod


def test_a_pod_that_was_deleted_is_remembered_with_its_log(world: World) -> None:
    pod = world.create(manifests.pod())
    world.settle()
    uid = Uid(pod["metadata"]["uid"])
    world.runtime.print(uid, "app", b"hello")
    world.delete("Pod", "one")
    world.advance(60)
    assert (only(world).uid, only(world).name, only(world).outcome, only(world).workload) == (uid, "one", "Deleted", "")
    assert [life.container for life in world.archive.waiting()] == ["app"]
    assert b"".join(world.archive.read(uid, "app", 0)) == b"hello\n"


def test_a_pod_that_ended_by_itself_says_how_also_when_it_is_deleted_later(world: World) -> None:
    pod = world.create(manifests.pod(restartPolicy="Never"))
    world.settle()
    world.exit(pod, 3)
    world.advance(3600)
    world.delete("Pod", "one")
    world.advance(60)
    assert (only(world).outcome, only(world).reason) == ("Failed", "Error")
    assert (only(world).gone - only(world).ended).total_seconds() >= 3600


def test_a_pod_that_is_still_there_is_not_among_the_ended(world: World) -> None:
    pod = world.create(manifests.pod(restartPolicy="Never"))
    world.settle()
    world.exit(pod, 0)
    assert world.alice.ended_pods("shop").items == []


def test_a_pod_that_never_ran_is_remembered_without_a_log(world: World) -> None:
    world.runtime.fail_pull("nowhere:1", "manifest unknown")
    world.create(manifests.pod(containers=[manifests.container(image="nowhere:1")]))
    world.settle()
    world.delete("Pod", "one")
    world.advance(60)
    assert only(world).outcome == "Deleted"
    assert world.archive.waiting() == []


def test_the_pods_of_a_deployment_belong_to_it_when_it_is_gone(world: World) -> None:
    world.create(manifests.deployment("web", replicas=1))
    world.settle()
    world.delete("Deployment", "web")
    world.advance(60)
    assert (only(world).workload_kind, only(world).workload) == ("Deployment", "web")


def test_a_log_that_could_not_be_kept_is_told_at_the_pod(world: World) -> None:
    keep = world.archive.keep

    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    world.archive.keep = lambda life, take: keep(life, full)  # type: ignore[method-assign]
    pod = world.create(manifests.pod())
    world.settle()
    for _ in range(2):
        world.exit(pod, 1)
        world.advance(400)
    assert world.events("LogNotKept") == [
        "The log of container app (attempt 0) could not be kept: No space left on device"
    ]
