"""What containers use, read from the files of their control groups: three small reads each, and no question to Docker.

Which container a group belongs to is asked of Docker when a group appears that is not known, and remembered: a sweep
over groups that are all known reads files alone. Groups of others (another install, `docker run`) are remembered too.
Memory is the working set, as cAdvisor and metrics-server have it: usage without the file cache that is not in use.
What goes through a pod's network is read from the kernel's table of its interfaces, as any process of the pod sees it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workloads.meta.keys import Uid
from workloads.runtimes import slices
from workloads.runtimes.base import ContainerUsage, PodTraffic
from workloads.runtimes.cgroups import Cgroups

Whose = Callable[[], Mapping[str, tuple[Uid, str]]]

_SCOPE, _SCOPE_END = "docker-", ".scope"


class GroupUsage:
    """`whose` says of all containers of this install, by id, which pod they belong to and their name in it."""

    def __init__(self, cgroups: Cgroups, *, whose: Whose, processes: str = "/proc") -> None:
        self._cgroups = cgroups
        self._processes = processes
        self._whose = whose
        self._known: dict[str, tuple[Uid, str] | None] = {}
        self._children: dict[str, tuple[int, list[str]]] = {}
        """Group -> its number of links when its children were listed, and they: a listing is the dearest step."""
        is_v2 = cgroups.version == "2"
        self._cpu_root = str(cgroups.root if is_v2 else _first(cgroups, "cpuacct", "cpu,cpuacct"))
        self._memory_root = str(cgroups.root if is_v2 else cgroups.root / "memory")
        self._cpu, self._memory = (_cpu_v2, _memory_v2) if is_v2 else (_cpu_v1, _memory_v1)

    def sees_groups(self) -> bool:
        """Whether Docker's groups stand where this process looks. One in a container of its own sees only itself."""
        if not self._cgroups.driver:
            return False
        places = ("system.slice",) if self._cgroups.driver == "systemd" else ("docker", "cci")
        return any(Path(self._cpu_root, place).is_dir() for place in places)

    def read(self) -> list[ContainerUsage]:
        """Twice where something went since it was listed: what came in its place is found by the second sweep."""
        found, is_whole = self._sweep()
        return found if is_whole else self._sweep()[0]

    def traffic(self) -> list[PodTraffic]:
        """Of pods that `read` has met."""
        found: dict[Uid, PodTraffic] = {}
        for id, place in self._groups():
            whose = self._known.get(id)
            if whose is not None and whose[0] not in found and (one := self._traffic_of(whose[0], place)):
                found[whose[0]] = one
        return list(found.values())

    def _traffic_of(self, uid: Uid, place: str) -> PodTraffic | None:
        """None for a container that ended meanwhile, and where this process does not see those of pods."""
        try:
            process = _read(f"{self._cpu_root}/{place}/cgroup.procs").partition(b"\n")[0].decode()
            table = _read(f"{self._processes}/{process or 0}/net/dev")
        except OSError:
            return None
        received, sent = _interfaces(table)
        return PodTraffic(uid, received, sent, datetime.now(UTC))

    def _sweep(self) -> tuple[list[ContainerUsage], bool]:
        groups = dict(self._groups())
        if groups.keys() - self._known.keys():
            mine = self._whose()
            self._known = {id: mine.get(id) for id in groups}
        found, is_whole = [], True
        for id, place in groups.items():
            whose = self._known.get(id)
            if whose is None:
                continue
            read = self._one(whose, id, place)
            if read:
                found.append(read)
            else:
                is_whole = False
                self._children.pop(place.rpartition("/")[0], None)
        return found, is_whole

    def _groups(self) -> Iterator[tuple[str, str]]:
        """Every container's id and its group below the root."""
        is_systemd = self._cgroups.driver == "systemd"
        alone, pods = ("system.slice", slices.TOP) if is_systemd else ("docker", "cci")
        parents = [alone, *(f"{pods}/{pod}" for pod in self._listed(pods))]
        self._children = {place: self._children[place] for place in (*parents, pods) if place in self._children}
        for parent in parents:
            for name in self._listed(parent):
                if not is_systemd:
                    yield name, f"{parent}/{name}"
                elif name.startswith(_SCOPE):
                    yield name.removeprefix(_SCOPE).removesuffix(_SCOPE_END), f"{parent}/{name}"

    def _listed(self, place: str) -> list[str]:
        """The groups below. A group has a link for each: only where that number changed is it listed anew. One that
        went while another came is noticed when its files cannot be read."""
        try:
            links = os.stat(f"{self._cpu_root}/{place}").st_nlink  # noqa: PTH116  a Path costs more than the call
        except OSError:
            self._children.pop(place, None)
            return []
        known = self._children.get(place)
        if known is None or known[0] != links:
            known = self._children[place] = (links, _folders(f"{self._cpu_root}/{place}"))
        return known[1]

    def _one(self, whose: tuple[Uid, str], id: str, place: str) -> ContainerUsage | None:
        """None for a container that ended meanwhile."""
        try:
            cpu = self._cpu(f"{self._cpu_root}/{place}")
            at = datetime.now(UTC)
            memory = self._memory(f"{self._memory_root}/{place}")
        except (OSError, ValueError):
            return None
        return ContainerUsage(*whose, id, cpu, memory, at)


def from_stats(uid: Uid, container: str, id: str, stats: Mapping[str, Any]) -> ContainerUsage | None:
    """The same from what Docker's own reading says; None when the container has ended."""
    memory, cpu = stats.get("memory_stats") or {}, (stats.get("cpu_stats") or {}).get("cpu_usage") or {}
    if "usage" not in memory:
        return None
    detail = memory.get("stats") or {}
    cache = detail.get("total_inactive_file", detail.get("inactive_file", 0))
    working_set = max(0, int(memory["usage"]) - int(cache))
    return ContainerUsage(uid, container, id, int(cpu.get("total_usage", 0)), working_set, datetime.now(UTC))


def traffic_from_stats(uid: Uid, stats: Mapping[str, Any]) -> PodTraffic | None:
    """The same from Docker's own reading of a sandbox."""
    networks = (stats.get("networks") or {}).values()
    received, sent = (sum(int(one.get(name, 0)) for one in networks) for name in ("rx_bytes", "tx_bytes"))
    return PodTraffic(uid, received, sent, datetime.now(UTC)) if networks else None


def _interfaces(table: bytes) -> tuple[int, int]:
    """Bytes received and sent over all interfaces but the loopback, of a text like `/proc/net/dev`."""
    received = sent = 0
    for line in table.splitlines()[2:]:
        name, _, counters = line.partition(b":")
        if name.strip() != b"lo":
            numbers = counters.split()
            received, sent = received + int(numbers[0]), sent + int(numbers[8])
    return received, sent


def _first(cgroups: Cgroups, *names: str) -> Path:
    places = [cgroups.root / name for name in names]
    return next((place for place in places if place.is_dir()), places[0])


def _folders(place: str) -> list[str]:
    try:
        with os.scandir(place) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _cpu_v1(group: str) -> int:
    return int(_read(f"{group}/cpuacct.usage"))


def _memory_v1(group: str) -> int:
    usage = int(_read(f"{group}/memory.usage_in_bytes"))
    return max(0, usage - _line(_read(f"{group}/memory.stat"), b"total_inactive_file "))


def _cpu_v2(group: str) -> int:
    return _line(_read(f"{group}/cpu.stat"), b"usage_usec ") * 1000


def _memory_v2(group: str) -> int:
    usage = int(_read(f"{group}/memory.current"))
    return max(0, usage - _line(_read(f"{group}/memory.stat"), b"inactive_file "))


def _line(text: bytes, key: bytes) -> int:
    """The number behind `key` at the start of a line; 0 without one."""
    at = 0 if text.startswith(key) else text.find(b"\n" + key) + 1
    if at == 0 and not text.startswith(key):
        return 0
    end = text.find(b"\n", at)
    return int(text[at + len(key) : end if end >= 0 else len(text)])


def _read(place: str) -> bytes:
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 16384)
    finally:
        os.close(descriptor)
