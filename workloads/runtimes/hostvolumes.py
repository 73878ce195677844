"""The volumes of pods as folders on this host, bind-mounted into their containers.

    <root>/<pod uid>/volumes/<name>/                   an emptyDir, or:
    <root>/<pod uid>/volumes/<name>/..<digest>/        the files as they are now
    <root>/<pod uid>/volumes/<name>/..data             -> ..<digest>, swapped in one rename
    <root>/<pod uid>/volumes/<name>/<file>             -> ..data/<file>
    <root>/<pod uid>/subpaths/<container>/<number>     a part of a volume, held by an open file and bound here

A claim's data lies elsewhere (`hostclaims`); its empty folder under `volumes` says that the pod has taken it over.

Whoever reads a file through its link sees the old files or the new ones, never some of each. What is in memory lies on
a tmpfs of its own. A subPath is followed without trusting links that a container may have laid, and keeps showing what
it showed when its container started.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workloads.meta.keys import Uid
from workloads.runtimes import diskusage, hostclaims, mounts, trees
from workloads.runtimes.base import ContainerSpec, FileSpec, MountSpec, RuntimeFault, SandboxSpec, VolumeSpec
from workloads.runtimes.hostclaims import HostClaims

_DATA, _DATA_NEXT = "..data", "..data_tmp"
_OPEN = 0o777
_READABLE = 0o440
"""What a pod's fsGroup may do with files that the service writes."""


class HostVolumes:
    """`root` is the same path for this process and for the Docker daemon."""

    def __init__(self, root: Path, claims: HostClaims) -> None:
        self._root = root
        self._claims = claims

    @property
    def root(self) -> Path:
        return self._root

    def ensure(self, spec: SandboxSpec) -> None:
        """Makes the pod's volumes, or brings their files up to date. Raises RuntimeFault."""
        for volume in spec.volumes:
            with _told(f'MountVolume.SetUp failed for volume "{volume.name}" : '):
                self._ensure(spec.uid, volume)

    def source(self, spec: SandboxSpec, container: ContainerSpec, number: int) -> str:
        """The host's path of a container's mount of that number. Raises RuntimeFault."""
        mount = container.mounts[number]
        volume = next(one for one in spec.volumes if one.name == mount.volume)
        with _told(f'MountVolume.SetUp failed for volume "{volume.name}" : '):
            folder = self._data(spec.uid, volume)
        if not mount.sub_path:
            return str(folder)
        with _told(f'failed to prepare subPath for volumeMount "{mount.volume}" of container "{container.name}": '):
            place = self._root / spec.uid / "subpaths" / container.name / str(number)
            return str(_bound(folder, mount, place, may_make=volume.files is None))

    def remove(self, uid: Uid) -> None:
        """Nothing is left of the pod's volumes. Raises RuntimeFault."""
        folder = self._root / uid
        if not folder.exists():
            return
        with _told("volumes cannot be removed: "):
            for place in mounts.below(folder):
                mounts.unmount(place)
            _clear_places(folder / "subpaths")
            trees.remove(folder)

    def owners(self) -> list[Uid]:
        """The pods that have anything here."""
        with suppress(FileNotFoundError):
            return [Uid(entry.name) for entry in self._root.iterdir() if entry.is_dir()]
        return []

    def used(self, uid: Uid) -> dict[str, int]:
        """By volume, what lies on the disk of each; not of those in memory."""
        volumes = self._root / uid / "volumes"
        with suppress(OSError):
            return {folder.name: diskusage.used(folder) for folder in volumes.iterdir() if not folder.is_mount()}
        return {}

    def _folder(self, uid: Uid, volume: str) -> Path:
        return self._root / uid / "volumes" / volume

    def _data(self, uid: Uid, volume: VolumeSpec) -> Path:
        """Where what the volume shows lies. Raises OSError."""
        if volume.claim is None:
            return self._folder(uid, volume.name)
        folder = self._claims.folder(volume.claim)
        if folder is None:
            raise OSError(f"the data of claim {volume.claim.uid} is not on this host")
        return folder

    def _take_over(self, mark: Path, uid: Uid, volume: VolumeSpec) -> None:
        """Once for each pod: its group gets what is in the claim. The mark comes after, so that a crash in between
        does it again."""
        folder = self._data(uid, volume)
        if mark.exists():
            return
        if volume.group is not None:
            hostclaims.give_to_group(folder, volume.group, only_when_root_differs=volume.group_once)
        self._make(mark)

    def _make(self, folder: Path) -> None:
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(parents=True, exist_ok=True)

    def _ensure(self, uid: Uid, volume: VolumeSpec) -> None:
        folder = self._folder(uid, volume.name)
        if volume.claim is not None:
            self._take_over(folder, uid, volume)
            return
        if not folder.exists():
            self._make(folder)
        if volume.in_memory and not folder.is_mount():
            self._keep_in_memory(folder, volume)
        if stat.S_IMODE(folder.stat().st_mode) & _OPEN != _OPEN:
            folder.chmod(_OPEN)
        if volume.group is not None and folder.stat().st_gid != volume.group:
            os.chown(folder, -1, volume.group)
            folder.chmod(_OPEN | stat.S_ISGID)
        if volume.files is not None:
            _publish(folder, volume.files, group=volume.group)

    def _keep_in_memory(self, folder: Path, volume: VolumeSpec) -> None:
        """Nobody without the right to mount would see a pod start otherwise: nearly all of them show a token."""
        try:
            mounts.tmpfs(folder, mode=_OPEN, size_bytes=volume.size_bytes)
        except OSError:
            if not volume.may_lie_on_disk:
                raise


def _publish(folder: Path, files: tuple[FileSpec, ...], *, group: int | None) -> None:
    """Shows exactly these files. After a crash anywhere the next try finds the old files, or the new ones."""
    name = f"..{_digest(files, group)}"
    data = folder / _DATA
    if not data.is_symlink() or str(data.readlink()) != name:
        _write(folder / name, files, group=group)
        following = folder / _DATA_NEXT
        following.unlink(missing_ok=True)
        following.symlink_to(name)
        following.rename(data)
    _link(folder, {file.path.partition("/")[0] for file in files})
    for entry in folder.iterdir():
        if entry.name.startswith("..") and entry.name not in (_DATA, name):
            trees.remove(entry)


def _write(folder: Path, files: Iterable[FileSpec], *, group: int | None) -> None:
    if folder.exists():
        trees.remove(folder)
    folder.mkdir()
    folder.chmod(0o755)
    for file in files:
        place = folder / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(mode=0o600)
        place.write_bytes(file.data)
        if group is not None or file.owner is not None:
            os.chown(place, -1 if file.owner is None else file.owner, -1 if group is None else group)
        place.chmod(file.mode if group is None else file.mode | _READABLE)
    for inner in (one for one in folder.rglob("*") if one.is_dir()):
        inner.chmod(0o755)


def _link(folder: Path, names: set[str]) -> None:
    for entry in folder.iterdir():
        if not entry.name.startswith("..") and entry.name not in names:
            entry.unlink()
    for name in names:
        with suppress(FileExistsError):
            (folder / name).symlink_to(f"{_DATA}/{name}")


def _digest(files: Iterable[FileSpec], group: int | None) -> str:
    seen = hashlib.sha256(repr(group).encode())
    for file in files:
        for part in (file.path.encode(), f"{file.mode:o} {file.owner}".encode(), file.data):
            seen.update(len(part).to_bytes(8, "big") + part)
    return seen.hexdigest()[:32]


def _bound(folder: Path, mount: MountSpec, place: Path, *, may_make: bool) -> Path:
    """`place`, showing the part of the volume that the mount names."""
    for old in mounts.below(place):
        mounts.unmount(old)
    wanted = mount.sub_path if may_make else _resolved(folder, mount.sub_path)
    part = _walk(folder, wanted, may_make=may_make)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISDIR(os.fstat(part).st_mode):
            place.unlink(missing_ok=True) if place.is_file() else None
            place.mkdir(exist_ok=True)
        else:
            place.rmdir() if place.is_dir() else None
            place.touch()
        mounts.bind(part, place)
    finally:
        os.close(part)
    return place


def _clear_places(folder: Path) -> None:
    """Takes mount points away one by one and never what is mounted: one that is still there is an error."""
    for container in folder.iterdir() if folder.exists() else ():
        for place in container.iterdir():
            place.rmdir() if place.is_dir() else place.unlink()
        container.rmdir()


def _resolved(folder: Path, sub_path: str) -> str:
    """Through our own links: containers cannot write where files are shown."""
    return os.path.relpath(os.path.realpath(folder / sub_path), os.path.realpath(folder))


def _walk(folder: Path, path: str, *, may_make: bool) -> int:
    """Opens `path` below `folder`, refusing links on the way: a container could have laid them. What an emptyDir does
    not have yet is made."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    at = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    for name in (part for part in path.split("/") if part not in ("", ".")):
        if name == "..":
            os.close(at)
            raise OSError("the path leads out of the volume")
        try:
            following = _step(at, name, mode=mode if may_make else None)
        finally:
            os.close(at)
        at = following
        if stat.S_ISLNK(os.fstat(at).st_mode):
            os.close(at)
            raise OSError(f"{name} is a link, which is not followed")
    return at


def _step(folder: int, name: str, *, mode: int | None) -> int:
    try:
        return os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        if mode is None:
            raise
    os.mkdir(name, dir_fd=folder)
    made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    os.fchmod(made, mode)
    return made


@contextmanager
def _told(opening: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RuntimeFault(f"{opening}{error.strerror or error}") from error
