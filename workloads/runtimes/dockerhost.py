"""What the daemon says of the host it runs on, and what this process sees of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workloads.runtimes.base import Capacity, FileSystem, Machine
from workloads.runtimes.cgroups import Cgroups
from workloads.runtimes.daemon import Daemon, Found
from workloads.runtimes.slices import Slices

_CONTAINERD_STORE = ["driver-type", "io.containerd.snapshotter.v1"]
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Facts:
    """What does not change while this process lives."""

    architecture: str
    capacity: Capacity
    machine: Machine
    cgroups: Cgroups
    images: Path
    """Where the daemon keeps them, on its host."""
    digests_mean_pulled: bool
    """Whether an image with a digest was pulled. Docker's containerd store gives one to what is built, too."""


class DockerHost:
    def __init__(self, daemon: Daemon, *, instance: str) -> None:
        self._daemon = daemon
        self._instance = instance

    @cached_property
    def facts(self) -> Facts:
        """The daemon is asked when somebody wants to know, and once."""
        info = self._daemon.info()
        driver = info.get("CgroupDriver", "") if self._daemon.is_local else ""
        slices = Slices(self._instance)
        return Facts(
            architecture=info["Architecture"],
            capacity=Capacity(cpu_millis=info["NCPU"] * 1000, memory_bytes=info["MemTotal"]),
            machine=_machine(info),
            cgroups=Cgroups(driver=driver, version=info.get("CgroupVersion", "1"), slices=slices),
            images=Path(info.get("DockerRootDir") or "/var/lib/docker"),
            digests_mean_pulled=_CONTAINERD_STORE not in (info.get("DriverStatus") or ()),
        )

    def file_systems(self, *, volumes: Path) -> list[FileSystem]:
        """The daemon's own is seen where it is on this host and not hidden (as it is in a container)."""
        images = [(self.facts.images, True)] if self._daemon.is_local else []
        return list(_file_systems([*images, (volumes, False)]).values())


def _file_systems(places: Iterable[tuple[Path, bool]]) -> dict[int, FileSystem]:
    """By device, each by the first of its places; with each place, whether it holds images."""
    found: dict[int, FileSystem] = {}
    for place, holds_images in places:
        if not place.exists():
            continue
        facts = os.statvfs(place)
        found.setdefault(
            place.stat().st_dev,
            FileSystem(
                path=str(place),
                total_bytes=facts.f_blocks * facts.f_frsize,
                free_bytes=facts.f_bavail * facts.f_frsize,
                holds_images=holds_images,
            ),
        )
    return found


def _machine(info: Found) -> Machine:
    said = str(info["Architecture"])
    return Machine(
        id=str(info.get("ID", "")),
        architecture=_ARCHITECTURES.get(said, said),
        kernel=str(info.get("KernelVersion", "")),
        system=str(info.get("OperatingSystem", "")),
        runtime=f"docker://{info.get('ServerVersion', '')}",
    )
