"""How a pod's graphics cards are shared out among its containers. Pure.

Sidecars and main containers run side by side and have cards of their own; an init container that ends gives the main
ones what it had.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.kinds.podspecs import DEVICES_ANNOTATION, is_gpu
from workloads.meta import quantity

JSON = Mapping[str, Any]


def of_containers(pod: JSON) -> dict[str, tuple[str, ...]]:
    """By container, the numbers of its cards; nothing before the pod has a place."""
    text = (pod["metadata"].get("annotations") or {}).get(DEVICES_ANNOTATION) or ""
    devices = tuple(filter(None, text.split(",")))
    found, next_free = {}, 0
    for container in pod["spec"].get("initContainers") or ():
        wanted = _count(container)
        found[container["name"]] = devices[next_free : next_free + wanted]
        if container.get("restartPolicy") == "Always":
            next_free += wanted
    for container in pod["spec"]["containers"]:
        wanted = _count(container)
        found[container["name"]] = devices[next_free : next_free + wanted]
        next_free += wanted
    return found


def _count(container: JSON) -> int:
    limits = (container.get("resources") or {}).get("limits") or {}
    return sum(quantity.whole(value) for name, value in limits.items() if is_gpu(name))
