"""A pod's containers: what each is made from, made once for an attempt, and started under its pod's name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from workloads.runtimes import etcfiles, hostnames, inspection, names, payloads
from workloads.runtimes.ahead import Ahead, Made, joins
from workloads.runtimes.base import (
    ContainerSpec,
    ContainerStatus,
    DnsSpec,
    ImageFault,
    RuntimeFault,
    RuntimeGone,
    SandboxSpec,
)
from workloads.runtimes.daemon import Conflict, Daemon, Found
from workloads.runtimes.dockerhost import DockerHost
from workloads.runtimes.dockerimages import DockerImages
from workloads.runtimes.headstarts import Headstarts
from workloads.runtimes.hostvolumes import HostVolumes
from workloads.runtimes.podfiles import PodFiles

_LOOKS, _LOOK_AGAIN_SECONDS = 40, 0.05


class DockerContainers:
    def __init__(
        self,
        daemon: Daemon,
        host: DockerHost,
        images: DockerImages,
        *,
        instance: str,
        volumes: HostVolumes,
        files: PodFiles,
        headstarts: Headstarts,
    ) -> None:
        self._daemon = daemon
        self._host = host
        self._images = images
        self._instance = instance
        self._volumes = volumes
        self._files = files
        self._headstarts = headstarts
        self.ahead = Ahead(daemon)

    def start(self, spec: SandboxSpec, container: str, *, attempt: int) -> ContainerStatus:
        name = names.container_name(spec.uid, container, attempt)
        made = self.ahead.take(name)
        sandbox = made.sandbox if made else self._running_sandbox(spec)
        body = self.body(spec, container, attempt, sandbox=sandbox["Id"])
        try:
            id = self._created(name, body, made)
        except Conflict:
            found = self._found_when_made(name)
            status = inspection.container_status(found)
            if status.state != "created":
                return status
            id = status.id if joins(found, sandbox["Id"]) else self._created_anew(name, body)
        self._write_etc(spec, sandbox)
        with self._named(spec, sandbox, id, body), self._headstart(spec, container, id, body):
            return self._start(id)

    def body(self, spec: SandboxSpec, container: str, attempt: int, *, sandbox: str) -> payloads.Body:
        wanted = container_of(spec, container)
        return payloads.container(
            spec,
            wanted,
            attempt=attempt,
            sandbox=sandbox,
            cgroup=self._pod_group(spec),
            instance=self._instance,
            image_user=self._images.user_of(wanted.image) if wanted.security.group is not None else "",
            sources=[self._volumes.source(spec, wanted, number) for number in range(len(wanted.mounts))],
            files=self._own_files(spec, wanted, attempt),
        )

    def _found_when_made(self, name: str) -> Found:
        """A name is taken before its container can be seen: somebody's create is still under way."""
        for _ in range(_LOOKS):
            if found := self._daemon.found(name):
                return found
            time.sleep(_LOOK_AGAIN_SECONDS)
        raise RuntimeFault(f"the name {name} is taken, and no container has it yet")

    def _start(self, id: str) -> ContainerStatus:
        """A command that is missing or may not be run is the container's end, and Docker notes it on the container.
        Any other refusal is the host's: the container goes, and the same attempt may be made again."""
        try:
            self._daemon.start(id)
        except RuntimeGone:
            raise
        except RuntimeFault:
            status = inspection.container_status(self._daemon.inspect(id))
            if status.state == "created":
                self._daemon.remove(id)
                raise
            return status
        return inspection.container_status(self._daemon.inspect(id))

    def _running_sandbox(self, spec: SandboxSpec) -> Found:
        sandbox = self._daemon.found(names.sandbox_name(spec.uid, spec.name))
        if sandbox is None or not inspection.runs(sandbox):
            raise RuntimeFault(f"the sandbox of pod {spec.namespace}/{spec.name} does not run")
        return sandbox

    def _own_files(self, spec: SandboxSpec, wanted: ContainerSpec, attempt: int) -> dict[str, str]:
        """The host's paths of single files by their places in the container. What is in them is `_write_etc`'s."""
        files = {"/etc/hosts": self._files.etc_file(spec.uid, "hosts")}
        if spec.dns != DnsSpec():
            files["/etc/resolv.conf"] = self._files.etc_file(spec.uid, "resolv.conf")
        if wanted.message_path:
            files[wanted.message_path] = self._files.message_file(spec.uid, wanted.name, attempt)
        return files

    def _write_etc(self, spec: SandboxSpec, sandbox: Found) -> None:
        """Before each start: the pod's address is another one in another sandbox."""
        hosts = etcfiles.hosts(inspection.address(sandbox), spec.names, spec.aliases, spec.services)
        self._files.write_etc(spec.uid, "hosts", hosts)
        if spec.dns != DnsSpec():
            self._files.write_etc(spec.uid, "resolv.conf", etcfiles.resolv(spec.dns, _networks_resolver(sandbox)))

    def _created(self, name: str, body: payloads.Body, made: Made | None) -> str:
        """The id of the container; one that was made ahead is that container if it would be made the same now."""
        if made and made.body == body:
            return made.id
        if made:
            self._daemon.remove(made.id)
        try:
            return self._daemon.create(name, body)
        except ImageFault:
            self._images.missed(body["Image"])
            raise

    def _created_anew(self, name: str, body: payloads.Body) -> str:
        """It was made for a sandbox that the pod did not get."""
        self._daemon.remove(name)
        return self._daemon.create(name, body)

    def _pod_group(self, spec: SandboxSpec) -> str:
        """No lower than its largest container: the kernel refuses a child above its parent."""
        memory = [one.memory_bytes for one in spec.containers]
        return self._host.facts.cgroups.pod_group(
            spec.uid,
            cpu_millis=_pod_cpu(spec),
            memory_bytes=max(spec.memory_bytes, *memory) if spec.memory_bytes else 0,
        )

    @contextmanager
    def _named(self, spec: SandboxSpec, sandbox: Found, id: str, body: payloads.Body) -> Iterator[None]:
        """Around the start of a container whose sandbox was made under another name than its pod's."""
        old = sandbox["Config"]["Hostname"]
        if old == spec.hostname:
            yield
            return
        processes = self._host.facts.cgroups.processes(id, parent=body["HostConfig"].get("CgroupParent", ""))
        with hostnames.named_while_starting(processes, old=old, new=spec.hostname):
            yield

    def _headstart(
        self, spec: SandboxSpec, container: str, id: str, body: payloads.Body
    ) -> AbstractContextManager[None]:
        """Around the start of a container whose own limit would hold it up."""
        limits = self._host.facts.cgroups.cpu_limits(
            id,
            parent=body["HostConfig"].get("CgroupParent", ""),
            cpu_millis=container_of(spec, container).cpu_millis or spec.cpu_millis,
            pod_millis=_pod_cpu(spec),
        )
        return self._headstarts.given(id, limits) if limits else nullcontext()


def container_of(spec: SandboxSpec, name: str) -> ContainerSpec:
    return next(one for one in spec.containers if one.name == name)


def _pod_cpu(spec: SandboxSpec) -> int:
    """What the pod's group may have, in thousandths of a core; 0: as much as there is."""
    return max(spec.cpu_millis, *(one.cpu_millis for one in spec.containers)) if spec.cpu_millis else 0


def _networks_resolver(sandbox: Found) -> str:
    """The daemon's resolv.conf of the sandbox; where it cannot be read from here, what every one says at least."""
    with suppress(OSError):
        return Path(sandbox["ResolvConfPath"]).read_text()
    return etcfiles.NETWORKS
