"""Node: the virtual node that pods run on, made from what the agent says of its host. Read by everybody, written by
nobody. It tells how much pods may be promised, and nothing of what others have taken of it.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from workloads.kinds import ephemeral, schemas
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME, NONE
from workloads.kinds.registry import register
from workloads.meta import quantity, times

JSON = dict[str, Any]

MOST_PODS = 1000
"""Nothing bounds their number here; clients want one."""
SILENT_AFTER = timedelta(minutes=3)
"""The agent speaks every minute; who has not been heard for so long may be gone."""
_ROLE = "node-role.kubernetes.io/"
VERSION = f"v{schemas.KUBERNETES_VERSION}"
_NO_SHORTAGE = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
}


def node(said: JSON, *, short_of_disk: str, now: datetime) -> JSON:
    """`said` is the agent's word: name, at and born (instants), address, cpu_millis, memory_bytes, allocatable_bytes,
    cards (number by resource), id, architecture, kernel, system, runtime. `short_of_disk` is a sentence or ""."""
    name, architecture = said["name"], said["architecture"]
    labels = {
        "beta.kubernetes.io/arch": architecture,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        f"{_ROLE}agent": "",
        "type": "virtual-kubelet",
    }
    metadata = {
        "name": name,
        "uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.node.cci.io")),
        "creationTimestamp": said["born"],
        "labels": labels,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "spec": {},
        "status": _status(said, short_of_disk=short_of_disk, now=now),
    }


def _status(said: JSON, *, short_of_disk: str, now: datetime) -> JSON:
    addresses = [{"type": "InternalIP", "address": said["address"]}] if said.get("address") else []
    return {
        "capacity": _amounts(said, said["memory_bytes"]),
        "allocatable": _amounts(said, said["allocatable_bytes"]),
        "conditions": _conditions(said, short_of_disk=short_of_disk, now=now),
        "addresses": [*addresses, {"type": "Hostname", "address": said["name"]}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
        "nodeInfo": {
            "machineID": said["id"],
            "systemUUID": said["id"],
            "bootID": "",
            "kernelVersion": said["kernel"],
            "osImage": said["system"],
            "containerRuntimeVersion": said["runtime"],
            "kubeletVersion": VERSION,
            "kubeProxyVersion": VERSION,
            "operatingSystem": "linux",
            "architecture": said["architecture"],
        },
    }


def _amounts(said: JSON, memory: int) -> JSON:
    disk = quantity.format_bytes(ephemeral.WRITABLE_DISK * MOST_PODS)
    cards = {name: str(number) for name, number in said["cards"].items()}
    amounts = {"cpu": quantity.format_millicores(said["cpu_millis"]), "memory": f"{memory // 1024}Ki"}
    return {**amounts, ephemeral.RESOURCE: disk, "pods": str(MOST_PODS), **cards}


def _conditions(said: JSON, *, short_of_disk: str, now: datetime) -> list[JSON]:
    silent = now - times.parse(said["at"]) > SILENT_AFTER
    found = []
    for type, (reason, message) in _NO_SHORTAGE.items():
        state = "False"
        if type == "DiskPressure" and short_of_disk:
            state, reason, message = "True", "KubeletHasDiskPressure", short_of_disk
        found.append((type, state, reason, message))
    found.append(("Ready", "True", "KubeletReady", "the agent of this host is at work"))
    if silent:
        lost = "NodeStatusUnknown", "the agent of this host has not been heard of: nothing starts or stops meanwhile"
        found = [(type, "Unknown", *lost) for type, *_ in found]
    since = said["at"] if silent else said["born"]
    return [
        {
            "type": type,
            "status": state,
            "lastHeartbeatTime": said["at"],
            "lastTransitionTime": since,
            "reason": reason,
            "message": message,
        }
        for type, state, reason, message in found
    ]


def _state(obj: JSON) -> str:
    (ready,) = [one for one in obj["status"]["conditions"] if one["type"] == "Ready"]
    return "Ready" if ready["status"] == "True" else "NotReady"


def _roles(obj: JSON) -> str:
    found = [label.removeprefix(_ROLE) for label in obj["metadata"]["labels"] if label.startswith(_ROLE)]
    return ",".join(sorted(found)) or NONE


def _address(obj: JSON) -> str:
    found = [one["address"] for one in obj["status"]["addresses"] if one["type"] == "InternalIP"]
    return found[0] if found else NONE


def _info(name: str, default: str = "<unknown>") -> Any:
    return lambda obj, now: obj["status"]["nodeInfo"][name] or default


KIND = register(
    Kind(
        name="Node",
        plural="nodes",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.Node",
        singular="node",
        namespaced=False,
        short_names=("no",),
        verbs=("get", "list", "watch"),
        columns=(
            NAME,
            Column("Status", lambda obj, now: _state(obj), description="The status of the node"),
            Column("Roles", lambda obj, now: _roles(obj), description="The roles of the node"),
            AGE,
            Column("Version", _info("kubeletVersion"), description="The version of Kubernetes' API it keeps to."),
            Column("Internal-IP", lambda obj, now: _address(obj), priority=1),
            Column("External-IP", lambda obj, now: NONE, priority=1),
            Column("OS-Image", _info("osImage"), priority=1),
            Column("Kernel-Version", _info("kernelVersion"), priority=1),
            Column("Container-Runtime", _info("containerRuntimeVersion"), priority=1),
        ),
        has_generation=False,
        is_told=True,
        field_selectors={"spec.unschedulable": lambda obj: "false"},
    )
)
