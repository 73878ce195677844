"""A directory for tests: two namespaces of acme and one of globex, with one Service of each sort in acme's `shop`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from workloads.routing.zone import Home

JSON = dict[str, Any]
SHOP, LAB, OTHERS = ("acme", "shop"), ("acme", "lab"), ("globex", "shop")
SERVER, API = "10.247.0.10", "10.247.0.1"


@dataclass
class Known:
    """`subnets` are by the first three parts of their addresses."""

    subnets: dict[str, Home] = field(
        default_factory=lambda: {"10.248.0": SHOP, "10.248.1": LAB, "10.248.2": OTHERS},
    )
    there: dict[Home, list[JSON]] = field(default_factory=dict)
    behind: dict[tuple[Home, str], list[JSON]] = field(default_factory=dict)
    servers: dict[Home, list[str]] = field(default_factory=dict)

    def home(self, ip: str) -> Home | None:
        return self.subnets.get(ip.rpartition(".")[0])

    def service(self, account: str, namespace: str, name: str) -> JSON | None:
        found = self.services(account, namespace)
        return next((one for one in found if one["metadata"]["name"] == name), None)

    def services(self, account: str, namespace: str) -> Iterable[JSON]:
        return self.there.get((account, namespace), [])

    def slices(self, account: str, namespace: str, name: str) -> Iterable[JSON]:
        return self.behind.get(((account, namespace), name), [])

    def resolvers(self, account: str, namespace: str) -> list[str]:
        return self.servers.get((account, namespace), [])

    def add(self, home: Home, name: str, *endpoints: JSON, at: Iterable[JSON] = (), **spec: Any) -> None:
        metadata = {"namespace": home[1], "name": name}
        self.there.setdefault(home, []).append({"metadata": metadata, "spec": {"type": "ClusterIP", **spec}})
        if endpoints:
            slice = {"addressType": "IPv4", "ports": list(at), "endpoints": list(endpoints)}
            self.behind.setdefault((home, name), []).append(slice)


def endpoint(ip: str, hostname: str = "", *, ready: bool = True) -> JSON:
    found: JSON = {"addresses": [ip], "conditions": {"ready": ready}}
    return found | ({"hostname": hostname} if hostname else {})


def port(number: int, name: str = "", protocol: str = "TCP") -> JSON:
    return {"name": name, "port": number, "protocol": protocol}


def known() -> Known:
    directory = Known()
    directory.add(SHOP, "web", clusterIP="10.247.1.1", ports=[port(80, "http"), port(53, "dns", "UDP")])
    directory.add(SHOP, "plain", clusterIP="10.247.1.2", ports=[port(80)])
    db = (endpoint("10.248.0.5", "db-0"), endpoint("10.248.0.6"), endpoint("10.248.0.7", ready=False))
    directory.add(SHOP, "db", *db, clusterIP="None", ports=[port(5432, "sql")], at=[port(15432, "sql")])
    all_of = endpoint("10.248.0.5"), endpoint("10.248.0.7", ready=False)
    directory.add(SHOP, "all", *all_of, clusterIP="None", publishNotReadyAddresses=True)
    directory.add(SHOP, "nobody", endpoint("10.248.0.7", ready=False), clusterIP="None")
    directory.add(SHOP, "out", type="ExternalName", externalName="www.Example.com.")
    directory.add(SHOP, "alias", type="ExternalName", externalName="web.shop.svc.cluster.local")
    directory.add(SHOP, "dead", type="ExternalName", externalName="gone.shop.svc.cluster.local")
    directory.add(SHOP, "loop", type="ExternalName", externalName="loop.shop.svc.cluster.local")
    directory.add(LAB, "web", clusterIP="10.247.2.1", ports=[port(80, "http")])
    directory.add(OTHERS, "secret", clusterIP="10.247.3.1", ports=[port(80)])
    return directory
