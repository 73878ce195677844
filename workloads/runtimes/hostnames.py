"""The host name of a pod that took a warm sandbox.

Docker gives every container that joins a sandbox the host name the *sandbox* was made with, and has no call to change
it. A warm sandbox was made before its pod had a name. So the name is put in from outside: into the two files the
pod's containers share, and into each container's own UTS namespace between the moment the OCI runtime has set the old
name and the moment it starts the container's program (some 20 ms; measured, the program never saw the old name).

Should the machine be so busy that the moment is missed, the name is set when the start call returns: the container's
first instants then saw the warm sandbox's name. Needs root on the host whose processes these are; `require` tells.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

_CLONE_NEWUTS = 0x04000000
_TICK = 0.002


def require(pid: int, *, processes: Path, files: Iterable[str]) -> None:
    """Raises OSError when this process could not name a container: one whose first process is `pid`, whose processes
    stand in `processes` and whose names stand in `files`."""
    if os.geteuid() != 0 or not _has_own_name(pid):
        raise PermissionError("it is not root in the host's process namespace")
    if pid not in _pids(processes):
        raise PermissionError("it does not see the host's control groups")
    for file in files:
        if not os.access(file, os.W_OK):
            raise PermissionError(f"it cannot write {file}")
    _try_to_enter(pid)


def write_files(*, hostname_file: str, hosts_file: str, old: str, new: str) -> None:
    """`/etc/hostname` and `/etc/hosts` of all containers of the sandbox. In place: they are mounted by inode.
    Raises OSError."""
    hosts = Path(hosts_file)
    lines = [line.replace(f"\t{old}", f"\t{new}") for line in hosts.read_text().splitlines(keepends=True)]
    _overwrite(hosts, "".join(lines))
    _overwrite(Path(hostname_file), f"{new}\n")


@contextmanager
def named_while_starting(processes: Path, *, old: str, new: str) -> Iterator[None]:
    """Around a container's start call: gives its first process the name as soon as the old one is set.
    `processes` is the container's `cgroup.procs`."""
    over = threading.Event()
    # a thread of its own, because it walks into the namespace of what starts and cannot come back
    watcher = threading.Thread(target=_watch, args=(processes, old, new, over), name="hostname", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _watch(processes: Path, old: str, new: str, over: threading.Event) -> None:
    while not over.wait(_TICK):
        if any(_rename(pid, old=old, new=new) for pid in _pids(processes)):
            return
    if not any(_rename(pid, old=old, new=new) for pid in _pids(processes)[:1]):
        logger.debug("no process to name %s in %s", new, processes)


def _pids(processes: Path) -> list[int]:
    try:
        return [int(line) for line in processes.read_text().split()]
    except OSError:
        return []


def _rename(pid: int, *, old: str, new: str) -> bool:
    """False while the process has not got the old name yet, or still lives in our namespace."""
    try:
        if not _has_own_name(pid):
            return False
        _enter(pid)
        if os.uname().nodename != old:
            return False
        _set(new)
    except OSError:
        return False
    return True


def _try_to_enter(pid: int) -> None:
    """On a thread that ends with it: who has been in another namespace never comes back to a pool."""
    refusals: list[OSError] = []

    def enter() -> None:
        try:
            _enter(pid)
        except OSError as error:
            refusals.append(error)

    visitor = threading.Thread(target=enter, name="hostname", daemon=True)
    visitor.start()
    visitor.join()
    if refusals:
        raise refusals[0]


def _has_own_name(pid: int) -> bool:
    return Path(f"/proc/{pid}/ns/uts").readlink() != Path("/proc/self/ns/uts").readlink()


def _enter(pid: int) -> None:
    with Path(f"/proc/{pid}/ns/uts").open("rb") as namespace:
        _check(_LIBC.setns(namespace.fileno(), _CLONE_NEWUTS))


def _set(name: str) -> None:
    encoded = name.encode()
    _check(_LIBC.sethostname(encoded, len(encoded)))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _overwrite(place: Path, text: str) -> None:
    with place.open("r+") as file:
        file.write(text)
        file.truncate()


_LIBC = ctypes.CDLL(None, use_errno=True)
