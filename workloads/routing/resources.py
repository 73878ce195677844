"""Envoy's resources as JSON: their types, and the parts that several of them have in common. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from workloads.meta.keys import Key

JSON = dict[str, Any]
Resources = dict[tuple[str, str], JSON]
"""By (type, name)."""

_PREFIX = "type.googleapis.com/envoy."
CLUSTER = f"{_PREFIX}config.cluster.v3.Cluster"
ENDPOINTS = f"{_PREFIX}config.endpoint.v3.ClusterLoadAssignment"
LISTENER = f"{_PREFIX}config.listener.v3.Listener"
ROUTES = f"{_PREFIX}config.route.v3.RouteConfiguration"
SECRET = f"{_PREFIX}extensions.transport_sockets.tls.v3.Secret"
TYPES = (CLUSTER, ENDPOINTS, SECRET, LISTENER, ROUTES)

TRAFFIC = "ads"
"""The cluster that is the process which tells Envoy all this."""
FROM_ADS = {"ads": {}, "resource_api_version": "V3"}
CONNECT_TIMEOUT = "1s"
KEPT_ALIVE = {
    "socket_options": [
        {"level": level, "name": name, "int_value": value, "state": "STATE_PREBIND"}
        for level, name, value in ((1, 9, 1), (6, 4, 300), (6, 5, 30), (6, 6, 5))
    ]
}
"""Of a listener at layer 4: SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT, which its connections inherit. A
client that has gone without a word is found out by the kernel; Envoy's timer would be set anew with each packet."""
_UNBOUNDED = 1_000_000
"""Connections, requests and retries under way: what bounds them is the pods."""


def cluster_name(service: Key, port: int, protocol: str) -> str:
    """Of a Service's port. The same name is its endpoints'."""
    return f"{service.account}/{service.namespace}/{service.name}/{port}{'/udp' if protocol == 'UDP' else ''}"


def cluster(name: str, *, sticky: bool, **more: Any) -> JSON:
    """Its endpoints have its name: Envoy does not tell a new cluster of endpoints that another one has asked for
    before. `sticky`: a client stays with its pod."""
    threshold = {"max_connections": _UNBOUNDED, "max_pending_requests": _UNBOUNDED}
    threshold |= {"max_requests": _UNBOUNDED, "max_retries": _UNBOUNDED}
    return {
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": FROM_ADS, "service_name": name},
        "connect_timeout": CONNECT_TIMEOUT,
        "lb_policy": "MAGLEV" if sticky else "ROUND_ROBIN",
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "ignore_health_on_host_removal": True,
        "circuit_breakers": {"thresholds": [threshold]},
        **more,
    }


def endpoints(name: str, places: list[tuple[str, int]]) -> JSON:
    """`places` are (address, port) of those that requests go to."""
    found = [{"endpoint": {"address": socket_address(address, port)}} for address, port in places]
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": found}] if found else []}


def held(name: str, path: str) -> JSON:
    """Endpoints of those whose connections wait at a Unix socket."""
    return {
        "cluster_name": name,
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": path}}}}]}],
    }


def socket_address(address: str, port: int, protocol: str = "TCP") -> JSON:
    return {"socket_address": {"address": address, "port_value": port, "protocol": protocol}}


def cidr_range(network: str) -> JSON:
    parsed = IPv4Network(network)
    return {"address_prefix": str(parsed.network_address), "prefix_len": parsed.prefixlen}


def tcp_proxy(stat: str, cluster: str, *, sticky: bool) -> JSON:
    config: JSON = {
        "@type": f"{_PREFIX}extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": stat,
        "cluster": cluster,
        "max_connect_attempts": 5,
        "idle_timeout": "0s",
    }
    if sticky:
        config["hash_policy"] = [{"source_ip": {}}]
    return {"name": "envoy.filters.network.tcp_proxy", "typed_config": config}


def udp_proxy(stat: str, cluster: str, *, sticky: bool, only_from: str = "") -> JSON:
    """A listener filter. `only_from` is the network that may ask; what others send is dropped."""
    route = {
        "name": "route",
        "typed_config": {"@type": f"{_PREFIX}extensions.filters.udp.udp_proxy.v3.Route", "cluster": cluster},
    }
    config: JSON = {
        "@type": f"{_PREFIX}extensions.filters.udp.udp_proxy.v3.UdpProxyConfig",
        "stat_prefix": stat,
        "matcher": _only_from(only_from, route) if only_from else {"on_no_match": {"action": route}},
    }
    if sticky:
        config["hash_policies"] = [{"source_ip": True}]
    return {"name": "envoy.filters.udp_listener.udp_proxy", "typed_config": config}


def _only_from(network: str, action: JSON) -> JSON:
    source = f"{_PREFIX}extensions.matching.common_inputs.network.v3.SourceIPInput"
    matcher = {
        "@type": "type.googleapis.com/xds.type.matcher.v3.IPMatcher",
        "range_matchers": [{"ranges": [cidr_range(network)], "on_match": {"action": action}}],
    }
    return {
        "matcher_tree": {
            "input": {"name": "source", "typed_config": {"@type": source}},
            "custom_match": {"name": "network", "typed_config": matcher},
        }
    }
