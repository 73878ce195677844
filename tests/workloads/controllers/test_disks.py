"""A disk that fills: unused images go, pods wait and say why, and start when it is over."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests import images, manifests
from tests.stack import free_port
from tests.workloads.controllers.world import GIB, World
from tests.workloads.runtimes.worlds import docker
from workloads.client import Client
from workloads.meta import conditions
from workloads.node.disks import Rules, Watcher
from workloads.runtimes.base import FileSystem
from workloads.runtimes.docker import Docker
from workloads.store import imageuses
from workloads.store.imageuses import Use

SHORT = (
    "the host is short of disk: 9.1 GiB of 250 GiB free, at least 25 GiB must be; "
    "no image is left that may be removed, make room on /"
)


@pytest.fixture
def watcher(world: World) -> Watcher:
    return Watcher(world.runtime, Rules("node-1"))


def fill(world: World, free_gib: float) -> None:
    world.runtime.set_disk(total_bytes=250 * GIB, free_bytes=int(free_gib * GIB))


def run_and_remove(world: World, image: str) -> None:
    world.runtime.add_image(image, local=False, size_bytes=20 * GIB)
    name = image.partition(":")[0]
    world.create(manifests.pod(name, containers=[manifests.container(image=image)]))
    world.settle()
    world.delete("Pod", name, grace_seconds=0)
    world.advance(60)


def here(world: World) -> list[str]:
    return [image.name for image in world.runtime.images()]


def why(world: World, name: str = "one") -> str:
    return str((conditions.find(world.pod(name)["status"], "PodScheduled") or {}).get("message", ""))


def test_images_stay_while_there_is_room(world: World, watcher: Watcher) -> None:
    run_and_remove(world, "web:1")
    world.advance(3600)
    fill(world, 250 * 0.16)
    watcher.look()
    assert "web:1" in here(world)


def test_above_the_high_mark_the_least_recently_used_go_until_below_the_low_one(world: World, watcher: Watcher) -> None:
    for image in ("old:1", "mid:1", "new:1"):
        run_and_remove(world, image)
    world.advance(3600)
    fill(world, 20)
    watcher.look()
    assert here(world) == [manifests.IMAGE, "new:1"]


def test_the_namespaces_whose_pods_used_it_are_told(world: World, watcher: Watcher) -> None:
    run_and_remove(world, "web:1")
    world.advance(3600)
    fill(world, 20)
    watcher.look()
    assert world.events("ImageGCRemoved") == [
        'Removed image "web:1" (20480 MiB), which nothing used for 61 minutes, because the host is short of disk: '
        "the next pod that needs it pulls it again"
    ]
    charlie = Client(world.alice.identity.__class__("other", "charlie"))
    assert charlie.list("Event").items == []


def test_what_no_pod_ever_used_stays(world: World, watcher: Watcher) -> None:
    world.runtime.add_image("theirs:1")
    world.advance(3600)
    fill(world, 5)
    watcher.look()
    assert "theirs:1" in here(world)


def test_a_namespace_that_is_gone_leaves_one_use_of_an_image(world: World, watcher: Watcher) -> None:
    run_and_remove(world, "web:1")
    (mine,) = imageuses.every()
    for number in (1, 2):
        imageuses.note(replace(mine, namespace=f"gone-{number}", at=mine.at + timedelta(minutes=number)))
    watcher.look()
    assert [use.namespace for use in imageuses.every()] == ["shop", "gone-2"]


def test_what_was_made_here_stays(world: World, watcher: Watcher) -> None:
    world.runtime.make_image("built:1")
    world.create(manifests.pod("built", containers=[manifests.container(image="built:1")]))
    world.settle()
    world.delete("Pod", "built", grace_seconds=0)
    world.advance(3600)
    fill(world, 5)
    watcher.look()
    assert "built:1" in here(world)


def test_an_image_in_use_stays_and_counts_as_used_until_its_container_goes(world: World, watcher: Watcher) -> None:
    world.runtime.add_image("web:1", local=False)
    world.create(manifests.pod("web", containers=[manifests.container(image="web:1")]))
    world.settle()
    world.advance(3600)
    watcher.look()
    world.delete("Pod", "web", grace_seconds=0)
    world.settle()
    fill(world, 5)
    watcher.look()
    assert "web:1" in here(world)


def test_a_pod_that_needs_a_removed_image_pulls_it_again(world: World, watcher: Watcher) -> None:
    run_and_remove(world, "web:1")
    world.advance(3600)
    fill(world, 30)
    watcher.look()
    assert "web:1" not in here(world)
    world.create(manifests.pod("again", containers=[manifests.container(image="web:1")]))
    world.settle()
    assert world.pod("again")["status"]["phase"] == "Running"
    assert world.runtime.pulls == ["web:1", "web:1"]


def test_a_pod_gets_no_place_while_the_disk_is_short_and_says_so(world: World, watcher: Watcher) -> None:
    fill(world, 9.1)
    watcher.look()
    world.create(manifests.pod())
    world.settle()
    assert why(world) == f"0/1 nodes are available: {SHORT}"
    assert world.events("FailedScheduling") == [f"0/1 nodes are available: {SHORT}"]
    assert "lifecycle" not in world.pod()["status"]
    assert world.alice.host_trouble() == SHORT


def test_what_runs_goes_on(world: World, watcher: Watcher) -> None:
    world.create(manifests.pod())
    world.settle()
    fill(world, 1)
    watcher.look()
    world.advance(60)
    assert world.pod()["status"]["phase"] == "Running"


def test_pods_start_by_themselves_when_it_is_over(world: World, watcher: Watcher) -> None:
    fill(world, 9)
    watcher.look()
    world.create(manifests.pod())
    world.settle()
    fill(world, 100)
    watcher.look()
    world.settle()
    assert world.pod()["status"]["phase"] == "Pending", "what was freed may fill at once"
    world.advance(61)
    watcher.look()
    world.settle()
    assert world.pod()["status"]["phase"] == "Running"
    assert world.alice.host_trouble() == ""


def test_a_watcher_that_was_reborn_knows_that_it_is_over(world: World, watcher: Watcher) -> None:
    fill(world, 9)
    watcher.look()
    fill(world, 100)
    Watcher(world.runtime, Rules("node-1")).look()
    assert world.alice.host_trouble() == ""


def test_both_can_be_switched_off(world: World) -> None:
    run_and_remove(world, "web:1")
    world.advance(3600)
    fill(world, 1)
    Watcher(world.runtime, Rules("node-1", high=100, low=100, free=0)).look()
    assert "web:1" in here(world)
    assert world.alice.host_trouble() == ""


def test_a_pull_without_space_says_so_and_is_tried_again(world: World) -> None:
    words = "failed to register layer: write /usr/lib/big: no space left on device"
    world.runtime.fail_pull("web:1", words)
    world.create(manifests.pod(containers=[manifests.container(image="web:1")]))
    world.settle()
    assert world.container()["state"]["waiting"] == {"reason": "ErrImagePull", "message": words}
    world.runtime.add_image("web:1", local=False)
    world.advance(15)
    assert world.pod()["status"]["phase"] == "Running"


# For real


@pytest.fixture
def pulled() -> Iterator[str]:
    """An image of this test's own, that came from a registry."""
    port, name = free_port(), f"cci-test-{uuid.uuid4().hex[:8]}"
    with images.local_registry(port) as registry:
        image = f"{registry}/{name}/gone:1"
        recipe = f"FROM {images.busybox()}\nLABEL cci-test={name}\n"
        subprocess.run(
            ["docker", "build", "-q", "-t", name, "-"], input=recipe.encode(), check=True, capture_output=True
        )
        images.push(name, to=image)
        docker("rmi", name)
        docker("pull", "-q", image)
        yield image
        subprocess.run(["docker", "rmi", "-f", image], capture_output=True, check=False)


@pytest.mark.docker
def test_a_real_image_goes_when_its_last_container_has_gone(
    world: World, pulled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Docker(instance=f"test-{uuid.uuid4().hex[:12]}")
    full = FileSystem("/", total_bytes=100, free_bytes=5, holds_images=True)
    monkeypatch.setattr(runtime, "file_systems", lambda: [full])
    id = str(runtime.image_id(pulled))
    imageuses.note(Use(id, "acme", "shop", pulled, runtime.now() - timedelta(hours=1)))
    rules = Rules("node-1", min_age=timedelta())
    container = docker("create", pulled)
    Watcher(runtime, rules).look()
    assert runtime.image_id(pulled) == id
    docker("rm", container)
    Watcher(runtime, rules).look()
    assert runtime.image_id(pulled) is None
    assert runtime.image_id(images.BUSYBOX) is not None
    assert len(world.events("ImageGCRemoved")) == 1


@pytest.mark.docker
def test_the_file_systems_of_a_real_host_are_seen() -> None:
    (first, *_) = Docker(instance="test-disk").file_systems()
    assert first.holds_images
    assert 0 < first.free_bytes < first.total_bytes
