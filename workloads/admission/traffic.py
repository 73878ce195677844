"""What is kept and never acted upon is said to whoever makes it."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from workloads.kinds import ingressclasses, ingresses, services
from workloads.kinds.base import Kind
from workloads.routing import bindings

JSON = dict[str, Any]


def strange_class(kind: Kind, obj: JSON) -> tuple[str, ...]:
    """An Ingress of a class that is not here is kept, as in Kubernetes, and nobody will ever route it."""
    if kind.name != "Ingress" or (name := ingresses.class_of(obj)) in ("", ingressclasses.CCE):
        return ()
    return (f"there is no IngressClass {name}: leave ingressClassName out, or give {ingressclasses.CCE}",)


def without_elbs(kind: Kind, obj: JSON) -> tuple[str, ...]:
    """Of a new one that waits for an ELB where there will never be one."""
    if settings.ELB_POOL is not None or kind.name not in ("Ingress", "Service") or not bindings.is_exposed(obj):
        return ()
    return ("this installation has no ELBs (CCI_ELB_POOL is none): it is not reached from outside",)


def without_proxy(kind: Kind, obj: JSON) -> tuple[str, ...]:
    """Of a new Service with an address at which nobody will ever answer."""
    if settings.ELB_POOL is not None or settings.DNS or kind.name != "Service" or not services.has_address(obj["spec"]):
        return ()
    return (
        "this installation has no proxy (CCI_ELB_POOL and CCI_DNS are none): nobody answers "
        "at a Service's address or name; pods reach each other at the addresses that its EndpointSlices tell",
    )
