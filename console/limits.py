"""How much of what an account may have it has: of namespaces and ELBs."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from workloads.client import Client


@dataclass(frozen=True)
class Limit:
    title: str
    have: int
    most: int

    @property
    def is_reached(self) -> bool:
        return self.have >= self.most


def of(client: Client) -> list[Limit]:
    """Of what the caller may list."""
    asked = ((_("Namespaces"), "Namespace", client.namespace_limit()), (_("ELBs"), "ELB", client.elb_limit()))
    return [Limit(title, client.count(kind, None), most) for title, kind, most in asked if client.may("list", kind)]
