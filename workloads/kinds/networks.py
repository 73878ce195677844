"""Network (`networking.cci.io/v1beta1`): the subnet a namespace's pods get their addresses from. Chosen once."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Network
from typing import Any

from workloads.kinds import objectmeta, schemas
from workloads.kinds.base import Column, Facts, Kind
from workloads.kinds.columns import AGE, NAME
from workloads.kinds.registry import register
from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]

NETWORK_TYPE = "underlay_neutron"
SERVICES = IPv4Network("10.247.0.0/16")
PRIVATE = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
LARGEST_PREFIX_LENGTH, SMALLEST_PREFIX_LENGTH = 28, 16
RESERVED_ADDRESSES = 6
MAX_DNS_SERVERS = 2
_CHOSEN_ONCE = "field is immutable; delete the namespace and request a new one"
STATES = ("Initializing", "Pending", "Active", "Failed")


def free_addresses(cidr: str) -> int:
    """How many pods a subnet has addresses for: 2^(32 - prefix) - 6. Raises ValueError when `cidr` is not one."""
    return max(0, IPv4Network(cidr).num_addresses - RESERVED_ADDRESSES)


def cidr_problem(cidr: str) -> str:
    """What is wrong with `cidr` as a subnet, as a sentence; "" when nothing is."""
    try:
        loose = IPv4Network(cidr, strict=False)
    except ValueError:
        return "must be an IPv4 range such as 192.168.0.0/24"
    if "/" not in cidr or str(loose) != cidr:
        return f"must be the range's first address and its prefix length: did you mean {loose}?"
    if loose.overlaps(SERVICES):
        return f"overlaps {SERVICES}, which belongs to Services; choose another range, such as 192.168.0.0/24"
    if not any(loose.subnet_of(private) for private in PRIVATE):
        return f"must lie in a private range: {', '.join(str(private) for private in PRIVATE)}"
    if not SMALLEST_PREFIX_LENGTH <= loose.prefixlen <= LARGEST_PREFIX_LENGTH:
        return f"the prefix length must be from {SMALLEST_PREFIX_LENGTH} to {LARGEST_PREFIX_LENGTH}"
    return ""


def default(obj: JSON) -> None:
    obj.setdefault("spec", {}).setdefault("networkType", NETWORK_TYPE)


def prepare(obj: JSON, old: JSON | None) -> None:
    if old is None:
        obj["status"] = {"state": "Initializing"}


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    found = objectmeta.validate(obj, name_rule=names.dns_label)
    spec = obj["spec"]
    if spec["networkType"] != NETWORK_TYPE:
        found.append(causes.unsupported("spec.networkType", spec["networkType"], (NETWORK_TYPE,)))
    if "cidr" in spec and (problem := cidr_problem(spec["cidr"])):
        found.append(causes.invalid("spec.cidr", spec["cidr"], problem))
    found += _dns_causes(spec.get("dnsServers") or [])
    if old is not None and spec != old["spec"]:
        found += [
            causes.invalid(f"spec.{name}", spec.get(name), _CHOSEN_ONCE)
            for name in sorted(spec.keys() | old["spec"].keys())
            if spec.get(name) != old["spec"].get(name)
        ]
    return found


def _dns_causes(servers: list[str]) -> list[Cause]:
    found = []
    if len(servers) > MAX_DNS_SERVERS:
        found.append(causes.too_many("spec.dnsServers", len(servers), MAX_DNS_SERVERS))
    for index, server in enumerate(servers):
        try:
            ipaddress.IPv4Address(server)
        except ValueError:
            rule = "must be the IPv4 address of a DNS server, such as 192.168.0.2"
            found.append(causes.invalid(f"spec.dnsServers[{index}]", server, rule))
    return found


def _state(obj: JSON) -> str:
    return str((obj.get("status") or {}).get("state", ""))


def _cidr(obj: JSON) -> str:
    """The range in use, which may be another than was asked for."""
    return str((obj.get("status") or {}).get("cidr") or obj["spec"].get("cidr", ""))


_PREFIX = "io.cci.networking.v1beta1."
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."


def _text(description: str) -> JSON:
    return {"type": "string", "description": description}


schemas.define(
    f"{_PREFIX}NetworkSpec",
    {
        "description": "NetworkSpec is the subnet a namespace asks for. It cannot be changed afterwards.",
        "type": "object",
        "properties": {
            "attachedVPC": _text("The VPC the subnet belongs to."),
            "availableZone": _text("The zone of the subnet. Recorded; a region here is one zone."),
            "cidr": _text("The subnet's range, such as 192.168.0.0/24. Left out, the next free range is taken."),
            "dnsServers": {
                "type": "array",
                "items": {"type": "string"},
                "description": "DNS servers of the subnet, at most 2.",
            },
            "networkID": _text("The network of the subnet in the VPC."),
            "networkType": _text("underlay_neutron, the only type there is."),
            "subnetID": _text("The subnet in the VPC."),
        },
    },
)
schemas.define(
    f"{_PREFIX}NetworkStatus",
    {
        "description": "NetworkStatus is how far the subnet has come.",
        "type": "object",
        "properties": {
            "cidr": _text("The range in use; another than spec.cidr when that was taken on this host."),
            "message": _text("Why the network is in this state, for people."),
            "observedGeneration": {"type": "integer", "format": "int64", "description": "The generation acted upon."},
            "state": _text(f"One of {', '.join(STATES)}."),
        },
    },
)
SCHEMA = schemas.define(
    f"{_PREFIX}Network",
    {
        "description": "Network gives the pods of a namespace their addresses.",
        "type": "object",
        "properties": {
            "apiVersion": _text("The versioned schema of this representation of an object."),
            "kind": _text("The REST resource this object represents."),
            "metadata": {"$ref": f"#/$defs/{_META}ObjectMeta", "description": "Standard object's metadata."},
            "spec": {"$ref": f"#/$defs/{_PREFIX}NetworkSpec", "description": "The subnet asked for."},
            "status": {"$ref": f"#/$defs/{_PREFIX}NetworkStatus", "description": "The subnet as it is."},
        },
        "x-kubernetes-group-version-kind": [{"group": "networking.cci.io", "kind": "Network", "version": "v1beta1"}],
    },
)

KIND = register(
    Kind(
        name="Network",
        plural="networks",
        group="networking.cci.io",
        version="v1beta1",
        schema=SCHEMA,
        singular="network",
        short_names=("net",),
        subresources=("status",),
        columns=(
            NAME,
            Column("State", lambda obj, now: _state(obj), description="Initializing, Pending, Active or Failed"),
            Column("CIDR", lambda obj, now: _cidr(obj), description="The range in use"),
            AGE,
            Column("VPC", lambda obj, now: obj["spec"].get("attachedVPC", ""), priority=1),
            Column("Message", lambda obj, now: (obj.get("status") or {}).get("message", ""), priority=1),
        ),
        default=default,
        validate=validate,
        prepare=prepare,
        facts=lambda obj: Facts(phase=_state(obj)),
        field_selectors={"status.state": _state},
    )
)
