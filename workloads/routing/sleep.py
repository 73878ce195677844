"""Which Services lead to a workload that may sleep, and whether a request can wake it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workloads.kinds import services

JSON = dict[str, Any]


def leads_to(service: JSON, deployment: JSON) -> bool:
    """Whether requests for the Service go to the Deployment's pods, and through the proxy."""
    selector = service["spec"].get("selector") or {}
    labels = (deployment["spec"]["template"].get("metadata") or {}).get("labels") or {}
    has_proxy = bool(services.address_of(service)) and services.has_address(service["spec"])
    return has_proxy and bool(selector) and selector.items() <= labels.items()


def reached(deployment: JSON, services: Iterable[JSON]) -> list[str]:
    """Names of the Services whose requests and connections can wake it: those with a TCP port. All are of its
    namespace."""
    found = (one for one in services if leads_to(one, deployment))
    return sorted(one["metadata"]["name"] for one in found if _has_tcp(one))


def _has_tcp(service: JSON) -> bool:
    return any(port["protocol"] == "TCP" for port in service["spec"].get("ports") or ())
