"""A control group a pod: the pod specification as the ceiling over all its containers together.

Docker limits each container; the parent group made here limits their sum. Under Docker's `cgroupfs` driver (version 1
or 2) it is a folder of the host's cgroup tree; under `systemd` a slice that systemd is asked for (`slices`). Where this
process reaches neither, the containers' own limits stand alone: `pod_group` then says "".
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from workloads.meta.keys import Uid
from workloads.runtimes import slices
from workloads.runtimes.headstarts import LIFTED_MILLIS, Limits
from workloads.runtimes.slices import Slices

logger = logging.getLogger(__name__)

_CPU_PERIOD = 100_000


@dataclass(frozen=True)
class Cgroups:
    """`driver` and `version` are Docker's words."""

    driver: str
    version: str
    root: Path = Path("/sys/fs/cgroup")
    slices: Slices = field(default_factory=lambda: Slices(instance=""))

    def pod_group(self, uid: Uid, *, cpu_millis: int, memory_bytes: int) -> str:
        """Makes the pod's group with its limits, or finds it; the answer is what Docker calls `CgroupParent`."""
        if self.driver == "systemd":
            return self._pod_slice(uid, cpu_millis=cpu_millis, memory_bytes=memory_bytes)
        if self.driver != "cgroupfs":
            return ""
        try:
            if self.version == "2":
                self._limit_v2(uid, cpu_millis=cpu_millis, memory_bytes=memory_bytes)
            else:
                self._limit_v1(uid, cpu_millis=cpu_millis, memory_bytes=memory_bytes)
        except OSError as error:
            _warn_once(f"pods have no ceiling beyond their containers' own limits: {error.strerror}")
            return ""
        return f"/cci/{uid}"

    def cpu_limits(self, container_id: str, *, parent: str, cpu_millis: int, pod_millis: int) -> Limits:
        """The files that hold a container's CPU limit and its pod's, for those that are below what both may have while
        it starts; none where pods have no groups."""
        if not parent:
            return {}
        pod = self._tree("cpu") / self._place(parent)
        name, form = ("cpu.cfs_quota_us", "{}") if self.version == "1" else ("cpu.max", f"{{}} {_CPU_PERIOD}")
        lifted = form.format(_quota(LIFTED_MILLIS))
        return {
            group / name: (form.format(_quota(millis)), lifted)
            for group, millis in ((pod / self._own(container_id), cpu_millis), (pod, pod_millis))
            if 0 < millis < LIFTED_MILLIS
        }

    def remove(self, uid: Uid) -> None:
        """In every hierarchy the OCI runtime made it in. Of folders, empty ones only: what still has a process in it
        stays."""
        if self.driver == "systemd":
            self._remove_slice(uid)
            return
        with suppress(OSError):
            for place in (self.root, *self.root.iterdir()):
                with suppress(OSError):
                    (place / "cci" / uid).rmdir()

    def owners(self) -> list[Uid]:
        """This install's pods that have a slice. A folder does not say whose it is."""
        if self.driver != "systemd" or not (self._tree("memory") / slices.TOP).is_dir():
            return []
        try:
            return self.slices.owners()
        except slices.Refused as error:
            _warn_once(f"slices that nobody needs are not looked for: {error}")
            return []

    def pod_place(self, uid: Uid, controller: str) -> Path:
        """The folder of the pod's group in that controller's tree."""
        return self._tree(controller) / self._place(slices.name(uid) if self.driver == "systemd" else f"/cci/{uid}")

    def processes(self, container_id: str, *, parent: str) -> Path:
        """The file that lists a container's processes, from the moment its first one exists."""
        place = self._place(parent or ("system.slice" if self.driver == "systemd" else "docker"))
        return self._tree("pids") / place / self._own(container_id) / "cgroup.procs"

    def _tree(self, controller: str) -> Path:
        return self.root if self.version == "2" else self.root / controller

    def _place(self, parent: str) -> Path:
        """Of what Docker calls `CgroupParent`, below a tree's top."""
        return Path(slices.TOP, parent) if slices.owner(parent) else Path(parent.lstrip("/"))

    def _own(self, container_id: str) -> str:
        return f"docker-{container_id}.scope" if self.driver == "systemd" else container_id

    def _pod_slice(self, uid: Uid, *, cpu_millis: int, memory_bytes: int) -> str:
        """systemd is asked only where the slice does not stand yet as it should: a container that starts again in its
        pod costs two small reads."""
        if not self._stands(uid, cpu_millis=cpu_millis, memory_bytes=memory_bytes):
            try:
                self.slices.start(uid, cpu_millis=cpu_millis, memory_bytes=memory_bytes)
            except slices.Refused as error:
                _warn_once(f"pods have no ceiling beyond their containers' own limits: {error}")
                return ""
        return slices.name(uid)

    def _stands(self, uid: Uid, *, cpu_millis: int, memory_bytes: int) -> bool:
        """A CPU limit may be lifted just now, for a container that starts: that there is one is enough."""
        files = ("cpu.max", "memory.max") if self.version == "2" else ("cpu.cfs_quota_us", "memory.limit_in_bytes")
        try:
            cpu, memory = ((self.pod_place(uid, name.partition(".")[0]) / name).read_text().strip() for name in files)
        except OSError:
            return False
        has_cpu, has_memory = not cpu.startswith(("max", "-1")), memory == str(memory_bytes)
        return (has_cpu or not cpu_millis) and (has_memory or not memory_bytes)

    def _remove_slice(self, uid: Uid) -> None:
        if not self.pod_place(uid, "memory").is_dir():
            return
        try:
            self.slices.stop(uid)
        except slices.Refused as error:
            logger.warning("the slice of pod %s stays: %s", uid, error)

    def _limit_v1(self, uid: Uid, *, cpu_millis: int, memory_bytes: int) -> None:
        memory, cpu = (self.root / controller / "cci" / uid for controller in ("memory", "cpu"))
        memory.mkdir(parents=True, exist_ok=True)
        cpu.mkdir(parents=True, exist_ok=True)
        _write_bounds(memory, memory_bytes or -1)
        _write(cpu / "cpu.cfs_quota_us", _quota(cpu_millis) or -1)

    def _limit_v2(self, uid: Uid, *, cpu_millis: int, memory_bytes: int) -> None:
        group = self.root / "cci" / uid
        group.mkdir(parents=True, exist_ok=True)
        for above in (self.root, self.root / "cci"):
            _write(above / "cgroup.subtree_control", "+cpu +memory +pids")
        _write(group / "memory.max", memory_bytes or "max")
        if (group / "memory.swap.max").exists():
            _write(group / "memory.swap.max", 0 if memory_bytes else "max")
        _write(group / "cpu.max", f"{_quota(cpu_millis) or 'max'} {_CPU_PERIOD}")


def _write_bounds(group: Path, memory: int) -> None:
    """Memory, and memory with swap where the kernel counts that: pods do not swap. The latter is never the lower one,
    in whichever order they are written."""
    swap, plain = group / "memory.memsw.limit_in_bytes", group / "memory.limit_in_bytes"
    if swap.exists() and memory < 0:
        _write(swap, memory)
    _write(plain, memory)
    if swap.exists() and memory > 0:
        _write(swap, memory)


@cache
def _warn_once(text: str) -> None:
    logger.warning(text)


def _quota(cpu_millis: int) -> int:
    return cpu_millis * _CPU_PERIOD // 1000


def _write(place: Path, value: int | str) -> None:
    place.write_text(str(value))
