"""Does a pod keep more on the disk than it may? Pure; the rules, their order and the words are the kubelet's."""

from __future__ import annotations

from typing import Any

from workloads.kinds import ephemeral
from workloads.meta import quantity
from workloads.runtimes.base import DiskUsage

JSON = dict[str, Any]


def verdict(spec: JSON, usage: DiskUsage) -> str:
    """Why the pod has to go; "" when it may stay."""
    return _of_volumes(spec, usage) or _of_pod(spec, usage) or _of_containers(spec, usage)


def _of_volumes(spec: JSON, usage: DiskUsage) -> str:
    for volume in spec.get("volumes") or ():
        limit = (volume.get("emptyDir") or {}).get("sizeLimit")
        if limit is not None and 0 < quantity.whole(limit) < usage.volumes.get(volume["name"], 0):
            return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{quantity.canonical(limit)}". '
    return ""


def _of_pod(spec: JSON, usage: DiskUsage) -> str:
    limit = ephemeral.limit(spec)
    if usage.total <= limit:
        return ""
    words = quantity.format_bytes(limit)
    return f"Pod ephemeral local storage usage exceeds the total limit of containers {words}. "


def _of_containers(spec: JSON, usage: DiskUsage) -> str:
    for container in spec["containers"]:
        limit = ((container.get("resources") or {}).get("limits") or {}).get(ephemeral.RESOURCE)
        if limit is not None and 0 < quantity.whole(limit) < usage.containers.get(container["name"], 0):
            words = quantity.canonical(limit)
            return f'Container {container["name"]} exceeded its local ephemeral storage limit "{words}". '
    return ""
