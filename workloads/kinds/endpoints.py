"""Endpoints: who is behind a Service, in the old form. The controller of endpoints writes them for Services with a
selector; people write them for Services without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workloads.kinds import ips, objectmeta
from workloads.kinds.base import Column, Kind
from workloads.kinds.columns import AGE, NAME, NONE
from workloads.kinds.registry import register
from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]

PROTOCOLS = ("SCTP", "TCP", "UDP")
_SHOWN = 3


def default(obj: JSON) -> None:
    for subset in obj.get("subsets") or ():
        for port in subset.get("ports") or ():
            port["protocol"] = port.get("protocol") or "TCP"


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    found = objectmeta.validate(obj)
    for index, subset in enumerate(obj.get("subsets") or []):
        found += _subset(subset, f"subsets[{index}]")
    return found


def _subset(subset: JSON, field: str) -> list[Cause]:
    ready, unready = subset.get("addresses") or [], subset.get("notReadyAddresses") or []
    found = []
    if not ready and not unready:
        found.append(causes.required(field, "must specify `addresses` or `notReadyAddresses`"))
    for part, listed in (("addresses", ready), ("notReadyAddresses", unready)):
        for index, address in enumerate(listed):
            found += _address(address, f"{field}.{part}[{index}]")
    ports = subset.get("ports") or []
    for index, port in enumerate(ports):
        found += _port(port, f"{field}.ports[{index}]", must_be_named=len(ports) > 1)
    return found


def _address(address: JSON, field: str) -> list[Cause]:
    found = ips.endpoint_causes(address.get("ip", ""), f"{field}.ip")
    if name := address.get("hostname"):
        found += [causes.invalid(f"{field}.hostname", name, text) for text in names.dns_label(name)]
    if node := address.get("nodeName"):
        found += [causes.invalid(f"{field}.nodeName", node, text) for text in names.dns_subdomain(node)]
    return found


def _port(port: JSON, field: str, *, must_be_named: bool) -> list[Cause]:
    name, number = port.get("name", ""), port.get("port", 0)
    found = [causes.invalid(f"{field}.name", name, text) for text in names.dns_label(name)] if name else []
    if must_be_named and not name:
        found.append(causes.required(f"{field}.name"))
    found += [causes.invalid(f"{field}.port", number, text) for text in names.port_number(number)]
    if port["protocol"] not in PROTOCOLS:
        found.append(causes.unsupported(f"{field}.protocol", port["protocol"], PROTOCOLS))
    if said := port.get("appProtocol"):
        found += [causes.invalid(f"{field}.appProtocol", said, text) for text in names.qualified_name(said)]
    return found


def _shown(obj: JSON) -> str:
    """As kubectl's printer: three of them, of those that are ready."""
    subsets = obj.get("subsets") or []
    if not subsets:
        return NONE
    found = list(_places(subsets))
    more = len(found) - _SHOWN
    text = ",".join(found[:_SHOWN])
    return f"{text} + {more} more..." if more > 0 else text


def _places(subsets: list[JSON]) -> Iterator[str]:
    for subset in subsets:
        addresses = [address["ip"] for address in subset.get("addresses") or ()]
        if not subset.get("ports"):
            yield from addresses
        for port in subset.get("ports") or ():
            yield from (f"[{ip}]:{port['port']}" if ":" in ip else f"{ip}:{port['port']}" for ip in addresses)


KIND = register(
    Kind(
        name="Endpoints",
        plural="endpoints",
        group="",
        version="v1",
        schema="io.k8s.api.core.v1.Endpoints",
        made_by_update=True,
        singular="endpoints",
        short_names=("ep",),
        columns=(
            NAME,
            Column("Endpoints", lambda obj, now: _shown(obj), description="Addresses and ports that are ready."),
            AGE,
        ),
        default=default,
        validate=validate,
        has_generation=False,
        deprecation="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    )
)
