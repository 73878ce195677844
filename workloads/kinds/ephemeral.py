"""Ephemeral storage: what containers may ask of the pod's own writable disk. Pure.

A pod has 20 GiB for the layers its containers write to, their logs and its emptyDirs on disk. As in Kubernetes a limit
fills the request, a request may be below it, and the containers' limits together bound the pod.
"""

from __future__ import annotations

from typing import Any

from workloads.meta import causes, quantity
from workloads.meta.errors import Cause
from workloads.meta.quantity import GIB

JSON = dict[str, Any]

RESOURCE = "ephemeral-storage"
WRITABLE_DISK = 20 * GIB


def limit(spec: JSON) -> int:
    """How many bytes the pod may write in all."""
    asked = _together(spec, "limits")
    return WRITABLE_DISK if asked is None else min(asked, WRITABLE_DISK)


def validate(spec: JSON, field: str) -> list[Cause]:
    """Not more than there is. What is no quantity is somebody else's to tell."""
    try:
        asked = max(_together(spec, part) or 0 for part in ("limits", "requests"))
    except quantity.QuantityError:
        return []
    if asked <= WRITABLE_DISK:
        return []
    most = quantity.format_bytes(WRITABLE_DISK)
    rule = f"{RESOURCE} of a pod must be at most {most}, which is its writable disk"
    return [causes.invalid(f"{field}.containers", quantity.format_bytes(asked), rule)]


def _together(spec: JSON, part: str) -> int | None:
    """As the size of a pod: the sum over main containers and sidecars, and at least the largest init container with the
    sidecars before it. None when no container names it."""
    named, beside, largest = False, 0, 0
    for container in spec.get("initContainers") or ():
        asked = _asked(container, part)
        named = named or asked is not None
        largest = max(largest, beside + (asked or 0))
        if container.get("restartPolicy") == "Always":
            beside += asked or 0
    mains = [_asked(container, part) for container in spec.get("containers") or ()]
    named = named or any(asked is not None for asked in mains)
    return max(largest, beside + sum(asked or 0 for asked in mains)) if named else None


def _asked(container: JSON, part: str) -> int | None:
    value = ((container.get("resources") or {}).get(part) or {}).get(RESOURCE)
    return None if value is None else quantity.whole(value)
