"""Which Services and Ingresses are reached through an ELB, on which ports, and who has to stand back. Pure.

The one that was there first keeps a port. Ingresses share a port as long as they speak the same protocol there: their
rules are merged, and of two rules for the same host and path the older one's serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from workloads.kinds import elbannotations, elbs, ingressclasses, ingresses
from workloads.kinds.elbannotations import Treatment
from workloads.kinds.servicespecs import LOAD_BALANCER

JSON = dict[str, Any]
Protocol = Literal["TCP", "UDP", "HTTP", "HTTPS"]

REPEATED = "Listener port is repeated"
"""The reason people know from the cloud, in the message of the event."""
HTTP, HTTPS = 80, 443
ANY_HOST = ""


@dataclass(frozen=True, order=True)
class Ref:
    """A Service or an Ingress of the account."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True)
class Backend:
    """A port of a Service, by name or number."""

    namespace: str
    service: str
    port: str | int


@dataclass(frozen=True)
class Route:
    """`path` without a slash at its end unless it is "/". A redirect has no backend."""

    path: str
    exact: bool
    backend: Backend | None
    owner: Ref
    treatment: Treatment
    default: bool = False
    """Of the Ingress' default backend: for what no rule of any host matches."""

    @property
    def place(self) -> tuple[str, bool, bool]:
        return self.path, self.exact, self.default


@dataclass
class Listener:
    """`backend` is a layer 4 one's; `hosts` a layer 7 one's: by host (ANY_HOST, a name, or `*.name`) its routes.
    `certificates` are Secrets (namespace, name) by host."""

    port: int
    protocol: Protocol
    backend: Backend | None = None
    hosts: dict[str, list[Route]] = field(default_factory=dict)
    certificates: dict[str, tuple[str, str]] = field(default_factory=dict)
    owners: list[Ref] = field(default_factory=list)

    @property
    def is_http(self) -> bool:
        return self.protocol in ("HTTP", "HTTPS")


@dataclass(frozen=True)
class Conflict:
    """`loser` asked for what `winner` has."""

    loser: Ref
    winner: Ref
    what: str
    """The port, and the host and path where that is the matter."""

    @property
    def message(self) -> str:
        return f"{REPEATED}: {self.what} belongs to {self.winner}, which was there first"


@dataclass
class Bound:
    """What one ELB serves. `ports` of those that are reached: for statuses."""

    listeners: list[Listener]
    conflicts: list[Conflict]

    def ports_of(self, ref: Ref) -> list[Listener]:
        return [listener for listener in self.listeners if ref in listener.owners]


def is_exposed(obj: JSON) -> bool:
    """Whether a Service or an Ingress wants to be reached through an ELB of this product."""
    if obj["metadata"].get("deletionTimestamp"):
        return False
    if obj["kind"] == "Service":
        return bool(obj["spec"]["type"] == LOAD_BALANCER and not obj["spec"].get("loadBalancerClass"))
    return ingresses.class_of(obj) in ("", ingressclasses.CCE)


def choose(obj: JSON, known: Sequence[JSON]) -> tuple[JSON | None, str]:
    """The ELB of an exposed Service or Ingress, or why there is none. (None, "") is one that names none while the
    account has no default ELB yet: one is to be made."""
    said = elbannotations.of(obj)
    id, ip, name = (said.get(one) for one in (elbannotations.ELB_ID, elbannotations.ELB_IP, elbannotations.ELB_NAME))
    living = [elb for elb in known if not elb["metadata"].get("deletionTimestamp")]
    if id:
        found = next((elb for elb in living if elb["metadata"]["uid"] == id), None)
        if found is None:
            return None, f"the account has no ELB with the id {id} ({elbannotations.ELB_ID})"
        if ip and elbs.address_of(found) != ip:
            return None, f"the ELB {id} has the address {elbs.address_of(found)}, not {ip} ({elbannotations.ELB_IP})"
        return found, ""
    if ip:
        found = next((elb for elb in living if elbs.address_of(elb) == ip), None)
        return found, "" if found else f"the account has no ELB at {ip} ({elbannotations.ELB_IP})"
    found = next((elb for elb in living if elb["metadata"]["name"] == (name or elbs.NAME_OF_DEFAULT)), None)
    if found is None and name not in (None, elbs.NAME_OF_DEFAULT):
        return None, f"the account has no ELB of the name {name} ({elbannotations.ELB_NAME})"
    return found, ""


def bind(exposed: Iterable[JSON]) -> Bound:
    """What an ELB serves for these Services and Ingresses, all of which chose it."""
    table = _Table()
    for obj in sorted(exposed, key=_age):
        table.add_service(obj) if obj["kind"] == "Service" else table.add_ingress(obj)
    listeners = sorted(table.listeners.values(), key=lambda one: (one.port, one.protocol))
    return Bound(listeners, table.conflicts)


def ref(obj: JSON) -> Ref:
    return Ref(obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"])


def _age(obj: JSON) -> tuple[str, str, str, str]:
    """Of two that were made in one second, as by one apply, the name decides, which people can see."""
    metadata = obj["metadata"]
    return metadata["creationTimestamp"], metadata["namespace"], metadata["name"], metadata["uid"]


class _Table:
    """Listeners by (port, transport): TCP and UDP of one number are two."""

    def __init__(self) -> None:
        self.listeners: dict[tuple[int, str], Listener] = {}
        self.conflicts: list[Conflict] = []

    def add_service(self, service: JSON) -> None:
        owner, ports = ref(service), service["spec"].get("ports") or []
        asked = elbannotations.port(service) if len(ports) == 1 else None
        for port in ports:
            number, protocol = asked or port["port"], port["protocol"]
            there = self.listeners.get((number, protocol))
            if there is None:
                backend = Backend(owner.namespace, owner.name, port.get("name") or port["port"])
                listener = Listener(number, protocol, backend=backend, owners=[owner])
                self.listeners[number, protocol] = listener
            else:
                self._lose(owner, there.owners[0], f"{number}/{protocol}")

    def add_ingress(self, ingress: JSON) -> None:
        owner, treatment, asked = ref(ingress), elbannotations.treatment(ingress), elbannotations.port(ingress)
        wanted = list(_rules(ingress, owner, treatment))
        secured = _certificates(ingress, {host for host, _ in wanted})
        plain = [(host, route) for host, route in wanted if host not in secured and ANY_HOST not in secured]
        covered = [(host, route) for host, route in wanted if host in secured or ANY_HOST in secured]
        if covered:
            listener = self._shared(owner, asked or HTTPS, "HTTPS")
            if listener:
                self._merge(listener, owner, covered)
                self._certify(listener, owner, secured)
            if not asked:
                self._beside(owner, covered, treatment)
        if plain and (listener := self._shared(owner, HTTP if covered else asked or HTTP, "HTTP")):
            self._merge(listener, owner, plain)

    def _beside(self, owner: Ref, covered: list[tuple[str, Route]], treatment: Treatment) -> None:
        """What has a certificate, on port 80: redirected, or the same. Where the port is somebody else's it is let be:
        nobody asked for it."""
        there = self.listeners.get((HTTP, "TCP"))
        if there is not None and there.protocol != "HTTP":
            return
        listener = self._shared(owner, HTTP, "HTTP")
        if listener is None:
            return
        if treatment.redirect:
            hosts = dict.fromkeys(host for host, _ in covered)
            covered = [(host, Route("/", False, None, owner, treatment)) for host in hosts]
        self._merge(listener, owner, covered, quietly=True)

    def _shared(self, owner: Ref, port: int, protocol: Protocol) -> Listener | None:
        there = self.listeners.setdefault((port, "TCP"), Listener(port, protocol))
        if there.protocol != protocol:
            self._lose(owner, there.owners[0], f"{port}/{there.protocol}")
            return None
        return there

    def _merge(
        self, listener: Listener, owner: Ref, routes: Iterable[tuple[str, Route]], *, quietly: bool = False
    ) -> None:
        for host, route in routes:
            known = listener.hosts.setdefault(host, [])
            other = next((one for one in known if one.place == route.place), None)
            if other is None:
                known.append(route)
            elif other.owner != owner and not quietly:
                self._lose(owner, other.owner, f"{listener.port}/{listener.protocol} {host or '*'}{route.path}")
        if owner not in listener.owners:
            listener.owners.append(owner)

    def _certify(self, listener: Listener, owner: Ref, secured: Mapping[str, tuple[str, str]]) -> None:
        for host, secret in secured.items():
            known = listener.certificates.setdefault(host, secret)
            if known != secret:
                first = next(one for one in listener.owners if one != owner)
                self._lose(owner, first, f"the certificate of {host or '*'} on {listener.port}/HTTPS")

    def _lose(self, loser: Ref, winner: Ref, what: str) -> None:
        if loser != winner:
            self.conflicts.append(Conflict(loser, winner, what))


def _rules(ingress: JSON, owner: Ref, treatment: Treatment) -> Iterable[tuple[str, Route]]:
    """(host, route), the default backend last: it has every host and every path that nothing else has."""
    spec = ingress["spec"]
    for rule in spec.get("rules") or ():
        host = rule.get("host", ANY_HOST)
        for path in (rule.get("http") or {}).get("paths") or ():
            backend = _backend(path["backend"], owner.namespace)
            exact = path["pathType"] == "Exact"
            yield host, Route(_path(path, exact=exact), exact, backend, owner, treatment)
    if default := spec.get("defaultBackend"):
        yield ANY_HOST, Route("/", False, _backend(default, owner.namespace), owner, treatment, default=True)


def _path(path: JSON, *, exact: bool) -> str:
    said = str(path.get("path") or "/")
    return said if exact else said.rstrip("/") or "/"


def _backend(backend: JSON, namespace: str) -> Backend:
    service = backend["service"]
    port = service.get("port") or {}
    return Backend(namespace, service["name"], port.get("name") or port.get("number") or 0)


def _certificates(ingress: JSON, hosts: set[str]) -> dict[str, tuple[str, str]]:
    """Secrets (namespace, name) by host. An entry that names no hosts is for all of the rules, and for whoever names
    no host that is known."""
    found: dict[str, tuple[str, str]] = {}
    namespace = ingress["metadata"]["namespace"]
    for tls in ingress["spec"].get("tls") or ():
        if not (secret := tls.get("secretName")):
            continue
        for host in tls.get("hosts") or [ANY_HOST, *sorted(hosts)]:
            found.setdefault(host, (namespace, secret))
    return found
