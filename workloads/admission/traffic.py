"""What is kept and not yet acted upon is said to whoever makes it. To be removed once the proxy tier routes."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from workloads.kinds import ingressclasses, ingresses
from workloads.kinds.base import Kind
from workloads.routing import bindings

JSON = dict[str, Any]

_SENTENCES = {
    "Service": "no traffic is routed to Services yet: the address is reserved and the endpoints are tracked, "
    "reach the pods by their own addresses (status.podIP)",
    "Ingress": "no traffic is routed by Ingresses yet: the rules are checked and kept",
}


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


def warnings(kind: Kind, old: JSON | None) -> tuple[str, ...]:
    """Of a new object."""
    sentence = _SENTENCES.get(kind.name) if old is None else None
    return (sentence,) if sentence else ()
