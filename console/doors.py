"""Where Services and Ingresses are reached from outside, as the ELBs' statuses tell, and why some are not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workloads.client import JSON, Client
from workloads.meta.errors import Forbidden
from workloads.meta.keys import Key
from workloads.routing.bindings import Ref

_USUAL = {"HTTP": 80, "HTTPS": 443}


@dataclass(frozen=True)
class Door:
    """A port of an ELB."""

    elb: str
    address: str
    port: int
    protocol: str

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"

    def url(self, host: str = "", path: str = "/") -> str:
        """As a browser takes it, once somebody has put a name in the place of a wildcard; without a scheme where it
        speaks no HTTP."""
        if self.protocol not in _USUAL:
            return str(self)
        where = host or self.address
        port = "" if self.port == _USUAL[self.protocol] else f":{self.port}"
        return f"{self.protocol.lower()}://{where}{port}{path}"


@dataclass(frozen=True)
class Problem:
    reason: str
    message: str


@dataclass
class Reach:
    doors: list[Door] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


Reaches = Mapping[Ref, Reach]


def of_account(client: Client) -> Reaches:
    """By workload. Empty for who may not list ELBs."""
    try:
        return told(client.list("ELB").items)
    except Forbidden:
        return {}


def told(elbs: Iterable[JSON]) -> Reaches:
    found: dict[Ref, Reach] = {}
    for elb in elbs:
        status = elb.get("status") or {}
        for listener in status.get("listeners") or ():
            door = Door(elb["metadata"]["name"], elb["spec"]["address"], listener["port"], listener["protocol"])
            for one in listener.get("workloads") or ():
                found.setdefault(ref_of(one), Reach()).doors.append(door)
        for problem in status.get("problems") or ():
            said = Problem(problem["reason"], problem["message"])
            found.setdefault(ref_of(problem["workload"]), Reach()).problems.append(said)
    return found


def rejected(client: Client, kind: str, namespace: str, name: str) -> str:
    """Why the proxy does not take this Service or ELB as it is, and goes on with what it had; "" while it does."""
    return client.proxy_trouble().get(Key(client.identity.account, kind, namespace, name), "")


def ref_of(reference: JSON) -> Ref:
    return Ref(reference["kind"], reference["namespace"], reference["name"])
