"""Claims, on every runtime: one folder each, which outlives pods and is nobody else's."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.workloads.runtimes.test_volumes import start
from tests.workloads.runtimes.worlds import DockerWorld, World, container, spec
from workloads.meta.keys import Uid
from workloads.runtimes.base import MountSpec, RuntimeFault, SandboxSpec, VolumeSpec
from workloads.runtimes.claims import ClaimSpec
from workloads.runtimes.hostclaims import HostClaims

CLAIM = ClaimSpec(Uid("11111111-1111-4111-8111-111111111111"), "acme", "ssd")


def using(world: World, *mounts: MountSpec, group: int | None = None, once: bool = False) -> SandboxSpec:
    """A new pod whose `app` sees the claim at /data, unless mounts are given."""
    volume = VolumeSpec("data", claim=CLAIM, group=group, group_once=once)
    seen = mounts or (MountSpec("data", "/data"),)
    return spec(world, volumes=(volume,), containers=(container(world.image, "app", mounts=seen),))


def folder(world: DockerWorld) -> Path:
    found = world.runtime.claims.folder(CLAIM)
    assert found is not None
    return found


def test_data_outlives_the_pod_that_wrote_it(world: World) -> None:
    world.runtime.claims.ensure(CLAIM)
    first = start(world, using(world))
    world.write(first.uid, "data", "note", "kept")
    world.runtime.remove_sandbox(first.uid)
    second = start(world, using(world))
    assert world.read(second.uid, "data", "note") == "kept"


def test_pods_see_what_the_other_writes(world: World) -> None:
    world.runtime.claims.ensure(CLAIM)
    one, two = start(world, using(world)), start(world, using(world))
    world.write(one.uid, "data", "note", "hello")
    assert world.read(two.uid, "data", "note") == "hello"


def test_a_claim_that_is_not_there_is_not_made_by_a_pod(world: World) -> None:
    with pytest.raises(RuntimeFault, match=r'MountVolume\.SetUp failed for volume "data"'):
        world.runtime.ensure_volumes(using(world))
    assert not world.runtime.claims.exists(CLAIM)


def test_what_was_set_aside_is_kept_and_comes_back_when_it_is_asked_for(world: World) -> None:
    claims = world.runtime.claims
    claims.ensure(CLAIM)
    first = start(world, using(world))
    world.write(first.uid, "data", "note", "kept")
    world.runtime.remove_sandbox(first.uid)
    assert CLAIM.uid in claims.set_aside(CLAIM)
    claims.clear()
    assert [one.claim for one in claims.kept() if one.set_aside_at] == [CLAIM]
    second = start(world, using(world))
    assert world.read(second.uid, "data", "note") == "kept"
    assert [one.set_aside_at for one in claims.kept()] == [None]


def test_what_is_removed_is_gone_and_its_neighbours_stay(world: World) -> None:
    claims, other = world.runtime.claims, replace(CLAIM, account="globex")
    for one in (CLAIM, other):
        claims.ensure(one)
    for _ in range(2):
        claims.remove(CLAIM)
        claims.clear()
    assert [kept.claim for kept in claims.kept()] == [other]
    assert (claims.usage(CLAIM), claims.exists(other)) == (None, True)


def test_room_is_counted(world: World) -> None:
    world.runtime.claims.ensure(CLAIM)
    made = start(world, using(world))
    world.write(made.uid, "data", "note", "x" * 9000)
    assert 9000 <= (world.runtime.claims.usage(CLAIM) or 0) < 32768
    assert world.runtime.claims.space("ssd").free_bytes > 1024**2


@pytest.mark.docker
def test_a_part_of_a_claim_is_shown_and_outlives_the_pod(dockers: DockerWorld) -> None:
    dockers.runtime.claims.ensure(CLAIM)
    mounts = (MountSpec("data", "/here", sub_path="a/b"), MountSpec("data", "/look", read_only=True))
    made = start(dockers, using(dockers, *mounts))
    dockers.run(made.uid, "echo -n deep > /here/note")
    assert dockers.run(made.uid, "cat /look/a/b/note") == "deep"
    with pytest.raises(subprocess.CalledProcessError):
        dockers.run(made.uid, "echo x > /look/note")
    dockers.runtime.remove_sandbox(made.uid)
    assert (folder(dockers) / "a/b/note").read_text() == "deep"


@pytest.mark.docker
def test_whoever_a_container_runs_as_can_write(dockers: DockerWorld) -> None:
    dockers.runtime.claims.ensure(CLAIM)
    made = start(dockers, using(dockers))
    dockers.run(made.uid, "su nobody -s /bin/sh -c 'echo x > /data/note' || setuidgid nobody touch /data/note")
    assert (folder(dockers) / "note").exists()
    assert folder(dockers).parents[2].stat().st_mode & 0o077 == 0


@pytest.mark.docker
def test_a_group_is_given_the_data_once_for_each_pod_and_no_link_is_followed(
    dockers: DockerWorld, tmp_path: Path
) -> None:
    dockers.runtime.claims.ensure(CLAIM)
    outside = tmp_path / "outside"
    outside.write_text("not yours")
    outside.chmod(0o600)
    (folder(dockers) / "deep").mkdir()
    (folder(dockers) / "deep" / "note").touch(mode=0o600)
    (folder(dockers) / "link").symlink_to(outside)
    made = start(dockers, using(dockers, group=2000))
    assert dockers.run(made.uid, "stat -c '%g %a' /data /data/deep /data/deep/note").split("\n") == [
        "2000 2777",
        "2000 2775",
        "2000 660",
    ]
    assert (outside.stat().st_gid, outside.stat().st_mode & 0o777) == (os.getgid(), 0o600)
    (folder(dockers) / "late").touch(mode=0o600)
    dockers.runtime.ensure_volumes(made)
    dockers.runtime.ensure_volumes(using(dockers, group=2000, once=True))
    assert (folder(dockers) / "late").stat().st_mode & 0o777 == 0o600


@pytest.mark.docker
def test_no_link_that_a_container_laid_leads_a_part_out_of_the_claim(dockers: DockerWorld) -> None:
    dockers.runtime.claims.ensure(CLAIM)
    made = start(dockers, using(dockers))
    dockers.run(made.uid, "ln -s / /data/host")
    caught = using(dockers, MountSpec("data", "/trap", sub_path="host/etc"))
    with pytest.raises(RuntimeFault, match="failed to prepare subPath"):
        start(dockers, caught)


def test_a_class_has_a_root_of_its_own_and_finds_what_was_made_before(tmp_path: Path) -> None:
    HostClaims(tmp_path / "all").ensure(CLAIM)
    claims, later = HostClaims(tmp_path / "all", {"ssd": tmp_path / "fast"}), replace(CLAIM, uid=Uid("2"))
    claims.ensure(later)
    assert claims.folder(CLAIM) == tmp_path / "all/ssd/acme" / CLAIM.uid
    assert claims.folder(later) == tmp_path / "fast/ssd/acme/2"
    assert {kept.claim for kept in claims.kept()} == {CLAIM, later}


def test_no_account_is_called_a_way_out(tmp_path: Path) -> None:
    claims, sly = HostClaims(tmp_path), ClaimSpec(Uid("1"), "../../evil", "ssd")
    claims.ensure(sly)
    found = claims.folder(sly)
    assert found is not None
    assert found.resolve().is_relative_to(tmp_path)
    assert [kept.claim for kept in claims.kept()] == [sly]
