"""What a ResourceQuota counts, and what one object adds to it. Pure.

As Kubernetes counts: pods that have ended take nothing but `count/pods`. What a pod asks of CPU and memory is what its
containers ask together, or its billed size where one of them names nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import ceil
from typing import Any

from workloads.kinds import claimspecs, ephemeral, podspecs, servicespecs
from workloads.kinds.base import Kind
from workloads.meta import quantity

JSON = dict[str, Any]
Amounts = dict[str, Decimal]

COMPUTE = ("cpu", "memory", ephemeral.RESOURCE)
POD_RESOURCES = ("pods", *COMPUTE, *(f"{part}.{name}" for part in ("requests", "limits") for name in COMPUTE))
COUNTED = {
    "configmaps": "ConfigMap",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "pods": "Pod",
    "resourcequotas": "ResourceQuota",
    "secrets": "Secret",
    "services": "Service",
}
"""Words of Kubernetes that say `count/<word>`; `pods` leaves those out that have ended."""
SPECIAL = ("requests.storage", "services.loadbalancers", "services.nodeports")
STORAGE = ".storageclass.storage.k8s.io/"
_EXTENDED = "requests.nvidia.com/"
_OVER = ("Succeeded", "Failed")


def added(kind: Kind, obj: JSON, tracked: Iterable[str], scopes: Iterable[str] = ()) -> Amounts:
    """How much of the resources that a quota tracks this object takes; what it takes nothing of is left out."""
    if not all(_in_scope(kind, obj, scope) for scope in scopes):
        return {}
    amounts = _amounts(kind, obj)
    return {name: amounts[name] for name in tracked if amounts.get(name)}


def kinds_of(tracked: Iterable[str], known: Mapping[str, Kind]) -> list[Kind]:
    """The kinds that something tracked is about."""
    return [kind for kind in known.values() if kind.namespaced and any(is_about(kind, name) for name in tracked)]


def is_about(kind: Kind, resource: str) -> bool:
    if resource == f"count/{kind.resource}" or COUNTED.get(resource) == kind.name:
        return True
    if kind.name == "Pod":
        return resource in POD_RESOURCES or resource.startswith(_EXTENDED)
    if kind.name == "Service":
        return resource.startswith("services.")
    return kind.name == "PersistentVolumeClaim" and (resource == "requests.storage" or STORAGE in resource)


def is_known(resource: str) -> bool:
    """Whether Kubernetes has a quota of that name. Counts are of anything, for kinds come and go."""
    if resource.startswith("count/"):
        return True
    return resource in (*POD_RESOURCES, *COUNTED, *SPECIAL) or STORAGE in resource or resource.startswith(_EXTENDED)


def is_whole(resource: str) -> bool:
    counts = resource.startswith(("count/", "services.", _EXTENDED)) or resource in COUNTED
    return counts or resource.endswith(f"{STORAGE}persistentvolumeclaims")


def written(resource: str, amount: Decimal) -> str:
    """As Kubernetes writes it: `2`, `500m`, `1Gi`."""
    name = resource.removeprefix("requests.").removeprefix("limits.")
    if is_whole(resource):
        return str(int(amount))
    if name == "cpu":
        return quantity.format_millicores(ceil(amount * 1000))
    return quantity.format_bytes(ceil(amount))


def _amounts(kind: Kind, obj: JSON) -> Amounts:
    found = {f"count/{kind.resource}": Decimal(1)}
    if kind.name == "Pod":
        return found | ({} if _is_over(obj) else _of_pod(obj))
    found |= {word: Decimal(1) for word, name in COUNTED.items() if name == kind.name}
    if kind.name == "Service" and obj["spec"]["type"] == servicespecs.LOAD_BALANCER:
        found["services.loadbalancers"] = Decimal(1)
    if kind.name == "PersistentVolumeClaim":
        size, storage = Decimal(claimspecs.size(obj["spec"])), obj["spec"].get("storageClassName", "")
        found |= {"requests.storage": size, f"{storage}{STORAGE}requests.storage": size}
        found[f"{storage}{STORAGE}persistentvolumeclaims"] = Decimal(1)
    return found


def _of_pod(pod: JSON) -> Amounts:
    found: Amounts = {"pods": Decimal(1)}
    for name in COMPUTE:
        request, limit = asked(pod, name, "requests"), asked(pod, name, "limits")
        found |= {name: request, f"requests.{name}": request, f"limits.{name}": limit}
    if (chosen := podspecs.chosen(pod)) is not None and chosen.gpus:
        found[f"requests.{chosen.gpu}"] = Decimal(chosen.gpus)
    return found


def asked(pod: JSON, resource: str, part: str) -> Decimal:
    """What a pod asks of a resource in its `requests` or `limits`: the sum over its containers, and at least the
    largest init container with the sidecars before it."""
    spec = pod["spec"]
    beside = largest = Decimal(0)
    is_named = True
    for container in spec.get("initContainers") or ():
        amount = _of_container(container, resource, part)
        largest = max(largest, beside + (amount or 0))
        if container.get("restartPolicy") == "Always":
            beside += amount or 0
    for container in spec.get("containers") or ():
        amount = _of_container(container, resource, part)
        is_named = is_named and amount is not None
        beside += amount or 0
    chosen = podspecs.chosen(pod)
    if is_named or chosen is None or resource not in ("cpu", "memory"):
        return max(beside, largest)
    return Decimal(chosen.cpu_millis) / 1000 if resource == "cpu" else Decimal(chosen.memory_bytes)


def _of_container(container: JSON, resource: str, part: str) -> Decimal | None:
    value = ((container.get("resources") or {}).get(part) or {}).get(resource)
    return None if value is None else quantity.parse(value)


def _in_scope(kind: Kind, obj: JSON, scope: str) -> bool:
    """Scopes are about pods; a quota that has some counts nothing else."""
    if kind.name != "Pod":
        return False
    limited = obj["spec"].get("activeDeadlineSeconds") is not None
    best_effort = (obj.get("status") or {}).get("qosClass") == "BestEffort"
    return {
        "Terminating": limited,
        "NotTerminating": not limited,
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
    }[scope]


def _is_over(pod: JSON) -> bool:
    return (pod.get("status") or {}).get("phase") in _OVER
