"""What a Service is inside its namespace: clusters with the endpoints that are ready, and listeners on its ClusterIP
that answer nobody but the namespace's own pods. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from workloads.kinds import endpointslices, services
from workloads.kinds.servicespecs import CLIENT_IP
from workloads.meta.keys import Key
from workloads.routing import resources
from workloads.routing.resources import Resources

JSON = dict[str, Any]
Place = tuple[str, int]
MayReach = Callable[[str], bool]
"""Whether traffic of the namespace may be sent to an address: its own pods and the world outside, not others' pods."""


def render(service: JSON, key: Key, *, subnet: str) -> Resources:
    """Its clusters and listeners. `subnet` is the namespace's, "" while it has none: nobody could ask then."""
    found: Resources = {}
    if not services.has_address(service["spec"]):
        return found
    sticky, address = is_sticky(service), services.address_of(service)
    for port in service["spec"].get("ports") or ():
        name = resources.cluster_name(key, port["port"], port["protocol"])
        found[resources.CLUSTER, name] = resources.cluster(name, sticky=sticky)
        if address and subnet:
            listener = _listener(name, address, port, subnet=subnet, sticky=sticky)
            found[resources.LISTENER, listener["name"]] = listener
    return found


def assignments(
    service: JSON,
    key: Key,
    slices: Iterable[JSON],
    *,
    leaving: Collection[str],
    ready: Mapping[str, bool] = MappingProxyType({}),
    may_reach: MayReach = lambda ip: True,
    aliases: Mapping[str, Collection[str]] = MappingProxyType({}),
    held: Mapping[str, str] = MappingProxyType({}),
) -> Resources:
    """Who is behind it. `leaving` are uids of pods that have been told to go, whatever the slices still say; `ready` is
    what pods say of themselves, which their slices repeat a little later; `aliases` are further clusters of a port, by
    the name of its own; `held` is where connections of layer 4 wait, by that name."""
    found: Resources = {}
    known = list(slices)
    for port in service["spec"].get("ports") or ():
        name = resources.cluster_name(key, port["port"], port["protocol"])
        places = [place for place in behind(port, known, leaving=leaving, ready=ready) if may_reach(place[0])]
        for one in (name, *aliases.get(name, ())):
            found[resources.ENDPOINTS, one] = resources.endpoints(one, places)
        if name in held:
            found[resources.ENDPOINTS, name] = resources.held(name, held[name])
    return found


def behind(
    port: Mapping[str, Any],
    slices: Iterable[JSON],
    *,
    leaving: Collection[str],
    ready: Mapping[str, bool] = MappingProxyType({}),
) -> list[Place]:
    """Where requests for a Service's port go: to what is ready; while nothing is, to what still serves on its way
    out."""
    first, last = split(port, slices, leaving=leaving, ready=ready)
    return sorted(first or last)


def split(
    port: Mapping[str, Any],
    slices: Iterable[JSON],
    *,
    leaving: Collection[str],
    ready: Mapping[str, bool] = MappingProxyType({}),
) -> tuple[set[Place], set[Place]]:
    """What is ready and stays, and what still serves on its way out."""
    first, last = set[Place](), set[Place]()
    for one in slices:
        number = next((here.get("port") for here in one.get("ports") or () if _is(here, port)), None)
        if number is None or one.get("addressType", "IPv4") != "IPv4":
            continue
        said = ready if endpointslices.is_of_pods(one) else {}
        for endpoint in one.get("endpoints") or ():
            told = endpoint.get("conditions") or {}
            uid = (endpoint.get("targetRef") or {}).get("uid", "")
            goes, serves = uid in leaving, said.get(uid)
            places = {(address, int(number)) for address in endpoint["addresses"]}
            is_ready = told.get("ready", True) if serves is None else serves and not told.get("terminating")
            if is_ready and not (goes and told.get("serving") is not None):
                first |= places
            elif told.get("serving", False) if serves is None else serves:
                last |= places
    return first, last


def is_sticky(service: JSON) -> bool:
    return bool(service["spec"].get("sessionAffinity") == CLIENT_IP)


def port_of(service: JSON, asked: str | int) -> JSON | None:
    """The port of that name or number."""
    field = "name" if isinstance(asked, str) else "port"
    return next((port for port in service["spec"].get("ports") or () if port.get(field) == asked), None)


def _is(here: Mapping[str, Any], port: Mapping[str, Any]) -> bool:
    """Whether a slice's port is that port of the Service: by name."""
    same = (here.get("name") or "") == (port.get("name") or "")
    return same and here.get("protocol", "TCP") == port["protocol"]


def _listener(cluster: str, address: str, port: JSON, *, subnet: str, sticky: bool) -> JSON:
    stat = f"service/{cluster}"
    listener: JSON = {
        "name": stat,
        "address": resources.socket_address(address, port["port"], port["protocol"]),
        "traffic_direction": "INBOUND",
    }
    if port["protocol"] == "UDP":
        filters = [resources.udp_proxy(stat, cluster, sticky=sticky, only_from=subnet)]
        return {**listener, "udp_listener_config": {}, "listener_filters": filters}
    home = {"source_prefix_ranges": [resources.cidr_range(subnet)]}
    chain = {"filter_chain_match": home, "filters": [resources.tcp_proxy(stat, cluster, sticky=sticky)]}
    return {**listener, "filter_chains": [chain], **resources.KEPT_ALIVE}
