"""The smallest pods of a cluster."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]

CLUSTER_ID = "c1"


def pod(name: str = "web", *, namespace: str = "shop", **spec: Any) -> JSON:
    """Bound to the virtual node, one container of 250m and 1Gi."""
    container = {"name": "main", "image": "nginx:1.27", "resources": {"limits": {"cpu": "250m", "memory": "1Gi"}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{namespace}.{name}", "labels": {"app": name}},
        "spec": {"nodeName": "virtual-kubelet", "containers": [container], **spec},
    }


def container(name: str = "main", **fields: Any) -> JSON:
    return {"name": name, "image": "nginx:1.27", **fields}


def sized(cpu: str, memory: str, **fields: Any) -> JSON:
    return container(resources={"limits": {"cpu": cpu, "memory": memory}}, **fields)
