"""ELB (`networking.cci.io/v1beta1`): an address of the account's own, at which its workloads are reached from outside.

An ELB has no ports of its own to configure: Services of type LoadBalancer and Ingresses bring their listeners along
(`routing.bindings` says which of them share one). It stays when they go, so that its address stays.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

from workloads.kinds import ips, objectmeta, schemas
from workloads.kinds.base import Column, Facts, Kind
from workloads.kinds.columns import AGE, NAME, NONE
from workloads.kinds.registry import register
from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]

NAME_OF_DEFAULT = "default"
"""Of the ELB that is made for the first workload that names none."""
INSIDE = IPv4Network("10.247.240.0/20")
"""Where pods reach ELBs: the end of the Services' range, an address for each of the pool. No Service may have one."""
MOST = INSIDE.num_addresses - 2
ACTIVE, PENDING, REJECTED = "Active", "Pending", "Rejected"
PROXY = "proxy"
"""Of a status: what Envoy has said, {"serves": ["80", "53/udp"], "rejected": "why"}."""
_CHOSEN_ONCE = "field is immutable: it is the address people know; delete the ELB and create another"


def addresses(pool: IPv4Network) -> range:
    """All that ELBs may have of `pool`, as numbers: its hosts, as many as there are addresses inside."""
    first, last = int(pool.network_address), int(pool.broadcast_address)
    if pool.num_addresses > 2:
        first, last = first + 1, last - 1
    return range(first, min(last, first + MOST - 1) + 1)


def inside(address: str, pool: IPv4Network) -> str:
    """The address in the Services' range under which pods reach the ELB that has `address` outside."""
    return str(INSIDE.network_address + 1 + (int(IPv4Address(address)) - addresses(pool).start))


def address_of(elb: JSON) -> str:
    return str(elb["spec"].get("address", ""))


def default(obj: JSON) -> None:
    obj.setdefault("spec", {})


def prepare(obj: JSON, old: JSON | None) -> None:
    """An update that leaves the address out keeps it."""
    if old is None:
        obj["status"] = {"state": PENDING}
    elif not obj["spec"].get("address"):
        obj["spec"]["address"] = address_of(old)


def validate(obj: JSON, old: JSON | None) -> list[Cause]:
    found = objectmeta.validate(obj, name_rule=names.dns_label)
    address = address_of(obj)
    if address and not isinstance(ips.parsed(address), IPv4Address):
        found.append(causes.invalid("spec.address", address, "must be an IPv4 address, such as 127.77.0.5"))
    if old is not None and address != address_of(old):
        found.append(causes.invalid("spec.address", address, _CHOSEN_ONCE))
    return found


def state_of(obj: JSON) -> str:
    """As Envoy has it: Active is an ELB of which it has taken every listener."""
    status = obj.get("status") or {}
    if status.get("state") != ACTIVE:
        return str(status.get("state", ""))
    if rejection(obj):
        return REJECTED
    return PENDING if unserved(obj) else ACTIVE


def rejection(obj: JSON) -> str:
    """Why Envoy would not have it as it is, and goes on with what it had; "" while it does."""
    return str(((obj.get("status") or {}).get(PROXY) or {}).get("rejected", ""))


def listener_name(port: int, protocol: str) -> str:
    """As the proxy's word names it: `80`, `53/udp`."""
    return f"{port}/udp" if protocol == "UDP" else str(port)


def unserved(obj: JSON) -> list[str]:
    """The listeners that are decided and that Envoy has not taken: `80`, `53/udp`."""
    status = obj.get("status") or {}
    serves = (status.get(PROXY) or {}).get("serves") or ()
    decided = (listener_name(one["port"], one["protocol"]) for one in status.get("listeners") or ())
    return [one for one in decided if one not in serves]


def _listeners(obj: JSON) -> str:
    told = (obj.get("status") or {}).get("listeners") or ()
    return ",".join(f"{one['port']}/{one['protocol']}" for one in told) or NONE


_PREFIX = "io.cci.networking.v1beta1."
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."


def _text(description: str) -> JSON:
    return {"type": "string", "description": description}


def _number(description: str) -> JSON:
    return {"type": "integer", "format": "int32", "description": description}


def _list(of: JSON, description: str) -> JSON:
    return {"type": "array", "items": of, "description": description}


schemas.define(
    f"{_PREFIX}ELBSpec",
    {
        "description": "ELBSpec is what an ELB is asked to be.",
        "type": "object",
        "properties": {
            "address": _text("Its address, of the installation's pool. Left out, a free one is taken. Chosen once."),
        },
    },
)
schemas.define(
    f"{_PREFIX}ELBReference",
    {
        "description": "ELBReference names a Service or an Ingress.",
        "type": "object",
        "properties": {
            "kind": _text("Service or Ingress."),
            "namespace": _text("The namespace it is in."),
            "name": _text("Its name."),
        },
    },
)
schemas.define(
    f"{_PREFIX}ELBListener",
    {
        "description": "ELBListener is a port on which an ELB answers, and for whom.",
        "type": "object",
        "properties": {
            "port": _number("The port."),
            "protocol": _text("TCP, UDP, HTTP or HTTPS."),
            "workloads": _list(
                {"$ref": f"#/$defs/{_PREFIX}ELBReference"}, "The Services and Ingresses that are reached here."
            ),
            "certificates": _list(
                {"type": "string"}, "The Secrets whose certificates are shown, as namespace/name, of HTTPS alone."
            ),
        },
    },
)
schemas.define(
    f"{_PREFIX}ELBProblem",
    {
        "description": "ELBProblem is why a Service or an Ingress that chose the ELB is not, or not wholly, served.",
        "type": "object",
        "properties": {
            "workload": {"$ref": f"#/$defs/{_PREFIX}ELBReference", "description": "Whose problem it is."},
            "reason": _text("The reason of the Event that tells of it."),
            "message": _text("What is wrong, for people."),
        },
    },
)
schemas.define(
    f"{_PREFIX}ELBProxy",
    {
        "description": "ELBProxy is what the proxy has of an ELB.",
        "type": "object",
        "properties": {
            "serves": _list({"type": "string"}, "The listeners it has taken: 80, 53/udp."),
            "rejected": _text("Why it would not have the newest; it goes on with what it had."),
        },
    },
)
schemas.define(
    f"{_PREFIX}ELBStatus",
    {
        "description": "ELBStatus is what an ELB does now.",
        "type": "object",
        "properties": {
            "state": _text(f"{ACTIVE}, or {PENDING} until its address and listeners are decided."),
            "message": _text("Why it is in this state, for people."),
            "internalAddress": _text("Where pods reach it."),
            "listeners": _list({"$ref": f"#/$defs/{_PREFIX}ELBListener"}, "The ports on which it answers."),
            "problems": _list({"$ref": f"#/$defs/{_PREFIX}ELBProblem"}, "What it was asked to serve and does not."),
            PROXY: {"$ref": f"#/$defs/{_PREFIX}ELBProxy", "description": "What the proxy has said of it."},
            "observedGeneration": {"type": "integer", "format": "int64", "description": "The generation acted upon."},
        },
    },
)
SCHEMA = schemas.define(
    f"{_PREFIX}ELB",
    {
        "description": "ELB is an address at which an account's workloads are reached from outside.",
        "type": "object",
        "properties": {
            "apiVersion": _text("The versioned schema of this representation of an object."),
            "kind": _text("The REST resource this object represents."),
            "metadata": {"$ref": f"#/$defs/{_META}ObjectMeta", "description": "Standard object's metadata."},
            "spec": {"$ref": f"#/$defs/{_PREFIX}ELBSpec", "description": "What is asked for."},
            "status": {"$ref": f"#/$defs/{_PREFIX}ELBStatus", "description": "What it does now."},
        },
        "x-kubernetes-group-version-kind": [{"group": "networking.cci.io", "kind": "ELB", "version": "v1beta1"}],
    },
)

KIND = register(
    Kind(
        name="ELB",
        plural="elbs",
        group="networking.cci.io",
        version="v1beta1",
        schema=SCHEMA,
        singular="elb",
        namespaced=False,
        subresources=("status",),
        columns=(
            NAME,
            Column("Address", lambda obj, now: address_of(obj) or NONE, description="Where it is reached"),
            Column("State", lambda obj, now: state_of(obj), description=f"{ACTIVE}, {PENDING} or {REJECTED}"),
            Column("Listeners", lambda obj, now: _listeners(obj), description="The ports on which it answers"),
            AGE,
            Column(
                "Inside",
                lambda obj, now: (obj.get("status") or {}).get("internalAddress", ""),
                priority=1,
                description="Where pods reach it",
            ),
        ),
        default=default,
        validate=validate,
        prepare=prepare,
        facts=lambda obj: Facts(phase=state_of(obj), node=address_of(obj)),
    )
)
