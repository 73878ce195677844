"""The file a container leaves its last words in, on real Docker: there for any user, any root and any image."""

from __future__ import annotations

import pytest

from tests.workloads.runtimes.worlds import DockerWorld, container, docker, spec
from workloads.runtimes.base import ContainerSpec, MountSpec, SandboxSpec, SecuritySpec, VolumeSpec

pytestmark = pytest.mark.docker

STRICT = SecuritySpec(user=12345, group=12345, read_only_root=True, dropped=("ALL",))


def left(world: DockerWorld, one: ContainerSpec, **changes: object) -> str:
    """What a container that ends by itself leaves."""
    pod: SandboxSpec = spec(world, containers=(one,), **changes)
    world.runtime.ensure_volumes(pod)
    world.runtime.ensure_sandbox(pod, first=("app", 0))
    status = world.runtime.start_container(pod, "app", attempt=0)
    docker("wait", status.id)
    found = world.runtime.observe(pod.uid)
    assert found is not None
    return found.containers["app"].message


@pytest.mark.parametrize("path", ["/dev/termination-log", "/var/run/deep/why", "not/from/the/root", "/scratch/why"])
def test_who_may_write_nothing_else_may_leave_a_message(dockers: DockerWorld, path: str) -> None:
    seen = (MountSpec("scratch", "/scratch"),)
    script = f"cd /; echo -n no more disk > {path}"
    one = container(dockers.image, "app", "sh", "-c", script, security=STRICT, message_path=path, mounts=seen)
    assert left(dockers, one, volumes=(VolumeSpec("scratch"),)) == "no more disk"


def test_a_volume_at_the_very_place_stands_there(dockers: DockerWorld) -> None:
    seen = (MountSpec("scratch", "/why"),)
    one = container(dockers.image, "app", "sh", "-c", "echo x > /why/file", message_path="/why", mounts=seen)
    assert left(dockers, one, volumes=(VolumeSpec("scratch"),)) == ""


def test_a_message_that_is_no_text_is_read_all_the_same(dockers: DockerWorld) -> None:
    one = container(
        dockers.image, "app", "sh", "-c", r"printf 'a\377b' > /dev/termination-log", message_path="/dev/termination-log"
    )
    assert left(dockers, one) == "a\ufffdb"
