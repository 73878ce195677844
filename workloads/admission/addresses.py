"""The address of a Service, from 10.247.0.0/16, unique in the installation.

An address is taken by the Service's own row: the store keeps it in a column, and whoever writes asks inside the write's
transaction whether another row has it. So two creates cannot both take one, and an address is free again at the very
moment its Service is gone.
"""

from __future__ import annotations

import secrets
from ipaddress import IPv4Address
from typing import Any

from workloads.kinds import services
from workloads.kinds.base import Kind
from workloads.kinds.networks import SERVICES
from workloads.kinds.servicespecs import RESERVED
from workloads.meta import causes
from workloads.meta.errors import Invalid, Unavailable
from workloads.store import objects
from workloads.store.objects import Guard

JSON = dict[str, Any]

_KIND = "Service"
_FIRST = 256
"""Chosen addresses begin here: those below are for people who ask for one, as upstream keeps a band for them."""


def settle(kind: Kind, obj: JSON, old: JSON | None) -> tuple[Guard, ...]:
    """Gives a Service that needs an address one, in place. The guard raises Invalid when one that was asked for is
    taken, and Stale (choose again) when a chosen one was taken meanwhile."""
    if kind.name != _KIND or not services.has_address(obj["spec"]) or services.is_headless(obj):
        return ()
    asked = services.address_of(obj)
    if old is not None and asked and asked == services.address_of(old):
        return ()
    if not asked:
        services.set_address(obj, _free())
    address, uid = services.address_of(obj), obj["metadata"]["uid"]

    def guard() -> None:
        if not objects.is_placed(_KIND, address, but=uid):
            return
        if not asked:
            raise objects.Stale(f"{address} was taken meanwhile")
        rule = f"failed to allocate IP {address}: provided IP is already allocated"
        cause = causes.invalid("spec.clusterIPs", [address], rule)
        raise Invalid.of(_KIND, obj["metadata"]["name"], (cause,))

    return (guard,)


def _free() -> str:
    """One that nobody has now. Raises Unavailable when all are taken."""
    taken = objects.places(_KIND)
    first, last = int(SERVICES.network_address) + _FIRST, int(SERVICES.broadcast_address) - 1
    size = last - first + 1
    start = secrets.randbelow(size)
    for step in range(size):
        address = str(IPv4Address(first + (start + step) % size))
        if address not in taken:
            return address
    below = (str(SERVICES.network_address + number) for number in range(RESERVED, _FIRST))
    if left := next((address for address in below if address not in taken), None):
        return left
    raise Unavailable(f"all addresses of {SERVICES} are taken: delete Services that nobody needs")
