"""What an ELB is to Envoy: a listener for each port on its two addresses, routes by host and path, certificates. Pure.

Everything that changes without a change of its listener is a resource of its own: routes and certificates are swapped
under open connections.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workloads.kinds.elbannotations import Treatment
from workloads.kinds.sleeping import LONGEST_WAIT
from workloads.meta.keys import Key
from workloads.routing import inside, replies, resources
from workloads.routing.bindings import ANY_HOST, Backend, Bound, Listener, Route
from workloads.routing.certificates import Certificate
from workloads.routing.resources import Resources

JSON = dict[str, Any]

_PREFIX = "type.googleapis.com/envoy."
_HTTP = f"{_PREFIX}extensions.filters.http."
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
ATTEMPTS = 5
UPSTREAM_IDLE = "4s"
"""Shorter than servers keep an idle connection open (Node: 5 s), so that no request meets one that is just closing."""
IDLE = "300s"
_BUFFER = "envoy.filters.http.buffer"
_HOLD = "envoy.filters.http.ext_authz"
_AUTHZ = f"{_HTTP}ext_authz.v3.ExtAuthz"
HELD = "service"
"""What a check says beside the request: the Service's key."""
_BEFORE = "connect-failure,refused-stream,reset-before-request"
_ANYTIME = f"{_BEFORE},reset"
"""Of requests that may be made twice: also when the pod went while it worked."""
_TWICE = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD|OPTIONS|PUT|DELETE"}}}


Aliases = dict[Key, dict[str, set[str]]]
"""Clusters beside a Service's own, by its key and the name of the port's own: they have the same endpoints."""


@dataclass(frozen=True)
class Elb:
    uid: str
    account: str
    address: str
    inside: str
    """Where pods reach it; "" nowhere."""


def render(
    elb: Elb,
    bound: Bound,
    *,
    services: Mapping[tuple[str, str], JSON],
    certificates: Mapping[tuple[str, str], Certificate],
    held: Collection[Key] = (),
) -> tuple[Resources, Aliases]:
    """`services` and `certificates` by (namespace, name), as far as they are there and good. Requests for Services that
    are `held` wait until whoever wakes their workloads lets them go on."""
    found: Resources = {}
    aliases: Aliases = {}
    for listener in bound.listeners:
        maker = _Maker(elb, listener, services, certificates, aliases, held)
        found |= maker.layer_7() if listener.is_http else maker.layer_4()
    return found, aliases


def leads_to(table: JSON, clusters: Collection[str]) -> bool:
    """Whether a route of this table goes to one of these clusters."""
    return any(True for _ in _routes_to(table, clusters))


def buffers(table: JSON, clusters: Collection[str]) -> bool:
    """Whether a route of this table reads whole bodies before it goes on to one of these clusters."""
    return any(_BUFFER in route["typed_per_filter_config"] for route in _routes_to(table, clusters))


def _routes_to(table: JSON, clusters: Collection[str]) -> Iterator[JSON]:
    routes = (route for host in table["virtual_hosts"] for route in host["routes"])
    return (route for route in routes if (route.get("route") or {}).get("cluster") in clusters)


@dataclass
class _Maker:
    elb: Elb
    listener: Listener
    services: Mapping[tuple[str, str], JSON]
    certificates: Mapping[tuple[str, str], Certificate]
    aliases: Aliases
    held: Collection[Key]

    @property
    def name(self) -> str:
        return f"elb/{self.elb.uid}/{self.listener.port}{'/udp' if self.listener.protocol == 'UDP' else ''}"

    def layer_4(self) -> Resources:
        backend = self.listener.backend
        known = self._known(backend) if backend else None
        if known is None:
            return {}
        service, port, cluster = known
        sticky = inside.is_sticky(service)
        if port["protocol"] == "UDP":
            filters = [resources.udp_proxy(self.name, cluster, sticky=sticky)]
            return self._udp({"udp_listener_config": {}, "listener_filters": filters})
        chain = {"filters": [resources.tcp_proxy(self.name, cluster, sticky=sticky)]}
        return self._tcp({"filter_chains": [chain], **resources.KEPT_ALIVE})

    def layer_7(self) -> Resources:
        found: Resources = {}
        hosts = [self._host(host, routes, found) for host, routes in sorted(self.listener.hosts.items())]
        found[resources.ROUTES, self.name] = {
            "name": self.name,
            "virtual_hosts": hosts,
            "ignore_port_in_host_matching": True,
            "validate_clusters": False,
        }
        if self.listener.protocol == "HTTP":
            return found | self._tcp({"filter_chains": [{"filters": [self._manager()]}]})
        return found | self._secured(found)

    # Addresses

    def _tcp(self, config: JSON) -> Resources:
        port = self.listener.port
        listener = {"name": self.name, "address": resources.socket_address(self.elb.address, port), **config}
        if self.elb.inside:
            listener["additional_addresses"] = [{"address": resources.socket_address(self.elb.inside, port)}]
        return {(resources.LISTENER, self.name): listener}

    def _udp(self, config: JSON) -> Resources:
        """Two listeners: one of UDP has one address."""
        found: Resources = {}
        for suffix, address in (("", self.elb.address), ("/inside", self.elb.inside)):
            if address:
                name, place = self.name + suffix, resources.socket_address(address, self.listener.port, "UDP")
                found[resources.LISTENER, name] = {"name": name, "address": place, **config}
        return found

    # Layer 7

    def _secured(self, found: Resources) -> Resources:
        """A filter chain for each certificate. Who names no host that is known is shown the one for any host, else the
        first."""
        hosts: dict[tuple[str, str], list[str]] = {}
        for host, secret in sorted(self.listener.certificates.items()):
            if secret in self.certificates:
                hosts.setdefault(secret, []).append(host)
        if not hosts:
            return {}
        fallback = self.listener.certificates.get(ANY_HOST)
        fallback = fallback if fallback in hosts else next(iter(hosts))
        chains = []
        for secret, names in hosts.items():
            resource = f"{self.elb.account}/{secret[0]}/{secret[1]}"
            found[resources.SECRET, resource] = _secret(resource, self.certificates[secret])
            if named := [name for name in names if name != ANY_HOST]:
                match = {"server_names": named}
                chains.append({"name": resource, "filter_chain_match": match, **self._chain(resource)})
        resource = f"{self.elb.account}/{fallback[0]}/{fallback[1]}"
        inspector = {"@type": f"{_PREFIX}extensions.filters.listener.tls_inspector.v3.TlsInspector"}
        return self._tcp(
            {
                "listener_filters": [{"name": "envoy.filters.listener.tls_inspector", "typed_config": inspector}],
                "filter_chains": chains,
                "default_filter_chain": {"name": "any", **self._chain(resource)},
            }
        )

    def _chain(self, secret: str) -> JSON:
        context = {
            "@type": f"{_PREFIX}extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                "tls_certificate_sds_secret_configs": [{"name": secret, "sds_config": resources.FROM_ADS}],
            },
        }
        socket = {"name": "envoy.transport_sockets.tls", "typed_config": context}
        return {"filters": [self._manager()], "transport_socket": socket}

    def _manager(self) -> JSON:
        config = {
            "@type": f"{_PREFIX}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": self.name,
            "codec_type": "AUTO",
            "rds": {"route_config_name": self.name, "config_source": resources.FROM_ADS},
            "use_remote_address": True,
            "normalize_path": True,
            "server_header_transformation": "PASS_THROUGH",
            "http_protocol_options": {"accept_http_10": True},
            "upgrade_configs": [{"upgrade_type": "websocket"}],
            "common_http_protocol_options": {"idle_timeout": IDLE},
            "stream_idle_timeout": IDLE,
            "local_reply_config": replies.CONFIG,
            "http_filters": _FILTERS,
        }
        return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}

    def _host(self, host: str, routes: Iterable[Route], found: Resources) -> JSON:
        """As Kubernetes orders them: what is exact first, then the longest path. A request for a host that has rules
        and none for its path goes to the default backend, if there is one."""
        own = [route for route in routes if not route.default]
        others = [route for route in self.listener.hosts.get(ANY_HOST, ()) if route.default]
        rendered: list[JSON] = []
        for route in sorted(own, key=lambda one: (not one.exact, -len(one.path), one.path)):
            rendered += self._route(route, found, host=host)
        if host.startswith("*."):
            rendered += [
                one
                for route in self.listener.hosts.get(ANY_HOST, ())
                if not route.default
                for one in self._route(route, found, host="")
            ]
        for route in others:
            rendered += self._route(route, found, host="")
        return {"name": host or "*", "domains": [host or "*"], "routes": rendered}

    def _route(self, route: Route, found: Resources, *, host: str) -> list[JSON]:
        """Two: requests that may be made twice, and the rest."""
        match = _match(route, host)
        if route.backend is None:
            return [{"match": match, "redirect": {"https_redirect": True, "response_code": "PERMANENT_REDIRECT"}}]
        known = self._known(route.backend)
        name = f"{route.backend.namespace}/{route.backend.service}"
        if known is None:
            answer = replies.no_service(route.owner, route.backend)
            return [{"name": name, "match": match, "direct_response": answer, **replies.AS_PAGE}]
        service, port, endpoints = known
        protocol = _protocol(route.treatment, port)
        treatment = replace(route.treatment, protocol=protocol)
        cluster = _cluster(endpoints, treatment, sticky=inside.is_sticky(service))
        found[resources.CLUSTER, cluster["name"]] = cluster
        key = Key(self.elb.account, "Service", route.backend.namespace, route.backend.service)
        self.aliases.setdefault(key, {}).setdefault(endpoints, set()).add(cluster["name"])
        config = _filters(treatment)
        if key in self.held:
            config[_HOLD] = {"@type": f"{_AUTHZ}PerRoute", "check_settings": {"context_extensions": {HELD: str(key)}}}
        routes = []
        for headers, retry_on in (([_TWICE], _ANYTIME), ([], _BEFORE)):
            action = _action(cluster["name"], treatment, retry_on, sticky=inside.is_sticky(service))
            matched = {**match, "headers": [*match.get("headers", ()), *headers]}
            routes.append({"name": name, "match": matched, "route": action, "typed_per_filter_config": config})
        return routes

    def _known(self, backend: Backend) -> tuple[JSON, JSON, str] | None:
        """The Service, its port, and the name of its endpoints."""
        service = self.services.get((backend.namespace, backend.service))
        port = inside.port_of(service, backend.port) if service else None
        if service is None or port is None:
            return None
        key = Key(self.elb.account, "Service", backend.namespace, backend.service)
        return service, port, resources.cluster_name(key, port["port"], port["protocol"])


def _match(route: Route, host: str) -> JSON:
    if route.exact:
        match: JSON = {"path": route.path}
    else:
        match = {"prefix": "/"} if route.path == "/" else {"path_separated_prefix": route.path}
    if host.startswith("*."):
        one_label = rf"[^.]+{re.escape(host[1:])}(:[0-9]+)?"
        match["headers"] = [{"name": ":authority", "string_match": {"safe_regex": {"regex": one_label}}}]
    return match


def _protocol(treatment: Treatment, port: JSON) -> str:
    """The annotation's word, else the Service port's."""
    if treatment.protocol == "http" and port.get("appProtocol") in ("kubernetes.io/h2c", "grpc"):
        return "http2"
    return treatment.protocol


def _cluster(endpoints: str, treatment: Treatment, *, sticky: bool) -> JSON:
    """Of a Service's port as this treatment speaks to it."""
    http2 = treatment.protocol in ("http2", "grpc")
    name = f"{endpoints}/{'http2' if http2 else 'http'}"
    explicit: JSON = {"http2_protocol_options": {}} if http2 else {"http_protocol_options": {}}
    options = {
        "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
        "common_http_protocol_options": {"idle_timeout": UPSTREAM_IDLE},
        "explicit_http_config": explicit,
    }
    more: JSON = {"typed_extension_protocol_options": {_HTTP_OPTIONS: options}}
    if treatment.health_path:
        name = f"{name}{treatment.health_path}"
        check = {"path": treatment.health_path, "codec_client_type": "HTTP2" if http2 else "HTTP1"}
        more["health_checks"] = [
            {
                "timeout": "1s",
                "interval": "2s",
                "no_traffic_interval": "2s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": check,
            }
        ]
    return resources.cluster(name, sticky=sticky, **more)


def _action(cluster: str, treatment: Treatment, retry_on: str, *, sticky: bool) -> JSON:
    predicate = {"@type": f"{_PREFIX}extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"}
    action: JSON = {
        "cluster": cluster,
        "timeout": f"{treatment.timeout_seconds:g}s",
        "retry_policy": {
            "retry_on": retry_on,
            "num_retries": ATTEMPTS,
            "retry_host_predicate": [{"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": predicate}],
            "host_selection_retry_max_attempts": 3,
            "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.250s"},
        },
    }
    if sticky:
        action["hash_policy"] = [{"connection_properties": {"source_ip": True}}]
    return action


def _filters(treatment: Treatment) -> JSON:
    """What this route asks of the filters that all listeners have and that do nothing by themselves."""
    found: JSON = {}
    if treatment.body_bytes:
        buffer = {"max_request_bytes": treatment.body_bytes}
        found[_BUFFER] = {"@type": f"{_HTTP}buffer.v3.BufferPerRoute", "buffer": buffer}
    if rate := treatment.requests_per_second:
        always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
        retry = {"header": {"key": "Retry-After", "value": "1"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        found["envoy.filters.http.local_ratelimit"] = {
            "@type": f"{_HTTP}local_ratelimit.v3.LocalRateLimit",
            "stat_prefix": "rate",
            "token_bucket": {"max_tokens": rate, "tokens_per_fill": rate, "fill_interval": "1s"},
            "filter_enabled": always,
            "filter_enforced": always,
            "response_headers_to_add": [retry],
        }
    return found


def _secret(name: str, certificate: Certificate) -> JSON:
    parts = {
        "certificate_chain": {"inline_string": certificate.chain},
        "private_key": {"inline_string": certificate.key},
    }
    return {"name": name, "tls_certificate": parts}


_FILTERS = [
    {
        "name": "envoy.filters.http.local_ratelimit",
        "typed_config": {"@type": f"{_HTTP}local_ratelimit.v3.LocalRateLimit", "stat_prefix": "rate"},
    },
    {
        "name": _HOLD,
        "typed_config": {
            "@type": _AUTHZ,
            "grpc_service": {"envoy_grpc": {"cluster_name": resources.TRAFFIC}, "timeout": f"{LONGEST_WAIT + 5}s"},
            "transport_api_version": "V3",
            "failure_mode_allow": True,
            "stat_prefix": "hold",
        },
        "disabled": True,
    },
    {
        "name": _BUFFER,
        "typed_config": {"@type": f"{_HTTP}buffer.v3.Buffer", "max_request_bytes": 1024},
        "disabled": True,
    },
    {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{_HTTP}router.v3.Router"}},
]
