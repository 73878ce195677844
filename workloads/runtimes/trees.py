"""Folders that containers have filled: walked and removed however deep they are, and whatever is moved meanwhile.

Nothing goes by a path that a container could change: every folder is opened from the one above it, and a link is never
followed. One folder is open at a time, and no other file system is entered.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
Identity = tuple[int, int]
"""Device and inode."""


@dataclass
class _Level:
    """A folder on the way down."""

    name: str
    identity: Identity
    folders: list[str] = field(default_factory=list)
    """In it, and still to be walked."""


def walk(root: Path) -> Iterator[tuple[int, list[os.DirEntry[str]]]]:
    """Every folder, open, with what is in it; a folder before those in it. What cannot be opened, or goes away
    meanwhile, is left out. The descriptor is good until the next is asked for."""
    with suppress(OSError):
        at = os.open(root, _FOLDER)
        levels = [_Level(str(root), _identity(at))]
        try:
            while True:
                entries = _entries(at)
                levels[-1].folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
                yield at, entries
                while not levels[-1].folders or not (below := _below(at, levels[-1])):
                    if levels[-1].folders:
                        continue
                    levels.pop()
                    if not levels:
                        return
                    above = _above(at, levels)
                    os.close(at)
                    at = above
                os.close(at)
                at, level = below
                levels.append(level)
        finally:
            os.close(at)


def remove(folder: Path) -> None:
    """With everything in it. Raises OSError, and goes on with the rest before."""
    words = ["/bin/rm", "-rf", "--one-file-system", "--", str(folder)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").partition("\n")[0].removeprefix("/bin/rm: ")
        raise OSError(said[:500] or f"{folder} could not be removed")


def _entries(at: int) -> list[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(at) as entries:
        return list(entries)
    return []


def _below(at: int, level: _Level) -> tuple[int, _Level] | None:
    """The next folder in this one; None for one that is gone, is no folder any more or lies elsewhere."""
    name = level.folders.pop()
    with suppress(OSError):
        below = os.open(name, _FOLDER, dir_fd=at)
        identity = _identity(below)
        if identity[0] == level.identity[0]:
            return below, _Level(name, identity)
        os.close(below)
    return None


def _above(at: int, levels: list[_Level]) -> int:
    """The folder of the last of `levels`. When the one that was walked has been moved away, it is found from the root;
    levels that are not there any more are dropped. Raises OSError when the root itself is not."""
    with suppress(OSError):
        above = os.open("..", _FOLDER, dir_fd=at)
        if _identity(above) == levels[-1].identity:
            return above
        os.close(above)
    found = os.open(levels[0].name, _FOLDER)
    for number, level in enumerate(levels[1:], 1):
        below = None
        with suppress(OSError):
            below = os.open(level.name, _FOLDER, dir_fd=found)
        if below is None or _identity(below) != level.identity:
            if below is not None:
                os.close(below)
            del levels[number:]
            break
        os.close(found)
        found = below
    return found


def _identity(at: int) -> Identity:
    found = os.fstat(at)
    return found.st_dev, found.st_ino
