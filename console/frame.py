"""What stands around every page: the namespaces one can switch to, the rail's counts, and what the account burns."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billing import client as billing
from billing.client import Meter, format_money
from console.access import Visit

KINDS = ("Namespace", "Deployment", "Pod")


@dataclass(frozen=True)
class NamespaceChoice:
    name: str
    flavor: str
    current: bool


@dataclass(frozen=True)
class Frame:
    account: str
    user: str
    namespace: str
    namespaces: tuple[NamespaceChoice, ...]
    counts: dict[str, int]
    burn: Meter
    """Of today; its rate is what everything costs now."""

    @property
    def currency(self) -> str:
        return self.burn.rate.currency

    @property
    def zero(self) -> str:
        """What costs nothing: `¥0`."""
        return format_money(Decimal(0), self.currency, 0)

    @property
    def sign(self) -> str:
        """`¥`, for figures that the browser makes."""
        return self.zero.removesuffix("0")


def of(visit: Visit) -> Frame:
    """The counts are of the namespace one is in, or of the account."""
    client, scope = visit.client, visit.scope
    return Frame(
        account=visit.identity.account,
        user=visit.identity.user,
        namespace=visit.namespace,
        namespaces=tuple(_choices(visit)),
        counts={
            "namespaces": client.count("Namespace"),
            "deployments": client.count("Deployment", scope),
            "pods": client.count("Pod", scope),
        },
        burn=billing.today(visit.identity.account),
    )


def _choices(visit: Visit) -> list[NamespaceChoice]:
    return [
        NamespaceChoice(
            name=item["metadata"]["name"],
            flavor=item["metadata"].get("annotations", {}).get("namespace.kubernetes.io/flavor", ""),
            current=item["metadata"]["name"] == visit.namespace,
        )
        for item in visit.client.list("Namespace", limit=100).items
    ]
