"""Request a namespace: one form, two objects (Namespace and its Network)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from console.forms.drafts import JSON, FieldError, Fields, text, whole

FLAVORS = ("general-computing", "gpu-accelerated")
_PLACES = {
    "metadata.name": "name",
    "metadata.annotations[namespace.kubernetes.io/flavor]": "flavor",
    "metadata.annotations[network.cci.io/warm-pool-size]": "warm_pool_size",
    "metadata.annotations[network.cci.io/warm-pool-recycle-interval]": "recycle_hours",
    "metadata.labels[sys_enterprise_project_id]": "enterprise_project",
    "spec.cidr": "cidr",
    "spec.attachedVPC": "vpc",
    "spec.dnsServers": "dns",
}


@dataclass(frozen=True)
class NamespaceDraft:
    name: str = ""
    flavor: str = "general-computing"
    rbac: bool = False
    enterprise_project: str = "0"
    vpc: str = "vpc-default"
    cidr: str = ""
    dns: str = ""
    warm_pool_size: int = 10
    recycle_hours: int = 24
    ready_before_run: bool = True
    unreadable: tuple[FieldError, ...] = ()

    @classmethod
    def read(cls, fields: Fields) -> NamespaceDraft:
        warm, warm_errors = whole(fields, "warm_pool_size", "Warm pool size", 10)
        hours, hour_errors = whole(fields, "recycle_hours", "Recycle interval", 24)
        return cls(
            name=text(fields, "name"),
            flavor=text(fields, "flavor"),
            rbac="rbac" in fields,
            enterprise_project=text(fields, "enterprise_project") or "0",
            vpc=text(fields, "vpc") or "vpc-default",
            cidr=text(fields, "cidr"),
            dns=text(fields, "dns"),
            warm_pool_size=warm,
            recycle_hours=hours,
            ready_before_run="ready_before_run" in fields,
            unreadable=(*warm_errors, *hour_errors),
        )

    def problems(self) -> list[FieldError]:
        found = list(self.unreadable)
        if not self.name:
            found.append(
                FieldError("name", "Give the namespace a name: lower-case letters, digits and “-”, at most 63.")
            )
        return found

    def manifests(self) -> list[JSON]:
        return [self.namespace(), self.network()]

    def namespace(self) -> JSON:
        annotations = {
            "namespace.kubernetes.io/flavor": self.flavor,
            "network.cci.io/warm-pool-size": str(self.warm_pool_size),
            "network.cci.io/warm-pool-recycle-interval": str(self.recycle_hours),
        }
        if self.ready_before_run:
            annotations["network.cci.io/ready-before-pod-run"] = "vpc-network-ready"
        labels = {
            "rbac.authorization.cci.io/enable-k8s-rbac": "true" if self.rbac else "false",
            "sys_enterprise_project_id": self.enterprise_project,
        }
        metadata = {"name": self.name, "labels": labels, "annotations": annotations}
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}

    def network(self) -> JSON:
        """Without a CIDR the installation picks the next free one, and the Network says which."""
        spec: JSON = {"attachedVPC": self.vpc, "networkType": "underlay_neutron"}
        if self.cidr:
            spec["cidr"] = self.cidr
        if servers := [part for part in re.split(r"[,\s]+", self.dns) if part]:
            spec["dnsServers"] = servers
        metadata = {"name": f"{self.name}-network"[:63], "namespace": self.name}
        return {"apiVersion": "networking.cci.io/v1beta1", "kind": "Network", "metadata": metadata, "spec": spec}

    def field_of(self, path: str) -> str:
        return next((field for start, field in _PLACES.items() if path.startswith(start)), "")


def free_addresses(cidr: str) -> int | None:
    """Addresses pods can have in `cidr`: the network's own, the gateway's and reserved ones (6) are not among them.
    None when it is no network."""
    try:
        network = ipaddress.ip_network(cidr)
    except ValueError:
        return None
    return max(network.num_addresses - 6, 0)
