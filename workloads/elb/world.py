"""All that decides where traffic goes, of every account, in memory; and Envoy's resources that follow from it.

Fed with objects and with entries of the log, in order. What an entry changes is marked, and `render` makes those parts
anew and nothing else: a Service's clusters and listeners, its endpoints alone, or the ELBs of an account.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import TYPE_CHECKING, Any

import orjson

from workloads.kinds import elbs, secrets, services, sleeping
from workloads.kinds.networks import SERVICES
from workloads.meta import conditions
from workloads.meta.keys import Key
from workloads.routing import bindings, certificates, inside, outside, resources, sleep
from workloads.routing.certificates import Certificate
from workloads.routing.outside import Aliases, Elb
from workloads.routing.resources import Resources

if TYPE_CHECKING:
    from workloads.store.changes import Entry

log = logging.getLogger(__name__)

JSON = dict[str, Any]
Home = tuple[str, str]
"""(account, namespace)."""
Unit = tuple[str, Key]
"""What is rendered together: ("service" | "endpoints", the Service's key) or ("elbs", Key(account, "", "", ""))."""

KINDS = ("Network", "Service", "EndpointSlice", "Ingress", "ELB", "Secret", "Pod", "Deployment")
"""Of pods, only which ones have been told to go and which are ready; of Deployments, those that may sleep."""


class World:
    def __init__(self) -> None:
        self.resources: Resources = {}
        self._objects: dict[str, dict[Key, JSON]] = {kind: {} for kind in KINDS}
        self._slices: dict[Key, dict[Key, JSON]] = {}
        """By their Service's key."""
        self._leaving: set[str] = set()
        self._ready: dict[Home, dict[str, bool]] = {}
        """By uid, what pods say of themselves as far as it was heard: slices repeat it a little later."""
        self._subnets: dict[Home, IPv4Network] = {}
        self._homes: dict[str, Home] = {}
        self._good: dict[Key, Certificate] = {}
        """The last good certificate of each Secret: a broken one never takes its place, and one whose Secret has gone
        serves on while it is asked for (by this process: another one has not seen it)."""
        self._gone: set[Key] = set()
        """Secrets of these certificates that are not there any more."""
        self._aliases: dict[str, Aliases] = {}
        """By account: the clusters that its ELBs use beside the Services' own."""
        self._made: dict[Unit, set[tuple[str, str]]] = {}
        self._dirty: dict[Unit, None] = {}
        self._held: frozenset[Key] = frozenset()
        """Services whose requests wait."""
        self._waiting_at: dict[Key, Mapping[str, str]] = {}
        """By Service: where its connections of layer 4 wait, by the name of their cluster."""
        self._services_of_pods: dict[str, set[Key]] = {}
        """By the uids that slices name: whose endpoints change when a pod is told to go."""

    @property
    def size(self) -> int:
        """Objects that are kept."""
        return sum(map(len, self._objects.values()))

    # What is there

    def put(self, key: Key, obj: JSON) -> None:
        """`obj` is how it is now."""
        match key.kind:
            case "Pod":
                self._put_pod(key, obj)
            case "EndpointSlice":
                self._put_slice(key, obj)
            case "Secret":
                self._put_secret(key, obj)
            case "Network":
                self._put_network(key, obj)
            case "Deployment":
                self._put_deployment(key, obj)
            case kind if kind in self._objects:
                self._objects[kind][key] = obj
                self._touch(key)

    def drop(self, key: Key, obj: JSON) -> None:
        """`obj` is how it was last."""
        match key.kind:
            case "Pod":
                self._drop_pod(key, obj)
            case "EndpointSlice":
                self._drop_slice(key)
            case "Secret":
                if key in self._good:
                    log.warning("Secret %s/%s of %s has gone", key.namespace, key.name, key.account)
                    self._gone.add(key)
                    self._mark_account(key.account)
            case "Network":
                self._drop_network(key)
            case "Deployment":
                self._objects["Deployment"].pop(key, None)
            case kind if kind in self._objects and self._objects[kind].pop(key, None) is not None:
                self._touch(key)

    def follow(self, entries: Iterable[Entry]) -> None:
        """What the log says, in its order."""
        for entry in entries:
            if entry.key.kind not in KINDS or (entry.key.kind == "Deployment" and not self._may_sleep(entry)):
                continue
            obj = orjson.loads(entry.data)
            self.drop(entry.key, obj) if entry.type == "DELETED" else self.put(entry.key, obj)

    # What others ask

    def home(self, ip: str) -> Home | None:
        """(account, namespace) whose pods have such an address."""
        known = self._homes.get(ip)
        if known is not None:
            return known
        try:
            address = IPv4Address(ip)
        except ValueError:
            return None
        found = next((home for home, subnet in self._subnets.items() if address in subnet), None)
        if found is not None:
            self._homes[ip] = found
        return found

    def service(self, account: str, namespace: str, name: str) -> JSON | None:
        return self._objects["Service"].get(Key(account, "Service", namespace, name))

    def services(self, account: str, namespace: str) -> list[JSON]:
        found = self._objects["Service"].items()
        return [one for key, one in found if (key.account, key.namespace) == (account, namespace)]

    def slices(self, account: str, namespace: str, name: str) -> list[JSON]:
        """Of a Service."""
        return list(self._slices.get(Key(account, "Service", namespace, name), {}).values())

    def resolvers(self, account: str, namespace: str) -> list[str]:
        """DNS servers that the namespace's Network names."""
        networks = self._objects["Network"].items()
        named = (one for key, one in networks if (key.account, key.namespace) == (account, namespace))
        return [server for one in named for server in one["spec"].get("dnsServers") or ()]

    def owner(self, resource: tuple[str, str]) -> Key | None:
        """The Service or ELB that a resource of Envoy's is about."""
        for (what, key), made in self._made.items():
            if resource in made:
                return key if what != "elbs" else self._elb_of(key.account, resource[1])
        return None

    def _elb_of(self, account: str, name: str) -> Key | None:
        """What is made for an ELB bears its uid, but for the clusters and certificates that several share."""
        own = [(key, elb["metadata"]["uid"]) for key, elb in self._objects["ELB"].items() if key.account == account]
        return next((key for key, uid in own if uid in name), own[0][0] if own else None)

    def elb_listeners(self) -> dict[Key, dict[str, tuple[str, str]]]:
        """Of every ELB, Envoy's listeners by what the ELB calls them: `80`, `53/udp`."""
        found: dict[Key, dict[str, tuple[str, str]]] = {key: {} for key in self._objects["ELB"]}
        keys = {elb["metadata"]["uid"]: key for key, elb in self._objects["ELB"].items()}
        for (what, _), made in self._made.items():
            for resource in made if what == "elbs" else ():
                if resource[0] == resources.LISTENER:
                    _, uid, port = resource[1].split("/", 2)
                    found[keys[uid]][port] = resource
        return found

    # Who sleeps

    @property
    def sleepers(self) -> dict[Key, JSON]:
        """Deployments that sleep, or may."""
        return self._objects["Deployment"]

    def services_of(self, deployment: Key) -> list[Key]:
        """Those that lead to its pods through the proxy."""
        obj = self._objects["Deployment"].get(deployment)
        home = deployment.account, deployment.namespace
        found = ((key, one) for key, one in self._objects["Service"].items() if (key.account, key.namespace) == home)
        return [key for key, one in found if obj is not None and sleep.leads_to(one, obj)]

    def is_ready(self, service: Key) -> bool:
        """Whether a pod is behind it that is ready and stays."""
        obj, slices = self._objects["Service"].get(service), self._slices.get(service, {}).values()
        ready = self._ready_of(service)
        return any(inside.split(port, slices, leaving=self._leaving, ready=ready)[0] for port in ports_of(obj))

    def clusters(self, service: Key) -> set[str]:
        ports = ports_of(self._objects["Service"].get(service))
        own = {resources.cluster_name(service, port["port"], port["protocol"]) for port in ports}
        return own | self.routed(service)

    def routed(self, service: Key) -> set[str]:
        """Clusters that requests for it come through, as its account's Ingresses say."""
        ports = self._aliases.get(service.account, {}).get(service, {})
        return {name for names in ports.values() for name in names}

    def tables(self, service: Key) -> set[str]:
        """Listeners at layer 7 that lead to it."""
        routed = self.routed(service)
        return {name for name, table in self._tables() if outside.leads_to(table, routed)}

    def buffering(self, service: Key) -> set[str]:
        """Listeners that read a whole body before they ask a pod of it: nobody counts what waits there by Service."""
        routed = self.routed(service)
        return {name for name, table in self._tables() if outside.buffers(table, routed)}

    def _tables(self) -> Iterator[tuple[str, JSON]]:
        return ((name, one) for (type, name), one in self.resources.items() if type == resources.ROUTES)

    def is_checked(self, service: Key) -> bool:
        """Whether the proxy itself asks its pods how they are."""
        found = (self.resources.get((resources.CLUSTER, name)) or {} for name in self.routed(service))
        return any("health_checks" in one for one in found)

    def hold(self, held: Mapping[Key, Mapping[str, str]]) -> None:
        """From the next `render` on, requests for these Services wait, and no others; connections of layer 4 at a Unix
        socket, by the name of their cluster."""
        for service in self._held ^ held.keys():
            self._mark_account(service.account)
            self._dirty["endpoints", service] = None
        self._held, self._waiting_at = frozenset(held), dict(held)

    def places(self, service: Key, port: int) -> list[tuple[str, int]]:
        """Of pods that are ready and stay, behind a TCP port of the Service."""
        obj, slices = self._objects["Service"].get(service), self._slices.get(service, {}).values()
        may_reach = self._may_reach(service)
        found = (one for one in ports_of(obj) if (one["port"], one["protocol"]) == (port, "TCP"))
        told = self._ready_of(service)
        ready = (place for one in found for place in inside.split(one, slices, leaving=self._leaving, ready=told)[0])
        return [place for place in ready if may_reach(place[0])]

    def tcp(self, service: Key) -> dict[int, str]:
        """Clusters of its TCP ports, by port."""
        ports = ports_of(self._objects["Service"].get(service))
        named = ((port["port"], port["protocol"]) for port in ports)
        return {number: resources.cluster_name(service, number, "TCP") for number, of in named if of == "TCP"}

    @property
    def held(self) -> frozenset[Key]:
        return self._held

    # What follows from it

    def render(self) -> bool:
        """Makes what is marked anew. Whether any resource has changed."""
        changed = False
        while self._dirty:
            dirty, self._dirty = self._dirty, {}
            for unit in sorted(dirty):  # ELBs before endpoints: they say which clusters there are
                try:
                    changed |= self._keep(unit, self._render(unit))
                except Exception:
                    log.exception("%s cannot be rendered; what it was goes on", unit)
        return changed

    def _render(self, unit: Unit) -> Resources:
        what, key = unit
        if what == "elbs":
            return self._elbs(key.account)
        service = self._objects["Service"].get(key)
        if service is None:
            return {}
        if what == "endpoints":
            return inside.assignments(
                service,
                key,
                self._slices.get(key, {}).values(),
                leaving=self._leaving,
                ready=self._ready_of(key),
                may_reach=self._may_reach(key),
                aliases=self._aliases.get(key.account, {}).get(key, {}),
                held=self._waiting_at.get(key, {}),
            )
        subnet = self._subnets.get((key.account, key.namespace))
        return inside.render(service, key, subnet=str(subnet or ""))

    def _elbs(self, account: str) -> Resources:
        known = [elb for key, elb in self._objects["ELB"].items() if key.account == account]
        chosen: dict[str, list[JSON]] = {}
        for kind in ("Service", "Ingress"):
            for key, obj in self._objects[kind].items():
                if key.account == account and bindings.is_exposed(obj):
                    elb, _ = bindings.choose(obj, known)
                    if elb is not None:
                        chosen.setdefault(elb["metadata"]["uid"], []).append(obj)
        there = {
            (key.namespace, key.name): obj for key, obj in self._objects["Service"].items() if key.account == account
        }
        bounds = [bindings.bind(chosen.get(elb["metadata"]["uid"], [])) for elb in known]
        self._forget(account, bounds)
        good = {(key.namespace, key.name): one for key, one in self._good.items() if key.account == account}
        found: Resources = {}
        aliases: Aliases = {}
        for elb, bound in zip(known, bounds, strict=True):
            made, used = outside.render(_elb(account, elb), bound, services=there, certificates=good, held=self._held)
            found |= made
            for key, ports in used.items():
                for name, clusters in ports.items():
                    aliases.setdefault(key, {}).setdefault(name, set()).update(clusters)
        self._use(account, aliases)
        return found

    def _forget(self, account: str, bounds: Iterable[bindings.Bound]) -> None:
        """Certificates whose Secret has gone and that nobody asks for any more."""
        asked = {secret for bound in bounds for one in bound.listeners for secret in one.certificates.values()}
        for key in [key for key in self._gone if key.account == account and (key.namespace, key.name) not in asked]:
            self._gone.discard(key)
            self._good.pop(key, None)

    def _use(self, account: str, aliases: Aliases) -> None:
        """Services whose clusters are not the same as before say their endpoints anew."""
        before = self._aliases.get(account, {})
        for key in before.keys() | aliases.keys():
            if before.get(key) != aliases.get(key):
                self._dirty["endpoints", key] = None
        self._aliases[account] = aliases

    def _keep(self, unit: Unit, made: Resources) -> bool:
        """Puts what was made in the place of what this unit made before."""
        before = self._made.get(unit, set())
        changed = False
        for name in before - made.keys():
            del self.resources[name]
            changed = True
        for name, resource in made.items():
            if self.resources.get(name) != resource:
                self.resources[name] = resource
                changed = True
        if made:
            self._made[unit] = set(made)
        else:
            self._made.pop(unit, None)
        return changed

    def _may_reach(self, service: Key) -> Callable[[str], bool]:
        own = self._subnets.get((service.account, service.namespace))

        def may_reach(ip: str) -> bool:
            address = ip_address(ip)
            if not isinstance(address, IPv4Address):
                return False
            if own is not None and address in own:
                return True
            if address.is_loopback or address.is_link_local or address in SERVICES:
                return False
            return not any(address in subnet for subnet in self._subnets.values())

        return may_reach

    # Marks

    def _touch(self, key: Key) -> None:
        if key.kind == "Service":
            self._dirty["service", key] = None
            self._dirty["endpoints", key] = None
        if self._has_elbs(key.account) or key.kind == "ELB":
            self._mark_account(key.account)

    def _mark_account(self, account: str) -> None:
        self._dirty["elbs", Key(account, "", "", "")] = None

    def _has_elbs(self, account: str) -> bool:
        return any(key.account == account for key in self._objects["ELB"])

    def _put_pod(self, key: Key, pod: JSON) -> None:
        uid, home = pod["metadata"]["uid"], self._ready.setdefault((key.account, key.namespace), {})
        leaves, ready = "deletionTimestamp" in pod["metadata"], conditions.is_true(pod.get("status") or {}, "Ready")
        if home.get(uid) == ready and leaves == (uid in self._leaving):
            return
        home[uid] = ready
        if leaves:
            self._leaving.add(uid)
        for service in self._services_of_pods.get(uid, ()):
            self._dirty["endpoints", service] = None

    def _drop_pod(self, key: Key, pod: JSON) -> None:
        uid, home = pod["metadata"]["uid"], (key.account, key.namespace)
        self._leaving.discard(uid)
        if (told := self._ready.get(home)) and told.pop(uid, None) is not None and not told:
            del self._ready[home]

    def _ready_of(self, service: Key) -> Mapping[str, bool]:
        """What the pods of its namespace say; of a Service that publishes all addresses its slices alone tell."""
        spec = self._objects["Service"][service]["spec"] if service in self._objects["Service"] else {}
        return {} if spec.get("publishNotReadyAddresses") else self._ready.get((service.account, service.namespace), {})

    def _put_slice(self, key: Key, slice: JSON) -> None:
        name = (slice["metadata"].get("labels") or {}).get(services.NAME_LABEL, "")
        service = Key(key.account, "Service", key.namespace, name)
        before = self._objects["EndpointSlice"].get(key)
        if before is not None:
            self._drop_slice(key)
        if not name:
            return
        self._objects["EndpointSlice"][key] = slice
        self._slices.setdefault(service, {})[key] = slice
        for uid in _uids(slice):
            self._services_of_pods.setdefault(uid, set()).add(service)
        self._dirty["endpoints", service] = None

    def _drop_slice(self, key: Key) -> None:
        slice = self._objects["EndpointSlice"].pop(key, None)
        if slice is None:
            return
        name = slice["metadata"]["labels"][services.NAME_LABEL]
        service = Key(key.account, "Service", key.namespace, name)
        kept = self._slices.get(service, {})
        kept.pop(key, None)
        if not kept:
            self._slices.pop(service, None)
        for uid in _uids(slice):
            of_pod = self._services_of_pods.get(uid, set())
            of_pod.discard(service)
            if not of_pod:
                self._services_of_pods.pop(uid, None)
        self._dirty["endpoints", service] = None

    def _put_secret(self, key: Key, secret: JSON) -> None:
        if secret.get("type") != secrets.TLS:
            return
        try:
            found = certificates.read(secret)
        except certificates.Broken as error:
            log.warning("Secret %s/%s of %s holds no good certificate: %s", key.namespace, key.name, key.account, error)
            return
        self._gone.discard(key)
        if self._good.get(key) != found:
            self._good[key] = found
            if self._has_elbs(key.account):
                self._mark_account(key.account)

    def _may_sleep(self, entry: Entry) -> bool:
        """Asked of bytes: most Deployments never sleep, and change often."""
        return sleeping.SIEVE in entry.data or entry.key in self._objects["Deployment"]

    def _put_deployment(self, key: Key, deployment: JSON) -> None:
        """One that has been here stays until it is let go: requests may wait for it."""
        if key in self._objects["Deployment"] or not _is_wide_awake(deployment):
            self._objects["Deployment"][key] = deployment

    def let_go(self, kept: Collection[Key]) -> None:
        """Deployments that nobody wishes to sleep any more are forgotten, but for these."""
        for key, deployment in list(self._objects["Deployment"].items()):
            if _is_wide_awake(deployment) and key not in kept:
                del self._objects["Deployment"][key]

    def _put_network(self, key: Key, network: JSON) -> None:
        self._objects["Network"][key] = network
        status = network.get("status") or {}
        cidr = status.get("cidr")
        home = (key.account, key.namespace)
        if status.get("state") == "Active" and cidr and self._subnets.get(home) != IPv4Network(cidr):
            self._subnets[home] = IPv4Network(cidr)
            self._moved(home)

    def _drop_network(self, key: Key) -> None:
        self._objects["Network"].pop(key, None)
        home = (key.account, key.namespace)
        others = [one for one in self._objects["Network"] if (one.account, one.namespace) == home]
        if not others and self._subnets.pop(home, None) is not None:
            self._moved(home)

    def _moved(self, home: Home) -> None:
        self._homes.clear()
        for key in self._objects["Service"]:
            if (key.account, key.namespace) == home:
                self._dirty["service", key] = None
                self._dirty["endpoints", key] = None


def ports_of(service: JSON | None) -> Sequence[JSON]:
    return service["spec"].get("ports") or () if service else ()


def _uids(slice: JSON) -> Iterable[str]:
    for endpoint in slice.get("endpoints") or ():
        if uid := (endpoint.get("targetRef") or {}).get("uid"):
            yield uid


def _elb(account: str, elb: JSON) -> Elb:
    told = (elb.get("status") or {}).get("internalAddress", "")
    return Elb(elb["metadata"]["uid"], account, elbs.address_of(elb), told)


def _is_wide_awake(deployment: JSON) -> bool:
    """It neither sleeps nor may."""
    return sleeping.after(deployment) is None and not sleeping.is_asleep(deployment)
