"""Disk that is in use, counted as `du` does; and of real containers once."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.workloads.runtimes.worlds import DockerWorld, container, spec
from workloads.runtimes import diskusage
from workloads.runtimes.base import MountSpec, VolumeSpec

MIB = 1024**2


def test_a_file_counts_once_and_a_hole_nothing(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"x" * MIB)
    os.link(tmp_path / "deep" / "file", tmp_path / "again")
    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.truncate(1000 * MIB)
    (tmp_path / "out").symlink_to("/usr")
    assert MIB <= diskusage.used(tmp_path) < MIB + 64 * 1024


def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    assert diskusage.used(tmp_path / "nowhere") == 0


@pytest.mark.docker
def test_what_a_real_pod_wrote_is_measured(dockers: DockerWorld) -> None:
    mounts = (MountSpec("scratch", "/scratch"), MountSpec("fast", "/fast"))
    app = replace(container(dockers.image), mounts=mounts)
    volumes = (VolumeSpec("scratch"), VolumeSpec("fast", in_memory=True, size_bytes=16 * MIB))
    pod = spec(dockers, containers=(app,), volumes=volumes)
    dockers.runtime.ensure_volumes(pod)
    dockers.runtime.ensure_sandbox(pod)
    dockers.runtime.start_container(pod, "app", attempt=0)
    files = "/tmp/a /scratch/b /fast/c /dev/termination-log"
    dockers.run(pod.uid, f"for f in {files}; do dd if=/dev/zero of=$f bs=1M count=3; done; sync")
    usage = dict(dockers.runtime.disk_usage())[pod.uid]
    assert 3 * MIB <= usage.containers["app"] < 4 * MIB
    assert list(usage.volumes) == ["scratch"]
    assert 3 * MIB <= usage.before < 4 * MIB
    assert 3 * MIB <= usage.volumes["scratch"] < 4 * MIB


@pytest.mark.docker
def test_a_daemon_whose_files_are_out_of_sight_is_asked(dockers: DockerWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    pod = spec(dockers)
    dockers.runtime.ensure_sandbox(pod)
    dockers.runtime.start_container(pod, "app", attempt=0)
    dockers.run(pod.uid, "dd if=/dev/zero of=/tmp/a bs=1M count=3")
    assert dict(dockers.runtime.disk_usage())[pod.uid].containers["app"] >= 3 * MIB
