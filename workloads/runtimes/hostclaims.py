"""The data of claims as folders on this host, bind-mounted into the containers of the pods that use them.

    <root>/<class>/<account>/<claim uid>/            the data itself
    <root>/<class>/<account>/.lost-<claim uid>/      set aside: nobody knows its claim; back when somebody asks for it
    <root>/<class>/<account>/.removed-<claim uid>/   out of reach; goes as soon as somebody has the time

A class may have a root of its own, on a disk of its own. What was made before it had stays where it is and is found.
No link that a container may have laid is followed, neither to count nor to change owners.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from workloads.meta.keys import Uid
from workloads.runtimes import diskusage, trees
from workloads.runtimes.claims import ClaimSpec, Kept, Space

logger = logging.getLogger(__name__)

_LOST, _REMOVED = ".lost-", ".removed-"
_OPEN = 0o777
"""Whoever a container runs as may write; the folders above let nobody in."""
_GROUP_FILE, _GROUP_FOLDER = 0o660, 0o770 | stat.S_ISGID


class HostClaims:
    """`root` and `roots` (by class) are the same paths for every process and for the Docker daemon."""

    def __init__(self, root: Path, roots: Mapping[str, Path] | None = None) -> None:
        self._root = root
        self._roots = dict(roots or {})

    def space(self, storage_class: str) -> Space:
        place = self._home(storage_class)
        _make_private(place)
        found = os.statvfs(place)
        return Space(disk=str(place.stat().st_dev), free_bytes=found.f_bavail * found.f_frsize)

    def ensure(self, claim: ClaimSpec) -> None:
        if self.folder(claim) is not None:
            return
        place = self._home(claim.storage_class) / _folder_name(claim.account)
        _make_private(place)
        with suppress(FileExistsError):
            (place / claim.uid).mkdir()
        (place / claim.uid).chmod(_OPEN)

    def exists(self, claim: ClaimSpec) -> bool:
        return self.folder(claim) is not None

    def folder(self, claim: ClaimSpec) -> Path | None:
        """Where the claim's data lies; None when it is not there. What was set aside is put back first."""
        places = [home / _folder_name(claim.account) / claim.uid for home in self._homes(claim.storage_class)]
        found = next((place for place in places if _is_folder(place)), None)
        return found or next((place for place in places if _put_back(place)), None)

    def remove(self, claim: ClaimSpec) -> None:
        while (place := self.folder(claim)) is not None:
            place.rename(place.with_name(f"{_REMOVED}{claim.uid}"))

    def set_aside(self, claim: ClaimSpec) -> str:
        place = self.folder(claim)
        if place is None:
            return ""
        found, aside = place.stat(), place.with_name(f"{_LOST}{claim.uid}")
        os.utime(place, ns=(found.st_atime_ns, found.st_mtime_ns))  # its ctime says since when, on any file system
        place.rename(aside)
        return str(aside)

    def clear(self) -> None:
        failed: list[OSError] = []
        for place in [one for one in self._all() if one.name.startswith(_REMOVED)]:
            try:
                trees.remove(place)
            except OSError as error:
                failed.append(error)
            else:
                logger.info("the data of claim %s is removed", place.name.removeprefix(_REMOVED))
        if failed:
            raise OSError(f"the removed data of {len(failed)} claims is still there: {failed[0]}")

    def usage(self, claim: ClaimSpec) -> int | None:
        folder = self.folder(claim)
        return None if folder is None else diskusage.used(folder)

    def kept(self) -> list[Kept]:
        return [_kept(place) for place in self._all() if place.name.startswith(_LOST) or place.name[0] != "."]

    def _home(self, storage_class: str) -> Path:
        return self._roots.get(storage_class, self._root) / storage_class

    def _homes(self, storage_class: str) -> list[Path]:
        """Where new data of the class goes, and where older data may lie."""
        return list(dict.fromkeys((self._home(storage_class), self._root / storage_class)))

    def _all(self) -> Iterator[Path]:
        """Every claim's folder. The store is not asked: what nobody knows is found, too."""
        for root in dict.fromkeys((self._root, *self._roots.values())):
            for storage_class in _folders(root):
                for account in _folders(storage_class):
                    yield from _folders(account)


def give_to_group(folder: Path, group: int, *, only_when_root_differs: bool) -> None:
    """Everything in `folder` becomes the group's to read and write, as the kubelet does it for an fsGroup. Raises
    OSError."""
    root = folder.stat()
    if only_when_root_differs and root.st_gid == group and root.st_mode & _GROUP_FOLDER == _GROUP_FOLDER:
        return
    for at, entries in trees.walk(folder):
        for entry in entries:
            with suppress(FileNotFoundError), _opened(entry.name, at) as one:
                _give(one, group)
    with _opened(str(folder), None) as one:
        _give(one, group)


def _give(one: int, group: int) -> None:
    """By its open descriptor: nothing can be put in its place meanwhile, and a link is given, not what it names."""
    path, mode = Path(f"/proc/self/fd/{one}"), os.fstat(one).st_mode
    os.chown(path, -1, group)
    if stat.S_ISDIR(mode):
        path.chmod(stat.S_IMODE(mode) | _GROUP_FOLDER)
    elif stat.S_ISREG(mode):
        path.chmod(stat.S_IMODE(mode) | _GROUP_FILE)


@contextmanager
def _opened(name: str, at: int | None) -> Iterator[int]:
    """What has the name now, itself and not what it may point to."""
    one = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=at)
    try:
        yield one
    finally:
        os.close(one)


def _kept(place: Path) -> Kept:
    uid, account, storage_class = place.name.removeprefix(_LOST), place.parent.name, place.parent.parent.name
    changed = datetime.fromtimestamp(place.stat().st_ctime, UTC)
    aside = changed if place.name.startswith(_LOST) else None
    return Kept(ClaimSpec(Uid(uid), unquote(account), storage_class), made_at=changed, set_aside_at=aside)


def _is_folder(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink()


def _put_back(place: Path) -> bool:
    """Whether it is there now: another process may have done it."""
    with suppress(FileNotFoundError):
        place.with_name(f"{_LOST}{place.name}").rename(place)
        logger.warning("the data of claim %s was set aside and is back in its place", place.name)
    return _is_folder(place)


def _folders(place: Path) -> list[Path]:
    with suppress(FileNotFoundError, NotADirectoryError):
        return [entry for entry in place.iterdir() if entry.is_dir() and not entry.is_symlink()]
    return []


def _make_private(place: Path) -> None:
    """For this user alone, with what is missing above it."""
    for missing in reversed([one for one in (place, *place.parents) if not one.exists()]):
        with suppress(FileExistsError):
            missing.mkdir(mode=0o700)


def _folder_name(account: str) -> str:
    """One that is no path and no hidden file, whatever the account is called."""
    return quote(account, safe="").replace(".", "%2E")
