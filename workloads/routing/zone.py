"""What a pod's question for a name is answered with: Kubernetes' DNS specification, for one namespace at a time. Pure.

Whoever asks belongs to a namespace, and for it there are the names of that namespace alone, and the Kubernetes API's:
names of others do not exist, for a pod could not reach what they stand for either. Names are without a dot at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Any, NamedTuple, Protocol

from workloads.kinds import services
from workloads.kinds.networks import SERVICES
from workloads.kinds.servicespecs import EXTERNAL_NAME

JSON = dict[str, Any]
Home = tuple[str, str]
"""(account, namespace)."""
Labels = Sequence[str]
"""Of a name below some other, the nearest to that first."""

DOMAIN = "cluster.local"
REVERSE = "in-addr.arpa"
VERSION = "1.1.0"
TTL_SECONDS = 5
"""Also of what does not exist."""
NAME_SERVER = f"ns.dns.{DOMAIN}"
INSTANCE = f"instance.dns.{DOMAIN}"
"""Told to this host alone: whose server this is."""
API = ("default", "kubernetes")
API_PORT = {"name": "https", "protocol": "TCP", "port": 443}
_PROTOCOLS = {"_tcp": "TCP", "_udp": "UDP"}
_LONGEST_CHAIN = 8


class Directory(Protocol):
    """Who is there, at this moment."""

    def home(self, ip: str) -> Home | None:
        """Whose pods have such an address."""

    def service(self, account: str, namespace: str, name: str) -> JSON | None: ...

    def services(self, account: str, namespace: str) -> Iterable[JSON]: ...

    def slices(self, account: str, namespace: str, name: str) -> Iterable[JSON]:
        """The EndpointSlices of a Service."""

    def resolvers(self, account: str, namespace: str) -> list[str]:
        """Whom the namespace's Network wants asked for everything else; none: whom the host asks."""


class Record(NamedTuple):
    """`data` as in a zone's file, names in it with a dot at the end."""

    name: str
    type: str
    data: str


@dataclass(frozen=True)
class Answer:
    """`zone` is the one that says so. Where the name does not `exists`, it has no records but those that led there."""

    zone: str
    exists: bool = True
    records: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    follow: str = ""
    """A name of elsewhere whose records of the type that was asked for belong to the answer."""


class _Endpoint(NamedTuple):
    address: str
    hostname: str
    ports: Sequence[JSON]

    @property
    def label(self) -> str:
        return self.hostname or self.address.replace(".", "-")


class Zone:
    """`server` is the address of who answers; `api` tells where pods reach the Kubernetes API, "" for nowhere."""

    def __init__(self, directory: Directory, *, server: str, api: Callable[[], str]) -> None:
        self._directory = directory
        self._server = server
        self._api = api

    def answer(self, home: Home, name: str, type: str) -> Answer | None:
        """What `home` is told; None for what others have to be asked. Comparisons are without case."""
        found = self._answer(home, name.lower(), type)
        for _ in range(_LONGEST_CHAIN):
            further = self._answer(home, found.follow, type) if found and found.follow else None
            if found is None or further is None:
                return found
            found = replace(further, records=found.records + further.records)
        return replace(found, follow="") if found else None

    def _answer(self, home: Home, name: str, type: str) -> Answer | None:
        if name == DOMAIN or name.endswith(f".{DOMAIN}"):
            return self._inside(home, name, type)
        if name.endswith(f".{REVERSE}"):
            return self._reverse(home, name, type)
        return None

    def _inside(self, home: Home, name: str, type: str) -> Answer:
        match name.removesuffix(DOMAIN).split(".")[-2::-1]:
            case []:
                said = {"NS": f"{NAME_SERVER}.", "SOA": authority(DOMAIN).data}
                return _one(name, type, said)
            case ["dns-version"]:
                return _one(name, type, {"TXT": f'"{VERSION}"'})
            case ["dns", "ns"]:
                return _one(name, type, {"A": self._server})
            case ["svc" | "pod" | "dns"]:
                return Answer(DOMAIN)
            case ["svc", namespace]:
                return Answer(DOMAIN, exists=namespace == home[1] or (namespace == API[0] and bool(self._api())))
            case ["svc", namespace, service, *below]:
                return self._service(home, (namespace, service), below, name=name, type=type)
            case ["pod", namespace, *below] if namespace == home[1]:
                return self._pod(home, below, name=name, type=type)
        return Answer(DOMAIN, exists=False)

    def _pod(self, home: Home, below: Labels, *, name: str, type: str) -> Answer:
        if not below:
            return Answer(DOMAIN)
        address = _address(below[0].split("-")) if len(below) == 1 else None
        if address is None or self._directory.home(str(address)) != home:
            return Answer(DOMAIN, exists=False)
        return _one(name, type, {"A": str(address)})

    # Services

    def _service(self, home: Home, wanted: tuple[str, str], below: Labels, *, name: str, type: str) -> Answer:
        service = self._find(home, wanted)
        if service is None:
            return Answer(DOMAIN, exists=False)
        match below:
            case [] if service["spec"]["type"] == EXTERNAL_NAME:
                return _alias(name, service["spec"]["externalName"].removesuffix("."), type)
            case []:
                return self._itself(home, service, name=name, type=type)
            case [protocol] if protocol in _PROTOCOLS:
                return Answer(DOMAIN, exists=any(_matches(port, protocol=protocol) for port in _named_ports(service)))
            case [protocol, port] if protocol in _PROTOCOLS and port.startswith("_"):
                return self._port(home, service, protocol, port[1:], name=name, type=type)
            case [hostname]:
                addresses = [one.address for one in self._endpoints(home, service) if one.label == hostname]
                return _addresses(name, addresses, type)
        return Answer(DOMAIN, exists=False)

    def _find(self, home: Home, wanted: tuple[str, str]) -> JSON | None:
        namespace, name = wanted
        if wanted == API and (address := self._api()):
            return _service_of_api(address)
        return self._directory.service(*home, name) if namespace == home[1] else None

    def _itself(self, home: Home, service: JSON, *, name: str, type: str) -> Answer:
        if type == "SRV" and (found := self._located(home, service, lambda port: True, name=name)).exists:
            return found
        if not services.is_headless(service):
            return _one(name, type, {"A": services.address_of(service)})
        return _addresses(name, [one.address for one in self._endpoints(home, service)], type)

    def _port(self, home: Home, service: JSON, protocol: str, port: str, *, name: str, type: str) -> Answer:
        found = self._located(home, service, lambda one: _matches(one, protocol=protocol, name=port), name=name)
        return found if type == "SRV" else replace(found, records=(), additional=())

    def _located(self, home: Home, service: JSON, wanted: Callable[[JSON], bool], *, name: str) -> Answer:
        """The places of ports as SRV records, and the addresses of their hosts."""
        records, additional = dict[Record, None](), dict[Record, None]()
        for host, address, port in self._places(home, service):
            if wanted(port):
                records[Record(name, "SRV", f"0 100 {port['port']} {host}.")] = None
                additional[Record(host, "A", address)] = None
        return Answer(DOMAIN, exists=bool(records), records=tuple(records), additional=tuple(additional))

    def _places(self, home: Home, service: JSON) -> Iterator[tuple[str, str, JSON]]:
        host = _name_of(service)
        if services.is_headless(service):
            for one in self._endpoints(home, service):
                yield from ((f"{one.label}.{host}", one.address, port) for port in one.ports if "port" in port)
        elif address := services.address_of(service):
            yield from ((host, address, port) for port in service["spec"].get("ports") or ())

    def _endpoints(self, home: Home, service: JSON) -> Iterator[_Endpoint]:
        """Who is ready. While slices are written anew, one may be in two of them."""
        published = bool(service["spec"].get("publishNotReadyAddresses"))
        for slice in self._slices(home, service["metadata"]):
            if slice["addressType"] != "IPv4":
                continue
            ports = slice.get("ports") or ()
            for one in slice.get("endpoints") or ():
                if published or (one.get("conditions") or {}).get("ready") is not False:
                    for address in one["addresses"]:
                        yield _Endpoint(address, one.get("hostname") or "", ports)

    def _slices(self, home: Home, metadata: JSON) -> Iterable[JSON]:
        """Nobody is told who is behind the API's name."""
        is_api = (metadata["namespace"], metadata["name"]) == API and bool(self._api())
        return () if is_api else self._directory.slices(*home, metadata["name"])

    # Addresses

    def _reverse(self, home: Home, name: str, type: str) -> Answer | None:
        parts = name.removesuffix(f".{REVERSE}").split(".")[::-1]
        if len(parts) < 4:
            own = f"{SERVICES.network_address}".split(".")[:2]
            return Answer(f"{own[1]}.{own[0]}.{REVERSE}") if parts[:2] == own else None
        address = _address(parts)
        if address is None:
            return None
        zone = f"{parts[1]}.{parts[0]}.{REVERSE}"
        whose = self._directory.home(str(address))
        if address not in SERVICES and whose is None:
            return None
        names = self._names(home, str(address)) if address in SERVICES or whose == home else []
        records = tuple(Record(name, "PTR", f"{one}.") for one in names)
        return Answer(zone, exists=bool(names), records=records if type == "PTR" else ())

    def _names(self, home: Home, address: str) -> list[str]:
        """Of a Service's address, its name; of a pod's, those that headless Services give it."""
        if address == self._server:
            return [NAME_SERVER]
        if address == self._api():
            return [_name_of(_service_of_api(address))]
        found = []
        for service in self._directory.services(*home):
            if services.address_of(service) == address:
                return [_name_of(service)]
            if services.is_headless(service):
                behind = (one.label for one in self._endpoints(home, service) if one.address == address)
                found += [f"{label}.{_name_of(service)}" for label in dict.fromkeys(behind)]
        return found


def authority(zone: str) -> Record:
    """Who answers for a zone, and for how long it may be believed that a name is not there."""
    return Record(zone, "SOA", f"{NAME_SERVER}. hostmaster.{DOMAIN}. 1 7200 1800 86400 {TTL_SECONDS}")


def _one(name: str, type: str, said: dict[str, str]) -> Answer:
    """Of a name that exists: its record of this type, if it has one."""
    return Answer(DOMAIN, records=(Record(name, type, said[type]),) if said.get(type) else ())


def _addresses(name: str, addresses: Iterable[str], type: str) -> Answer:
    """A name that stands for nobody does not exist."""
    records = tuple(Record(name, "A", address) for address in dict.fromkeys(addresses))
    return Answer(DOMAIN, exists=bool(records), records=records if type == "A" else ())


def _alias(name: str, target: str, type: str) -> Answer:
    return Answer(
        DOMAIN, records=(Record(name, "CNAME", f"{target}."),), follow="" if type == "CNAME" else target.lower()
    )


def _address(parts: Labels) -> IPv4Address | None:
    try:
        return IPv4Address(".".join(parts))
    except ValueError:
        return None


def _matches(port: JSON, *, protocol: str, name: str | None = None) -> bool:
    return bool(port["protocol"] == _PROTOCOLS[protocol] and name in (None, port.get("name")))


def _named_ports(service: JSON) -> list[JSON]:
    return [port for port in service["spec"].get("ports") or () if port.get("name")]


def _name_of(service: JSON) -> str:
    return f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.{DOMAIN}"


def _service_of_api(address: str) -> JSON:
    """As Kubernetes has one; here it is no object."""
    namespace, name = API
    spec = {"type": "ClusterIP", "clusterIP": address, "ports": [API_PORT]}
    return {"metadata": {"namespace": namespace, "name": name}, "spec": spec}
