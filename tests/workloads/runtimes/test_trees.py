"""Folders as hostile as containers can make them: deeper than any path, and moved while they are walked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from workloads.meta.keys import Uid
from workloads.runtimes import diskusage, hostclaims, trees
from workloads.runtimes.claims import ClaimSpec
from workloads.runtimes.hostclaims import HostClaims
from workloads.runtimes.hostvolumes import HostVolumes
from workloads.runtimes.podfiles import PodFiles

MIB = 1024**2
DEPTH = 1500
"""More than Python calls within calls, and a longer path than the kernel takes."""


def dig(folder: Path) -> None:
    """At the very bottom lies a file larger than all the folders."""
    at = os.open(folder, os.O_RDONLY)
    for _ in range(DEPTH):
        os.mkdir("deep", dir_fd=at)
        below = os.open("deep", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    with os.fdopen(os.open("file", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=at), "wb") as file:
        file.write(b"x" * 8 * MIB)
    os.close(at)


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """It goes again whatever the test did: pytest itself could not remove it."""
    folder = tmp_path / "deep" / "volumes" / "scratch"
    folder.mkdir(parents=True)
    dig(folder)
    yield folder
    subprocess.run(["rm", "-rf", tmp_path / "deep"], check=True)


def test_what_lies_deeper_than_a_path_reaches_is_counted(deep: Path) -> None:
    assert diskusage.used(deep) >= MIB


def test_what_lies_deeper_than_a_path_reaches_is_given_to_a_group(deep: Path) -> None:
    hostclaims.give_to_group(deep, 2000, only_when_root_differs=False)
    groups = [os.fstat(at).st_gid for at, _ in trees.walk(deep)]
    assert groups == [2000] * (DEPTH + 1)


@pytest.mark.usefixtures("deep")
def test_a_deep_volume_goes_with_its_pod(tmp_path: Path) -> None:
    volumes = HostVolumes(tmp_path, HostClaims(tmp_path / "claims"))
    volumes.remove(Uid("deep"))
    assert volumes.owners() == []


def test_a_claim_that_cannot_be_cleared_keeps_no_other_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = HostClaims(tmp_path)
    for uid in ("1", "2", "3"):
        claims.ensure(one := ClaimSpec(Uid(uid), "acme", "ssd"))
        claims.remove(one)
    real = trees.remove
    monkeypatch.setattr(trees, "remove", lambda place: _busy() if place.name == ".removed-2" else real(place))
    with pytest.raises(OSError, match="the removed data of 1 claims is still there: busy"):
        claims.clear()
    assert [place.name for place in (tmp_path / "ssd/acme").iterdir()] == [".removed-2"]


def test_what_may_not_be_removed_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"cannot remove '/proc/self/fd"):
        trees.remove(Path("/proc/self/fd"))


def test_a_link_is_removed_and_not_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").touch()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    trees.remove(tmp_path / "in")
    assert [place.name for place in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_becomes_a_link_while_it_is_walked_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "in" / "trap").mkdir(parents=True)
    (tmp_path / "out" / "secret").mkdir(parents=True)
    seen = []
    for _, entries in trees.walk(tmp_path / "in"):
        seen += [entry.name for entry in entries]
        if "trap" in seen and not (tmp_path / "in" / "trap").is_symlink():
            (tmp_path / "in" / "trap").rmdir()
            (tmp_path / "in" / "trap").symlink_to(tmp_path / "out")
    assert seen == ["trap"]


def test_a_folder_that_is_moved_out_while_it_is_walked_takes_nobody_along(tmp_path: Path) -> None:
    for path in ("in/a/b/c", "in/a/z", "in/last", "out/secret"):
        (tmp_path / path).mkdir(parents=True)
    seen = set()
    for _, entries in trees.walk(tmp_path / "in"):
        seen |= {entry.name for entry in entries}
        if "c" in seen and (tmp_path / "in" / "a" / "b").exists():
            (tmp_path / "in" / "a" / "b").rename(tmp_path / "out" / "b")
    assert seen == {"a", "b", "c", "z", "last"}


def test_no_descriptor_is_left_open(deep: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    diskusage.used(deep)
    next(trees.walk(deep))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_of_etc_that_a_container_made_huge_is_as_it_was_again(tmp_path: Path) -> None:
    files, uid = PodFiles(tmp_path), Uid("1")
    files.write_etc(uid, "hosts", "127.0.0.1 localhost\n")
    os.truncate(files.etc_file(uid, "hosts"), 1 << 43)
    files.write_etc(uid, "hosts", "127.0.0.1 localhost\n")
    assert Path(files.etc_file(uid, "hosts")).read_text() == "127.0.0.1 localhost\n"


def _busy() -> None:
    raise OSError("busy")
