"""The single files that the service keeps for a pod's containers beside their volumes, bind-mounted into them.

    <root>/<pod uid>/messages/<container>/<attempt>    what an attempt says last (`terminationMessagePath`)
    <root>/<pod uid>/etc/hosts, resolv.conf            what its containers find there under /etc

They are written in place, because they are mounted by inode, and go with the pod's folder, which is `HostVolumes`' to
remove.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workloads.meta.keys import Uid
from workloads.runtimes import diskusage
from workloads.runtimes.base import MESSAGE_BYTES, RuntimeFault

_READABLE_BY_ALL, _WRITABLE_BY_ALL = 0o644, 0o666
"""Whoever the image runs as."""


class PodFiles:
    """`root` is the same path for this process and for the Docker daemon."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def message_file(self, uid: Uid, container: str, attempt: int) -> str:
        """The host's path of an attempt's message file, which is made when it is not there. Raises RuntimeFault."""
        place = self._message(uid, container, attempt)
        with _told(f"failed to create termination-log file of container {container}: "):
            if not place.exists():
                self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
            place.chmod(_WRITABLE_BY_ALL)
        return str(place)

    def message(self, uid: Uid, container: str, attempt: int) -> str:
        """The end of what the attempt wrote, "" for nothing."""
        try:
            with self._message(uid, container, attempt).open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - MESSAGE_BYTES))
                return file.read(MESSAGE_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"Error on reading termination log: {error.strerror}"

    def etc_file(self, uid: Uid, name: str) -> str:
        """The host's path of a file of the pod's own /etc, which is made when it is not there. Raises RuntimeFault."""
        place = self._root / uid / "etc" / name
        with _told(f"failed to create {name} file: "):
            if not place.exists():
                self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
                place.chmod(_READABLE_BY_ALL)
        return str(place)

    def write_etc(self, uid: Uid, name: str, text: str) -> None:
        """However long a container has made the file, no more is read than is to be there. Raises RuntimeFault."""
        place = Path(self.etc_file(uid, name))
        with _told(f"failed to write {name} file: "):
            data = text.encode()
            with place.open("r+b") as file:
                if os.fstat(file.fileno()).st_size == len(data) and file.read(len(data)) == data:
                    return
                file.seek(0)
                file.write(data)
                file.truncate()

    def used(self, uid: Uid) -> int:
        """What lies on the disk: containers may write into these files, and at any length."""
        return sum(diskusage.used(self._root / uid / part) for part in ("messages", "etc"))

    def forget_message(self, uid: Uid, container: str, attempt: int) -> None:
        with suppress(OSError):
            self._message(uid, container, attempt).unlink()

    def _message(self, uid: Uid, container: str, attempt: int) -> Path:
        return self._root / uid / "messages" / container / str(attempt)


@contextmanager
def _told(opening: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RuntimeFault(f"{opening}{error.strerror or error}") from error
