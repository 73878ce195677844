"""Which Services lead to a workload that may sleep, and whether a request can wake it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workloads.kinds import services
from workloads.routing import bindings

JSON = dict[str, Any]


def leads_to(service: JSON, deployment: JSON) -> bool:
    """Whether requests for the Service go to the Deployment's pods, and through the proxy."""
    selector = service["spec"].get("selector") or {}
    labels = (deployment["spec"]["template"].get("metadata") or {}).get("labels") or {}
    has_proxy = bool(services.address_of(service)) and services.has_address(service["spec"])
    return has_proxy and bool(selector) and selector.items() <= labels.items()


def reached(deployment: JSON, services: Iterable[JSON], ingresses: Iterable[JSON]) -> list[tuple[str, str]]:
    """(Ingress, Service) by which requests come to it: the ways that can wake it. All are of its namespace."""
    behind = {one["metadata"]["name"] for one in services if leads_to(one, deployment)}
    found = []
    for ingress in ingresses:
        if bindings.is_exposed(ingress):
            found += [(ingress["metadata"]["name"], name) for name in sorted(behind & bindings.backends(ingress))]
    return sorted(found)
