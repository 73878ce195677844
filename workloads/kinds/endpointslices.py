"""EndpointSlice (discovery.k8s.io/v1): some of those who are behind a Service. The controller of endpoints writes them;
people may write some of their own for Services without a selector."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from workloads.kinds import ips, objectmeta
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME
from workloads.kinds.endpoints import PROTOCOLS
from workloads.kinds.registry import register
from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
FROM_PODS = "endpointslice-controller.k8s.io"
"""Who writes those of Services with a selector."""
MOST_ENDPOINTS, MOST_ADDRESSES, MOST_PORTS = 1000, 100, 20000
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_SHOWN = 3


def is_of_pods(slice: JSON) -> bool:
    """Whether it repeats what pods say of themselves; others say what their writers want."""
    return bool((slice["metadata"].get("labels") or {}).get(MANAGED_BY) == FROM_PODS)


def default(obj: JSON) -> None:
    for port in obj.get("ports") or ():
        port.setdefault("name", "")
        port["protocol"] = port.get("protocol") or "TCP"
    obj["endpoints"] = obj.get("endpoints") or []


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    found, type = objectmeta.validate(obj), obj.get("addressType", "")
    if not type:
        found.append(causes.required("addressType"))
    elif type not in ADDRESS_TYPES:
        found.append(causes.unsupported("addressType", type, ADDRESS_TYPES))
    elif old is not None and type != old["addressType"]:
        found.append(causes.immutable("addressType", type))
    if len(obj["endpoints"]) > MOST_ENDPOINTS:
        return [*found, causes.too_many("endpoints", len(obj["endpoints"]), MOST_ENDPOINTS)]
    for index, endpoint in enumerate(obj["endpoints"]):
        found += _endpoint(endpoint, f"endpoints[{index}]", type)
    return found + _ports(obj.get("ports") or [])


def _endpoint(endpoint: JSON, field: str, type: str) -> list[Cause]:
    addresses = endpoint.get("addresses") or []
    found = []
    if not addresses:
        found.append(causes.required(f"{field}.addresses", "must contain at least 1 address"))
    if len(addresses) > MOST_ADDRESSES:
        found.append(causes.too_many(f"{field}.addresses", len(addresses), MOST_ADDRESSES))
    for index, address in enumerate(addresses[:MOST_ADDRESSES]):
        found += _address(address, f"{field}.addresses[{index}]", type)
    if name := endpoint.get("hostname"):
        found += [causes.invalid(f"{field}.hostname", name, text) for text in names.dns_label(name)]
    if node := endpoint.get("nodeName"):
        found += [causes.invalid(f"{field}.nodeName", node, text) for text in names.dns_subdomain(node)]
    return found


def _address(address: str, field: str, type: str) -> list[Cause]:
    if type == "FQDN":
        return [causes.invalid(field, address, text) for text in names.dns_subdomain(address)]
    parsed = ips.parsed(address)
    if parsed is not None and type in ("IPv4", "IPv6") and isinstance(parsed, IPv4Address) != (type == "IPv4"):
        return [causes.invalid(field, address, f"must be an {type} address")]
    return ips.endpoint_causes(address, field)


def _ports(ports: list[JSON]) -> list[Cause]:
    if len(ports) > MOST_PORTS:
        return [causes.too_many("ports", len(ports), MOST_PORTS)]
    found: list[Cause] = []
    seen = set[str]()
    for index, port in enumerate(ports):
        field, name = f"ports[{index}]", port["name"]
        found += [causes.invalid(f"{field}.name", name, text) for text in names.dns_label(name)] if name else []
        if name in seen:
            found.append(causes.duplicate(f"{field}.name", name))
        seen.add(name)
        if port["protocol"] not in PROTOCOLS:
            found.append(causes.unsupported(f"{field}.protocol", port["protocol"], PROTOCOLS))
        if "port" in port:
            found += [causes.invalid(f"{field}.port", port["port"], text) for text in names.port_number(port["port"])]
        if said := port.get("appProtocol"):
            found += [causes.invalid(f"{field}.appProtocol", said, text) for text in names.qualified_name(said)]
    return found


def _some(found: list[str]) -> str:
    more = len(found) - _SHOWN
    text = ",".join(found[:_SHOWN]) or "<unset>"
    return f"{text} + {more} more..." if more > 0 else text


def _endpoints_cell(obj: JSON) -> str:
    return _some([address for endpoint in obj["endpoints"] for address in endpoint.get("addresses") or ()])


def _ports_cell(obj: JSON) -> str:
    return _some([str(port.get("port", "*")) for port in obj.get("ports") or ()])


KIND = register(
    Kind(
        name="EndpointSlice",
        plural="endpointslices",
        group="discovery.k8s.io",
        version="v1",
        schema="io.k8s.api.discovery.v1.EndpointSlice",
        singular="endpointslice",
        columns=(
            NAME,
            Column("AddressType", lambda obj, now: obj["addressType"], description="IPv4, IPv6 or FQDN."),
            Column("Ports", lambda obj, now: _ports_cell(obj)),
            Column("Endpoints", lambda obj, now: _endpoints_cell(obj)),
            AGE,
        ),
        default=default,
        validate=validate,
    )
)
