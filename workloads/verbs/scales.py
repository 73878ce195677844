"""The scale subresource: one number of an object, seen and written as `autoscaling/v1 Scale`."""

from __future__ import annotations

from typing import Any

from workloads.kinds import sleeping
from workloads.kinds.base import Kind
from workloads.meta import causes, selectors
from workloads.meta.errors import Invalid, NotFound

JSON = dict[str, Any]

_SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def view(kind: Kind, obj: JSON) -> JSON:
    """`obj` as a Scale. Raises NotFound for kinds that cannot be scaled."""
    if "scale" not in kind.subresources:
        raise NotFound("the server could not find the requested resource")
    metadata, spec = obj["metadata"], obj.get("spec", {})
    status: JSON = {"replicas": obj.get("status", {}).get("replicas", 0)}
    if selector := selectors.from_object(spec.get("selector")):
        status["selector"] = str(selector)
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {field: metadata[field] for field in _SHOWN if field in metadata},
        "spec": {"replicas": spec.get("replicas", 1)},
        "status": status,
    }


def scaled(kind: Kind, obj: JSON, scale: JSON) -> JSON:
    """`obj` with the replicas that `scale`, a decoded Scale, asks for. Raises Invalid."""
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if replicas < 0:
        cause = causes.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise Invalid.of("Scale", obj["metadata"]["name"], (cause,), group="autoscaling")
    metadata = {**obj["metadata"]}
    if not replicas and sleeping.REPLICAS in (metadata.get("annotations") or {}):
        # a person's own 0: no request wakes it any more
        metadata["annotations"] = {
            name: one for name, one in metadata["annotations"].items() if name != sleeping.REPLICAS
        }
    return {**obj, "metadata": metadata, "spec": {**obj["spec"], "replicas": replicas}}
