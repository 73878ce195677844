"""Request a namespace: one form, two objects (Namespace and its Network)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from console.forms.drafts import JSON, FieldError, Fields, Whole, placed, text
from workloads.kinds import networks

FLAVORS = ("general-computing", "gpu-accelerated")
_WARM_POOL_SIZE, _RECYCLE_HOURS = Whole("", 10), Whole("", 24)
_PLACES = {
    "metadata.name": "name",
    "metadata.labels[kubernetes.io/metadata.name]": "name",
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
    flavor: str = FLAVORS[0]
    rbac: bool = False
    enterprise_project: str = "0"
    vpc: str = "vpc-default"
    cidr: str = ""
    dns: str = ""
    warm_pool_size: Whole = _WARM_POOL_SIZE
    recycle_hours: Whole = _RECYCLE_HOURS

    @classmethod
    def read(cls, fields: Fields) -> NamespaceDraft:
        return cls(
            name=text(fields, "name"),
            flavor=text(fields, "flavor", FLAVORS[0]),
            rbac="rbac" in fields,
            enterprise_project=text(fields, "enterprise_project") or "0",
            vpc=text(fields, "vpc") or "vpc-default",
            cidr=text(fields, "cidr"),
            dns=text(fields, "dns"),
            warm_pool_size=Whole.read(fields, "warm_pool_size", 10),
            recycle_hours=Whole.read(fields, "recycle_hours", 24),
        )

    def problems(self) -> list[FieldError]:
        """The Network's rules too: the namespace is made first, and must not be made for a Network that cannot be."""
        found = []
        if not self.name:
            found.append(
                FieldError("name", _("Give the namespace a name: lower-case letters, digits and “-”, at most 63."))
            )
        network = self.network()
        networks.default(network)
        causes = [cause for cause in networks.validate(network, None) if cause.field.startswith("spec.")]
        found += placed(self, causes)
        found += self.warm_pool_size.problems("warm_pool_size", _("The warm pool"))
        return found + self.recycle_hours.problems("recycle_hours", _("The recycle interval"))

    def manifests(self) -> list[JSON]:
        return [self.namespace(), self.network()]

    def namespace(self) -> JSON:
        annotations = {
            "namespace.kubernetes.io/flavor": self.flavor,
            "network.cci.io/warm-pool-size": str(self.warm_pool_size.value),
            "network.cci.io/warm-pool-recycle-interval": str(self.recycle_hours.value),
            "network.cci.io/ready-before-pod-run": "vpc-network-ready",
        }
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
        metadata = {"name": f"{self.name[:55].rstrip('-')}-network", "namespace": self.name}
        return {"apiVersion": "networking.cci.io/v1beta1", "kind": "Network", "metadata": metadata, "spec": spec}

    def field_of(self, path: str) -> str:
        return next((field for start, field in _PLACES.items() if path.startswith(start)), "")


def free_addresses(cidr: str) -> int | None:
    """How many pods a subnet has addresses for; None when it cannot be one."""
    return None if networks.cidr_problem(cidr) else networks.free_addresses(cidr)


def cidr_problem(cidr: str) -> str:
    """What is wrong with it, as a sentence; "" when nothing is."""
    problem = networks.cidr_problem(cidr)
    return problem[:1].upper() + problem[1:]
