"""Volumes of pods, on every runtime: made once, followed by their files, gone with the pod."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.workloads.runtimes.worlds import DockerWorld, World, container, spec
from workloads.runtimes.base import FileSpec, MountSpec, RuntimeFault, SandboxSpec, VolumeSpec

SCRATCH = VolumeSpec("scratch")


def files(name: str = "config", *, in_memory: bool = False, mode: int = 0o644, **texts: str) -> VolumeSpec:
    made = tuple(FileSpec(path, text.encode(), mode) for path, text in sorted(texts.items()))
    return VolumeSpec(name, in_memory=in_memory, files=made)


def pod(
    world: World, *volumes: VolumeSpec, command: tuple[str, ...] = (), mounts: tuple[MountSpec, ...] = ()
) -> SandboxSpec:
    """Its container `app` sees each volume at /<name>, unless mounts are given."""
    seen = mounts or tuple(MountSpec(one.name, f"/{one.name}", read_only=one.files is not None) for one in volumes)
    return spec(world, volumes=volumes, containers=(container(world.image, "app", *command, mounts=seen),))


def start(world: World, wanted: SandboxSpec) -> SandboxSpec:
    world.runtime.ensure_volumes(wanted)
    world.runtime.ensure_sandbox(wanted)
    world.runtime.start_container(wanted, "app", attempt=0)
    return wanted


def test_a_container_finds_the_files_of_its_volumes(world: World) -> None:
    made = start(world, pod(world, files(color="blue"), files("login", in_memory=True, word="hunter2")))
    assert world.read(made.uid, "config", "color") == "blue"
    assert world.read(made.uid, "login", "word") == "hunter2"
    assert world.read(made.uid, "config", "nothing") is None


def test_files_follow_while_the_container_runs(world: World) -> None:
    made = start(world, pod(world, files(color="blue", old="x")))
    world.runtime.ensure_volumes(replace(made, volumes=(files(color="red", new="y"),)))
    found = [world.read(made.uid, "config", name) for name in ("color", "old", "new")]
    assert found == ["red", None, "y"]


def test_what_a_container_wrote_outlives_it_but_not_its_pod(world: World) -> None:
    made = start(world, pod(world, SCRATCH, VolumeSpec("fast", in_memory=True)))
    for volume in ("scratch", "fast"):
        world.write(made.uid, volume, "note", "kept")
    world.exit(made.uid, "app", 1)
    world.runtime.ensure_volumes(made)
    world.runtime.start_container(made, "app", attempt=1)
    assert [world.read(made.uid, volume, "note") for volume in ("scratch", "fast")] == ["kept", "kept"]
    assert world.runtime.volume_owners() == [made.uid]
    world.runtime.remove_sandbox(made.uid)
    assert world.runtime.volume_owners() == []


@pytest.mark.docker
def test_a_token_is_its_users_and_its_groups_alone(dockers: DockerWorld) -> None:
    secret = VolumeSpec("login", in_memory=True, files=(FileSpec("token", b"x", 0o600, owner=12345),), group=2000)
    made = start(dockers, pod(dockers, secret))
    assert dockers.run(made.uid, "ls -lLn /login/token").split()[:4] == ["-rw-r-----", "1", "12345", "2000"]


@pytest.mark.docker
def test_files_are_read_only_and_as_open_as_asked_for(dockers: DockerWorld) -> None:
    made = start(dockers, pod(dockers, files(mode=0o400, color="blue"), files("login", in_memory=True, word="x")))
    assert dockers.run(made.uid, "ls -lL /config/color").startswith("-r--------")
    assert "tmpfs" in dockers.run(made.uid, "grep ' /login ' /proc/mounts")
    with pytest.raises(subprocess.CalledProcessError):
        dockers.run(made.uid, "echo x > /config/color")


@pytest.mark.docker
def test_a_swap_of_files_is_seen_whole(dockers: DockerWorld) -> None:
    """A reader that reads two files through the folder it once looked up sees both old or both new."""
    made = start(dockers, pod(dockers, files(a="0", b="0")))
    stop = threading.Event()

    def swap() -> None:
        number = 0
        while not stop.wait(0.01):
            number += 1
            dockers.runtime.ensure_volumes(replace(made, volumes=(files(a=str(number), b=str(number)),)))

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        look = "cd /config/$(readlink /config/..data) && a=$(cat a) && b=$(cat b) && echo $a-$b"
        pairs = dockers.run(made.uid, f"(for i in $(seq 100); do {look}; done) 2>/dev/null; true").split()
    finally:
        stop.set()
        swapper.join()
    assert pairs
    assert all(one == other for one, other in (pair.split("-") for pair in pairs))


@pytest.mark.docker
def test_memory_has_its_limit(dockers: DockerWorld) -> None:
    made = start(dockers, pod(dockers, VolumeSpec("fast", in_memory=True, size_bytes=1024**2)))
    with pytest.raises(subprocess.CalledProcessError) as full:
        dockers.run(made.uid, "dd if=/dev/zero of=/fast/big bs=1024 count=2048")
    assert "No space left" in full.value.stderr


@pytest.mark.docker
def test_a_sub_path_shows_a_part_and_keeps_it(dockers: DockerWorld) -> None:
    parts = (MountSpec("config", "/etc/color", sub_path="color", read_only=True), MountSpec("scratch", "/deep", "a/b"))
    made = start(dockers, pod(dockers, files(color="blue"), SCRATCH, mounts=parts))
    dockers.run(made.uid, "echo x > /deep/note")
    dockers.runtime.ensure_volumes(replace(made, volumes=(files(color="red"), SCRATCH)))
    assert dockers.run(made.uid, "cat /etc/color") == "blue"
    dockers.exit(made.uid, "app", 0)
    dockers.runtime.start_container(made, "app", attempt=1)
    assert dockers.run(made.uid, "cat /etc/color /deep/note") == "redx"


@pytest.mark.docker
def test_a_sub_path_follows_no_link_that_a_container_laid(dockers: DockerWorld) -> None:
    made = start(dockers, pod(dockers, SCRATCH))
    dockers.run(made.uid, "ln -s / /scratch/host; ln -s ../../.. /scratch/up")
    for trap in ("host", "host/etc", "up", "../.."):
        mounts = (MountSpec("scratch", "/trap", sub_path=trap),)
        caught = replace(made, containers=(container(dockers.image, "app", mounts=mounts),))
        with pytest.raises(RuntimeFault, match="failed to prepare subPath"):
            dockers.runtime.start_container(caught, "app", attempt=1)


@pytest.mark.docker
def test_a_group_owns_what_it_shares(dockers: DockerWorld) -> None:
    volumes = (replace(files(mode=0o400, color="blue"), group=2000), VolumeSpec("scratch", group=2000))
    made = start(dockers, pod(dockers, *volumes))
    assert dockers.run(made.uid, "stat -c '%g %a' -L /config/color /scratch").split() == ["2000", "440", "2000", "2777"]


@pytest.mark.docker
def test_the_folder_of_volumes_is_nobody_elses(dockers: DockerWorld) -> None:
    made = start(dockers, pod(dockers, files("login", in_memory=True, word="x")))
    listed = dockers.runtime._daemon.inspect(dockers.id(made.uid, "app"))["HostConfig"]["Mounts"]
    (mount,) = (one for one in listed if one["Target"] == "/login")
    root = Path(mount["Source"]).parents[2]
    assert root.stat().st_mode & 0o077 == 0
