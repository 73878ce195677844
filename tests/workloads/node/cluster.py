"""Objects put straight into the store, as they would stand there: what the agent reads, without who writes it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from workloads.meta.keys import Key, Uid
from workloads.runtimes import translate
from workloads.runtimes.base import ContainerSpec, NetworkSpec, SandboxSpec
from workloads.store import objects

JSON = dict[str, Any]
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


class Cluster:
    """Everything is acme's."""

    def put(self, kind: str, name: str, namespace: str = "", *, deleting: bool = False, **parts: Any) -> JSON:
        uid = str(uuid.uuid4())
        metadata = {"name": name, "namespace": namespace, "uid": uid, "annotations": parts.pop("annotations", {})}
        obj = {"kind": kind, "metadata": metadata, **parts}
        draft = objects.Draft(
            key=Key("acme", kind, namespace, name),
            uid=Uid(uid),
            data=orjson.dumps(obj),
            labels={},
            owner_uid="",
            phase="",
            node="",
            created=NOON,
            deleting=deleting,
        )
        objects.insert(draft)
        return obj

    def namespace(self, name: str = "shop", *, deleting: bool = False, **annotations: str) -> JSON:
        spelled = {f"network.cci.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
        return self.put("Namespace", name, deleting=deleting, annotations=spelled)

    def network(self, namespace: str = "shop", *, state: str = "Active", deleting: bool = False) -> NetworkSpec:
        spec, status = {"cidr": "10.248.0.0/24"}, {"state": state, "cidr": "10.248.0.0/24"}
        obj = self.put("Network", "default-network", namespace, deleting=deleting, spec=spec, status=status)
        return translate.network(obj, account="acme")

    def pod(self, network: NetworkSpec, name: str = "web-1", *, stored: bool = True) -> SandboxSpec:
        """Its specification; `stored` puts its row into the store as well."""
        spec = SandboxSpec(
            uid=Uid(str(uuid.uuid4())),
            account="acme",
            namespace="shop",
            name=name,
            network=network,
            hostname=name,
            containers=(ContainerSpec(name="app", image="busybox:1", command=None, args=None, environment={}),),
            cpu_millis=250,
            memory_bytes=1024**3,
        )
        if not stored:
            return spec
        return replace(spec, uid=Uid(self.put("Pod", name, "shop", spec={})["metadata"]["uid"]))
