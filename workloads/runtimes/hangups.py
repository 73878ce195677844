"""Ends what a caller who has gone left running in a container: the daemon stops no command, whoever sees the host's
processes can. Where they cannot be seen (another host's daemon, a process namespace of one's own) nothing is done.

A command that Docker starts leads a session of its own, and what it starts belongs to that session unless it leaves it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROCESSES = Path("/proc")
_SESSION_FIELD = 3
"""Behind the name in /proc/<pid>/stat: state, parent, group, session."""


def hang_up(leader: int, *, container: str) -> None:
    """SIGHUP to the session that process `leader` leads, as from a terminal that is closed."""
    for process in _session(leader, container):
        _send(process, signal.SIGHUP)


def kill(leader: int, *, container: str) -> None:
    """SIGKILL to a leader that is still there, and with it to its session. What outlived its leader was meant to."""
    if belongs(leader, container):
        for process in _session(leader, container):
            _send(process, signal.SIGKILL)


def _session(leader: int, container: str) -> Iterator[int]:
    """The leader last: what it starts meanwhile would be missed."""
    members = [pid for pid in _all() if _session_of(pid) == leader and belongs(pid, container)]
    yield from sorted(members, key=lambda pid: pid == leader)


def _all() -> list[int]:
    return [int(place.name) for place in _PROCESSES.iterdir() if place.name.isdecimal()]


def _session_of(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        _, _, facts = (_PROCESSES / str(pid) / "stat").read_text(errors="replace").rpartition(")")
        return int(facts.split()[_SESSION_FIELD])
    return 0


def belongs(pid: int, container: str) -> bool:
    """Seen from elsewhere, or later, the number is somebody else's: it has to be one of the container's processes."""
    with suppress(OSError):
        return container in (_PROCESSES / str(pid) / "cgroup").read_text()
    return False


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(OSError):
        os.kill(pid, number)
