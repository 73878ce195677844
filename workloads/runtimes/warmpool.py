"""Sandboxes that stand ready: started, and nobody's yet. A pod gets one by renaming it and giving it a host name."""

from __future__ import annotations

import logging
import random
from contextlib import suppress
from datetime import timedelta

from workloads.runtimes import hostnames, names, payloads
from workloads.runtimes.base import NetworkSpec, RuntimeFault, SandboxSpec
from workloads.runtimes.daemon import Daemon, Found
from workloads.runtimes.dockerhost import DockerHost
from workloads.runtimes.dockerimages import DockerImages
from workloads.runtimes.inspection import is_up, name_of

logger = logging.getLogger(__name__)


class WarmPool:
    def __init__(self, daemon: Daemon, host: DockerHost, images: DockerImages, *, instance: str) -> None:
        self._daemon = daemon
        self._host = host
        self._images = images
        self._instance = instance
        self._dresses: bool | None = None

    def sizes(self) -> dict[str, int]:
        label = [f"{names.INSTANCE}={self._instance}", names.WARM]
        found = self._daemon.containers(label=label, name=f"^/{names.WARM_PREFIX}")
        sizes = dict.fromkeys((one["Labels"][names.WARM] for one in found), 0)
        for one in found:
            sizes[one["Labels"][names.WARM]] += is_up(one)
        return sizes

    def keep(self, network: NetworkSpec, *, size: int, max_age: timedelta | None = None) -> int:
        pool = self._nobodys(network.name)
        size = 0 if self._dresses is False else size
        ready = [one for one in pool if is_up(one)]
        stale = [one for one in pool if not is_up(one) or self._is_older(one, max_age)]
        unwanted = stale or ready[size:]
        if unwanted:
            # by the warm name: the moment a pod takes it, there is nothing of that name to remove
            self._daemon.remove(name_of(unwanted[0]))
            return len(ready) - (unwanted[0] in ready)
        if len(ready) == size:
            return size
        body = payloads.warm_sandbox(network, image=self._images.pause(), instance=self._instance)
        name = names.warm_name()
        start_or_remove(self._daemon, self._daemon.create(name, body))
        if not self._can_dress(name):
            self._daemon.remove(name)
            return 0
        return len(ready) + 1

    def empty(self, network: str) -> None:
        for warm in self._nobodys(network):
            self._daemon.remove(name_of(warm))

    def to_give(self, spec: SandboxSpec) -> list[Found]:
        """Ready sandboxes on the pod's network, if their host names can be changed from here."""
        if self._dresses is False:
            return []
        ready = [one for one in self._nobodys(spec.network.name) if is_up(one)]
        random.shuffle(ready)
        return ready if ready and self._can_dress(name_of(ready[0])) else []

    def dress(self, taken: Found, spec: SandboxSpec) -> bool:
        """Gives a sandbox that was taken its pod's host name. Where that cannot be, the sandbox goes: better slow than
        misnamed."""
        try:
            hostnames.write_files(
                hostname_file=taken["HostnamePath"],
                hosts_file=taken["HostsPath"],
                old=taken["Config"]["Hostname"],
                new=spec.hostname,
            )
        except OSError as error:
            logger.warning("sandbox %s cannot be named and goes: %s", taken["Name"], error)
            self._daemon.remove(taken["Id"])
            return False
        return True

    def _nobodys(self, network: str) -> list[Found]:
        """The network's sandboxes that are nobody's yet, newest first."""
        labels = [f"{names.INSTANCE}={self._instance}", f"{names.WARM}={network}"]
        found = self._daemon.containers(label=labels, name=f"^/{names.WARM_PREFIX}")
        return sorted(found, key=lambda one: one["Created"], reverse=True)

    def _is_older(self, one: Found, max_age: timedelta | None) -> bool:
        return max_age is not None and self._daemon.now().timestamp() - one["Created"] > max_age.total_seconds()

    def _can_dress(self, name: str) -> bool:
        """Whether this process reaches the host's containers, so that a warm sandbox can get its pod's host name.
        Looked at once: a process does not move."""
        if self._dresses is None:
            found = self._daemon.found(name)
            if found is None:
                return False
            problem = self._why_out_of_reach(found)
            if problem:
                logger.warning("warm sandboxes are not used, because this process cannot name them: %s", problem)
            self._dresses = not problem
        return self._dresses

    def _why_out_of_reach(self, sandbox: Found) -> str:
        if not self._daemon.is_local:
            return "the daemon is on another host"
        try:
            hostnames.require(
                sandbox["State"]["Pid"],
                processes=self._host.facts.cgroups.processes(sandbox["Id"], parent=""),
                files=(sandbox["HostnamePath"], sandbox["HostsPath"]),
            )
        except OSError as error:
            return str(error)
        return ""


def start_or_remove(daemon: Daemon, id: str) -> None:
    """All or nothing."""
    try:
        daemon.start(id)
    except RuntimeFault:
        with suppress(RuntimeFault):
            daemon.remove(id)
        raise
