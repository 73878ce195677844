"""The host's mount calls, as little of them as volumes need: tmpfs, bind, what is mounted below a folder, unmount.

Needs CAP_SYS_ADMIN, and that the Docker daemon sees this process's mounts. Every function raises OSError in words.
"""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path

_NOSUID, _NODEV, _NOEXEC, _BIND, _DETACH = 2, 4, 8, 4096, 2
_TABLE = Path("/proc/self/mountinfo")
_LIBC = ctypes.CDLL(None, use_errno=True)


def tmpfs(place: Path, *, mode: int, size_bytes: int = 0) -> None:
    """Mounts an empty one. `size_bytes` is its limit, 0 the kernel's."""
    options = f"mode={mode:o}" + (f",size={size_bytes}" if size_bytes else "")
    flags = _NOSUID | _NODEV
    _call("mount", _LIBC.mount(b"tmpfs", os.fsencode(place), b"tmpfs", flags, options.encode()))


def bind(source: int, place: Path) -> None:
    """Shows what the open file or folder `source` is at `place`, which must exist and be of the same sort."""
    _call("mount", _LIBC.mount(f"/proc/self/fd/{source}".encode(), os.fsencode(place), None, _BIND, None))


def unmount(place: Path) -> None:
    """At once for everybody who looks from here; who has it open keeps it until done."""
    _call("umount", _LIBC.umount2(os.fsencode(place), _DETACH))


def below(folder: Path) -> list[Path]:
    """Every mount at `folder` or below it, the innermost first."""
    top = str(folder)
    found = [_unescaped(line.split(" ")[4]) for line in _TABLE.read_text().splitlines()]
    inside = [place for place in found if place == top or place.startswith(f"{top}/")]
    return [Path(place) for place in reversed(inside)]


def _unescaped(text: str) -> str:
    """The table writes spaces and the like as octal: `\\040`."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def _call(name: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
