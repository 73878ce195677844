"""How much lies on the disk: what containers have written, and what a folder holds.

As `du` counts: blocks, not lengths, so that a sparse file is as small as it is; every file once, however many names it
has; one file system alone.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workloads.runtimes import trees
from workloads.runtimes.daemon import Daemon, Missing

_BLOCK_BYTES = 512


def used(folder: Path) -> int:
    """What goes away while it is counted counts nothing."""
    total, seen = 0, set[int]()
    for at, entries in trees.walk(folder):
        device = os.fstat(at).st_dev
        for entry in entries:
            with suppress(OSError):
                found = entry.stat(follow_symlinks=False)
                if found.st_dev != device or found.st_ino in seen:
                    continue
                if found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode):
                    seen.add(found.st_ino)
                total += found.st_blocks * _BLOCK_BYTES
    return total


@dataclass(frozen=True)
class _Places:
    """Of one container, on the daemon's host."""

    layer: Path | None
    log: Path | None


class Written:
    """What containers have written, by id. Where this process sees the daemon's files it counts them itself; else the
    daemon is asked, which does not tell the logs."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._places: dict[str, _Places] = {}

    def size(self, id: str) -> int:
        """0 for one that is gone."""
        places = self._places.get(id) or self._found(id)
        if places.layer is None:
            return self._daemon.written(id)
        return used(places.layer) + (_logged(places.log) if places.log else 0)

    def forget(self, *, but: Collection[str]) -> None:
        self._places = {id: places for id, places in self._places.items() if id in but}

    def _found(self, id: str) -> _Places:
        with suppress(Missing):
            found = self._daemon.inspect(id)
            layer = ((found.get("GraphDriver") or {}).get("Data") or {}).get("UpperDir") or ""
            sees = self._daemon.is_local and layer and os.access(layer, os.R_OK | os.X_OK)
            places = _Places(Path(layer) if sees else None, Path(found["LogPath"]) if found.get("LogPath") else None)
            self._places[id] = places
            return places
        return _Places(None, None)


def _logged(log: Path) -> int:
    """With the parts that were rotated away."""
    sizes = []
    for place in (log, *(log.with_name(f"{log.name}.{number}") for number in range(1, 10))):
        with suppress(OSError):
            sizes.append(place.stat().st_blocks * _BLOCK_BYTES)
    return sum(sizes)
