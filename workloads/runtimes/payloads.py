"""What Docker is asked for, as plain data: the bodies of `POST /containers/create`. Pure, so tested without Docker."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from workloads.runtimes import names
from workloads.runtimes.base import ContainerSpec, NetworkSpec, SandboxSpec, SecuritySpec

Body = dict[str, Any]

_CPU_PERIOD = 100_000
LOG_FILES = 3
"""Of a container: the one it writes to, and those before it."""
_LOGS = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": str(LOG_FILES)}}


def warm_sandbox(network: NetworkSpec, *, image: str, instance: str) -> Body:
    """A sandbox nobody owns yet."""
    labels = {**network.labels, names.WARM: network.name}
    return _pause(network, image=image, labels=labels, instance=instance)


def sandbox(spec: SandboxSpec, *, image: str, instance: str) -> Body:
    body = _pause(spec.network, image=image, labels=_pod_labels(spec), instance=instance)
    return {**body, "Hostname": spec.hostname}


def container(
    spec: SandboxSpec,
    container: ContainerSpec,
    *,
    attempt: int,
    sandbox: str,
    cgroup: str,
    instance: str,
    sources: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
    image_user: str = "",
) -> Body:
    """One attempt of one container, joined to the sandbox with that id. `cgroup` is the pod's own, or "". `sources`
    are the host's paths of the container's mounts, in their order, `files` those of single files by
    their places in the container; `image_user` counts where only a group is given."""
    labels = {**_pod_labels(spec), names.CONTAINER: container.name, names.ATTEMPT: str(attempt)}
    mounts = [*_mounts(container, sources), *_file_mounts(container, files or {})]
    body: Body = {
        "Image": container.image,
        "Env": environment(container.environment, hostname=spec.hostname),
        "Labels": {**labels, names.INSTANCE: instance},
        # Kubernetes knows no image health checks: probes are the pod's own
        "Healthcheck": {"Test": ["NONE"]},
        "Tty": container.tty,
        "OpenStdin": container.stdin,
        "StdinOnce": container.stdin_once,
        "HostConfig": {
            "NetworkMode": f"container:{sandbox}",
            "IpcMode": f"container:{sandbox}",
            **({"PidMode": f"container:{sandbox}"} if spec.shared_processes else {}),
            "LogConfig": _LOGS,
            **_confinement(container),
            **_limits(container, spec),
            **_devices(container),
            **({"CgroupParent": cgroup} if cgroup else {}),
            **({"Mounts": mounts} if mounts else {}),
        },
    }
    if container.command is not None:
        body["Entrypoint"] = list(container.command)
    if container.args is not None:
        body["Cmd"] = list(container.args)
    if user := _user(container.security, image_user):
        body["User"] = user
    if container.working_dir:
        body["WorkingDir"] = container.working_dir
    return body


def environment(variables: Mapping[str, str], *, hostname: str) -> list[str]:
    """`HOSTNAME` is the pod's unless the pod says otherwise: Docker would put in the sandbox's."""
    return [f"{name}={value}" for name, value in {"HOSTNAME": hostname, **variables}.items()]


def _pause(network: NetworkSpec, *, image: str, labels: Mapping[str, str], instance: str) -> Body:
    return {
        "Image": image,
        "Labels": {**labels, names.INSTANCE: instance},
        "HostConfig": {
            "NetworkMode": network.name,
            # else no other container may join it
            "IpcMode": "shareable",
            "LogConfig": {"Type": "none"},
            "SecurityOpt": ["no-new-privileges"],
            "CapDrop": ["ALL"],
            "ReadonlyRootfs": True,
            "PidsLimit": 16,
        },
    }


def _pod_labels(spec: SandboxSpec) -> dict[str, str]:
    return {
        names.POD_UID: spec.uid,
        names.ACCOUNT: spec.account,
        names.NAMESPACE: spec.namespace,
        names.POD: spec.name,
    }


def _user(security: SecuritySpec, image_user: str) -> str:
    """`1000`, `1000:2000`; "" leaves it to the image."""
    if security.group is None:
        return "" if security.user is None else str(security.user)
    user = (image_user.partition(":")[0] or "0") if security.user is None else security.user
    return f"{user}:{security.group}"


def _confinement(container: ContainerSpec) -> Body:
    """Docker's default seccomp profile stands, because nothing here names another."""
    security = container.security
    body: Body = {
        "SecurityOpt": ["no-new-privileges"],
        "CapDrop": ["ALL"] if "ALL" in security.dropped else sorted({"NET_RAW", *security.dropped}),
        "PidsLimit": container.pids_limit,
    }
    if security.added:
        body["CapAdd"] = sorted(security.added)
    if security.more_groups:
        body["GroupAdd"] = [str(group) for group in security.more_groups]
    if security.read_only_root:
        body["ReadonlyRootfs"] = True
    return body


def _mounts(container: ContainerSpec, sources: Sequence[str]) -> list[Body]:
    """As mounts, not as binds: a source that is not there is an error, and is not made as an empty folder."""
    return [
        _bind(source, mount.path, read_only=mount.read_only)
        for mount, source in zip(container.mounts, sources, strict=True)
    ]


def _file_mounts(container: ContainerSpec, files: Mapping[str, str]) -> list[Body]:
    """A volume that is mounted at the very place stands there instead."""
    taken = {posixpath.normpath(mount.path) for mount in container.mounts}
    placed = {posixpath.normpath(posixpath.join("/", place)): source for place, source in files.items()}
    return [_bind(source, place) for place, source in placed.items() if place not in taken]


def _bind(source: str, target: str, *, read_only: bool = False) -> Body:
    return {
        "Type": "bind",
        "Source": source,
        "Target": target,
        "ReadOnly": read_only,
        "BindOptions": {"Propagation": "rprivate"},
    }


def _devices(container: ContainerSpec) -> Body:
    """By number, not by count: Docker would give every container the host's first cards."""
    if not container.gpus:
        return {}
    return {"DeviceRequests": [{"Driver": "nvidia", "DeviceIDs": list(container.gpus), "Capabilities": [["gpu"]]}]}


def _limits(container: ContainerSpec, spec: SandboxSpec) -> Body:
    """A container that names no limit of its own has the pod's: it holds also where pods have no group of their own,
    and is what a program inside reads as its limit."""
    limits: Body = {}
    cpu_millis, memory = container.cpu_millis or spec.cpu_millis, container.memory_bytes or spec.memory_bytes
    if cpu_millis:
        limits["CpuPeriod"] = _CPU_PERIOD
        limits["CpuQuota"] = cpu_millis * _CPU_PERIOD // 1000
        limits["CpuShares"] = max(2, cpu_millis * 1024 // 1000)
    if memory:
        limits["Memory"] = memory
        limits["MemorySwap"] = memory
    return limits
