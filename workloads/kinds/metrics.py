"""PodMetrics and NodeMetrics (metrics.k8s.io/v1beta1): measured when they are asked for, never stored.

They are described like kinds, so that routes, discovery, Tables and documents treat them alike, and are not in the
registry: nothing that works on stored objects may meet them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from workloads.kinds import schemas
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import NAME
from workloads.meta import quantity, times

JSON = dict[str, Any]

GROUP, VERSION = "metrics.k8s.io", "v1beta1"

_PREFIX = "io.k8s.metrics.pkg.apis.metrics.v1beta1."
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"


def usage(*, cpu_nanocores: int, memory_bytes: int) -> dict[str, str]:
    """As metrics-server writes it: `1234567n`, `5124Ki`."""
    cpu = f"{cpu_nanocores}n" if cpu_nanocores else "0"
    memory = f"{memory_bytes // 1024}Ki" if memory_bytes >= 1024 else str(memory_bytes)
    return {"cpu": cpu, "memory": memory}


def window(span: timedelta) -> str:
    """Go's word for it: `15.01s`."""
    return f"{span.total_seconds():.3f}".rstrip("0").rstrip(".") + "s"


def pod(
    name: str,
    namespace: str,
    *,
    labels: Mapping[str, str],
    at: datetime,
    span: timedelta,
    containers: Mapping[str, Mapping[str, str]],
) -> JSON:
    """`containers` by name, each as `usage` gives it."""
    found = _head("PodMetrics", {"name": name, "namespace": namespace}, labels=labels, at=at, span=span)
    return {**found, "containers": [{"name": one, "usage": dict(used)} for one, used in containers.items()]}


def node(name: str, *, at: datetime, span: timedelta, used: Mapping[str, str]) -> JSON:
    return {**_head("NodeMetrics", {"name": name}, labels={}, at=at, span=span), "usage": dict(used)}


def _head(kind: str, named: dict[str, str], *, labels: Mapping[str, str], at: datetime, span: timedelta) -> JSON:
    metadata: JSON = {**named, "creationTimestamp": times.format_seconds(at)}
    if labels:
        metadata["labels"] = dict(labels)
    return {
        "kind": kind,
        "apiVersion": f"{GROUP}/{VERSION}",
        "metadata": metadata,
        "timestamp": times.format_seconds(at),
        "window": window(span),
    }


def _reference(name: str) -> JSON:
    return {"$ref": schemas.REFERENCE + name}


_USAGE: JSON = {"type": "object", "description": "What is used.", "additionalProperties": _reference(_QUANTITY)}
_SHARED: JSON = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": _reference(f"{_META}ObjectMeta"),
    "timestamp": {**_reference(f"{_META}Time"), "description": "The end of the time that was measured."},
    "window": {"type": "string", "description": "How long was measured; CPU is the average over it."},
}
_CONTAINER = schemas.define(
    f"{_PREFIX}ContainerMetrics",
    {
        "type": "object",
        "description": "What one container of a pod uses.",
        "properties": {"name": {"type": "string", "description": "The container."}, "usage": _USAGE},
    },
)
_POD = schemas.define(
    f"{_PREFIX}PodMetrics",
    {
        "type": "object",
        "description": "What a running pod uses, container by container. Measured when it is asked for.",
        "properties": {**_SHARED, "containers": {"type": "array", "items": _reference(_CONTAINER)}},
    },
)
_NODE = schemas.define(
    f"{_PREFIX}NodeMetrics",
    {
        "type": "object",
        "description": "What the account's pods use together on the node that runs them.",
        "properties": {**_SHARED, "usage": _USAGE},
    },
)


def _of(obj: JSON, resource: str) -> str:
    if "usage" in obj:
        return str(obj["usage"].get(resource, "0"))
    total = sum(quantity.parse(one["usage"].get(resource, 0)) for one in obj["containers"])
    if resource == "cpu":
        return usage(cpu_nanocores=int(total * 10**9), memory_bytes=0)["cpu"]
    return usage(cpu_nanocores=0, memory_bytes=int(total))["memory"]


_COLUMNS = (
    NAME,
    Column("cpu", lambda obj, now: _of(obj, "cpu"), format="quantity", description="Cores in use."),
    Column("memory", lambda obj, now: _of(obj, "memory"), format="quantity", description="Memory in use."),
    Column("Window", lambda obj, now: str(obj["window"]), format="duration", description="How long was measured."),
)

PODS = Kind(
    name="PodMetrics",
    plural="pods",
    group=GROUP,
    version=VERSION,
    schema=_POD,
    singular="pod",
    verbs=("get", "list"),
    columns=_COLUMNS,
)
NODES = Kind(
    name="NodeMetrics",
    plural="nodes",
    group=GROUP,
    version=VERSION,
    schema=_NODE,
    singular="node",
    namespaced=False,
    verbs=("get", "list"),
    columns=_COLUMNS,
)
KINDS = (PODS, NODES)
