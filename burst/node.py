"""The virtual node as the cluster sees it: a Node, its status, and the Lease that says it is alive.

CCI being away does not make the node NotReady: its pods go on there, and a cluster that evicts them would delete what
runs. That it is away stands in a condition of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from burst import names, quantities, times
from burst.api import Api, ApiError, Unreachable

JSON = dict[str, Any]

LEASE_NAMESPACE = "kube-node-lease"
LEASE_SECONDS, HEARTBEAT_SECONDS = 40, 10.0
STATUS_SECONDS = 300.0
"""How often the status is written though nothing has changed, as a kubelet does."""
REACHABLE = "CCIReachable"
VERSION = "v1.33.0"
DEFAULT_CAPACITY = {"cpu": "1000", "memory": "4Ti", "pods": "1000", "ephemeral-storage": "20Ti"}
"""Where neither a quota nor a node of CCI's says."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where the kubelet server of this replica is reached."""

    address: str
    port: int


@dataclass
class VirtualNode:
    cluster: Api
    cci: Api
    namespace: str
    """The CCI namespace of this cluster."""
    place: Place
    capacity: JSON = field(default_factory=lambda: dict(DEFAULT_CAPACITY))
    reachable: bool = True
    _told: JSON = field(default_factory=dict)
    _uid: str = ""

    async def register(self) -> None:
        """The Node is there, with its labels and its taint; others' stay. Raises ApiError."""
        known = await self.cluster.find("nodes", name=names.NODE)
        labels = names.NODE_LABELS | {"kubernetes.io/hostname": names.NODE}
        if known is None:
            node = {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": names.NODE, "labels": labels},
                "spec": {"taints": [names.TAINT]},
            }
            try:
                known = await self.cluster.create("nodes", node)
            except ApiError as error:
                if not error.conflict:
                    raise
                known = await self.cluster.get("nodes", name=names.NODE)
        taints = (known.get("spec") or {}).get("taints") or []
        own = [taint for taint in taints if taint["key"] == names.TAINT["key"]]
        patch: JSON = {}
        if labels.items() - (known["metadata"].get("labels") or {}).items():
            patch["metadata"] = {"labels": labels}
        if [{name: one.get(name) for name in names.TAINT} for one in own] != [names.TAINT]:
            patch["spec"] = {"taints": [*(one for one in taints if one not in own), names.TAINT]}
        if patch:
            await self.cluster.patch("nodes", patch, name=names.NODE)
        self._uid, self._told = known["metadata"]["uid"], {}

    async def tell(self) -> None:
        """Writes the status where it differs from what was told. Raises ApiError."""
        now = times.text(times.now())
        status = self._status()
        if status == self._told:
            return
        known = await self.cluster.get("nodes", name=names.NODE)
        before = {one["type"]: one for one in (known.get("status") or {}).get("conditions") or []}
        told = [_since(before.get(one["type"]), one, now) for one in status["conditions"]]
        others = [one for name, one in before.items() if name not in {condition["type"] for condition in told}]
        body = {"status": status | {"conditions": [*others, *told]}}
        await self.cluster.patch("nodes", body, name=names.NODE, sub="status")
        self._told = status

    async def tell_again(self) -> None:
        """The status with new heartbeat times, though nothing has changed."""
        self._told = {}
        await self.tell()

    async def beat(self) -> None:
        """The Lease says that the node is alive. A Node that somebody removed is made again. Raises ApiError."""
        now = times.micro(times.now())
        spec = {"holderIdentity": names.NODE, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now}
        try:
            await self.cluster.patch("leases", {"spec": spec}, namespace=LEASE_NAMESPACE, name=names.NODE)
            return
        except ApiError as error:
            if not error.not_found:
                raise
        await self.register()
        owner = {"apiVersion": "v1", "kind": "Node", "name": names.NODE, "uid": self._uid}
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": names.NODE, "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]},
            "spec": spec,
        }
        await self.cluster.create("leases", lease, namespace=LEASE_NAMESPACE)

    async def remove(self) -> None:
        """Node and Lease go; a cluster that cannot be reached keeps them."""
        with suppress(ApiError, *Unreachable):
            await self.cluster.delete("leases", namespace=LEASE_NAMESPACE, name=names.NODE)
            await self.cluster.delete("nodes", name=names.NODE)

    async def measure(self) -> None:
        """What the account may run in CCI becomes the node's capacity: the quotas of the namespace, else what CCI's own
        nodes have to give."""
        found: dict[str, str] = {}
        with suppress(ApiError):  # who may not see quotas is bound by them all the same, when pods are created
            quotas, _ = await self.cci.listed("resourcequotas", self.namespace)
            found = from_quotas(quotas)
        if not {"cpu", "memory", "pods"} <= set(found):
            with suppress(ApiError):  # who may not see CCI's nodes has what the quotas and the defaults say
                nodes, _ = await self.cci.listed("nodes")
                found = from_nodes(nodes) | found
        self.capacity = DEFAULT_CAPACITY | found

    def _status(self) -> JSON:
        """No address of type Hostname: a kube-apiserver would try that first, and nobody resolves it."""
        return {
            "capacity": self.capacity,
            "allocatable": self.capacity,
            "conditions": self._conditions(),
            "addresses": [{"type": "InternalIP", "address": self.place.address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.place.port}},
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "cci://1",
                "kernelVersion": "",
                "kubeProxyVersion": "",
                "kubeletVersion": f"{VERSION}-cci-burst",
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "CCI",
                "systemUUID": "",
            },
        }

    def _conditions(self) -> list[JSON]:
        fine = {
            "MemoryPressure": ("KubeletHasSufficientMemory", "CCI has room for what the quota allows"),
            "DiskPressure": ("KubeletHasNoDiskPressure", "pods in CCI have disks of their own"),
            "PIDPressure": ("KubeletHasSufficientPID", "pods in CCI have limits of their own"),
            "NetworkUnavailable": ("RouteCreated", "pods in CCI have a network of their own"),
        }
        reach = (
            ("Reachable", "CCI answers") if self.reachable else ("Unreachable", "CCI does not answer; its pods go on")
        )
        return [
            *({"type": name, "status": "False", "reason": why, "message": text} for name, (why, text) in fine.items()),
            {"type": REACHABLE, "status": str(self.reachable), "reason": reach[0], "message": reach[1]},
            {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "the virtual node takes pods"},
        ]


def from_quotas(quotas: list[JSON]) -> dict[str, str]:
    """The least that any ResourceQuota allows of cpu, memory and pods."""
    found: dict[str, str] = {}
    spellings = {"cpu": ("limits.cpu", "requests.cpu", "cpu"), "memory": ("limits.memory", "requests.memory", "memory")}
    for resource, keys in (spellings | {"pods": ("pods", "count/pods")}).items():
        texts = [str(hard[key]) for quota in quotas for hard in [_hard(quota)] for key in keys if key in hard]
        if texts:
            found[resource] = min(texts, key=_amount)
    return found


def from_nodes(nodes: list[JSON]) -> dict[str, str]:
    """What CCI's nodes have together, of one node as it says."""
    wanted = ("cpu", "memory", "pods", "ephemeral-storage")
    sums: dict[str, str] = {}
    for node in nodes:
        given: Mapping[str, Any] = (node.get("status") or {}).get("allocatable") or {}
        for name in wanted:
            if name in given:
                sums[name] = str(given[name]) if name not in sums else f"{_amount(sums[name]) + _amount(given[name])}"
    return sums


def _hard(quota: JSON) -> JSON:
    hard = (quota.get("spec") or {}).get("hard") or {}
    return dict(hard) if not (quota.get("spec") or {}).get("scopes") else {}


def _amount(text: Any) -> Decimal:
    return quantities.parse(text)


def _since(before: JSON | None, condition: JSON, now: str) -> JSON:
    moment = before.get("lastTransitionTime") if before and before["status"] == condition["status"] else None
    return condition | {"lastHeartbeatTime": now, "lastTransitionTime": moment or now}
