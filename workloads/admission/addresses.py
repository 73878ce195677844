"""Addresses that are unique in the installation: of Services (10.247.0.0/16) and of ELBs (CCI_ELB_POOL).

An address is taken by its object's own row: the store keeps it in a column, and whoever writes asks inside the write's
transaction whether another row has it. So two creates cannot both take one, and an address is free again at the very
moment its object is gone.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from django.conf import settings

from workloads.kinds import elbs, services
from workloads.kinds.base import Kind
from workloads.kinds.networks import SERVICES
from workloads.kinds.servicespecs import LAST, RESERVED
from workloads.meta import causes
from workloads.meta.errors import Invalid, Unavailable
from workloads.store import objects
from workloads.store.objects import Guard

JSON = dict[str, Any]

_FIRST = 256
"""Chosen addresses of Services begin here: those below are for people who ask for one, as upstream keeps a band."""


@dataclass(frozen=True)
class _Range:
    """Where a kind's addresses come from. `ranges` are tried one after the other."""

    field: str
    address_of: Callable[[JSON], str]
    give: Callable[[JSON, str], None]
    ranges: Callable[[], Sequence[range]]
    exhausted: str


def settle(kind: Kind, obj: JSON, old: JSON | None) -> tuple[Guard, ...]:
    """Gives an object that needs an address one, in place. Raises Invalid for one outside the pool. The guard raises
    Invalid when one that was asked for is taken, and Stale (choose again) when a chosen one was taken meanwhile."""
    place = _RANGES.get(kind.name)
    if place is None or not _needs_one(kind, obj):
        return ()
    asked = place.address_of(obj)
    if old is not None and asked and asked == place.address_of(old):
        return ()
    if asked and kind.name == elbs.KIND.name:
        _check_pool(obj, asked)
    place.give(obj, asked or _free(kind.name, place))
    return (_guard(kind, place, obj, asked=bool(asked)),)


def _needs_one(kind: Kind, obj: JSON) -> bool:
    return kind.name != services.KIND.name or (services.has_address(obj["spec"]) and not services.is_headless(obj))


def _guard(kind: Kind, place: _Range, obj: JSON, *, asked: bool) -> Guard:
    address, uid = place.address_of(obj), obj["metadata"]["uid"]

    def guard() -> None:
        if not objects.is_placed(kind.name, address, but=uid):
            return
        if not asked:
            raise objects.Stale(f"{address} was taken meanwhile")
        rule = f"failed to allocate IP {address}: provided IP is already allocated"
        value = [address] if place.field.endswith("s") else address
        raise _invalid(kind.name, obj, causes.invalid(place.field, value, rule), group=kind.group)

    return guard


def _free(kind: str, place: _Range) -> str:
    """One that nobody has now. Raises Unavailable when all are taken."""
    taken = objects.places(kind)
    for some in place.ranges():
        start = secrets.randbelow(len(some)) if some else 0
        for step in range(len(some)):
            address = str(IPv4Address(some[(start + step) % len(some)]))
            if address not in taken:
                return address
    raise Unavailable(place.exhausted)


def _services() -> tuple[range, range]:
    first = int(SERVICES.network_address)
    return range(first + _FIRST, int(LAST) + 1), range(first + RESERVED, first + _FIRST)


def _elbs() -> tuple[range]:
    return (elbs.addresses(_pool()),)


def _give_elb(elb: JSON, address: str) -> None:
    elb["spec"]["address"] = address
    elb["status"] = {**(elb.get("status") or {}), "internalAddress": elbs.inside(address, _pool())}


def _check_pool(elb: JSON, asked: str) -> None:
    pool = _pool()
    if int(IPv4Address(asked)) not in elbs.addresses(pool):
        rule = f"is not one of this installation's addresses ({pool}); leave it out to be given one"
        raise _invalid("ELB", elb, causes.invalid("spec.address", asked, rule), group=elbs.KIND.group)


def _pool() -> IPv4Network:
    pool: IPv4Network | None = settings.ELB_POOL
    if pool is None:
        raise Unavailable("this installation has no ELBs: its operator set CCI_ELB_POOL to none")
    return pool


def _invalid(kind: str, obj: JSON, cause: Any, *, group: str) -> Invalid:
    return Invalid.of(kind, obj["metadata"]["name"], (cause,), group=group)


_RANGES = {
    services.KIND.name: _Range(
        field="spec.clusterIPs",
        address_of=services.address_of,
        give=services.set_address,
        ranges=_services,
        exhausted=f"all addresses of {SERVICES} are taken: delete Services that nobody needs",
    ),
    elbs.KIND.name: _Range(
        field="spec.address",
        address_of=elbs.address_of,
        give=_give_elb,
        ranges=_elbs,
        exhausted="all addresses for ELBs are taken: delete ELBs that nobody needs, or widen CCI_ELB_POOL",
    ),
}
