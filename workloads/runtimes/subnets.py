"""Which subnet a network gets when the one it asks for is taken on this host. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network


class NoRoom(ValueError):
    """Every subnet of that size overlaps one in use."""


def free_subnet(wanted: str, taken: Iterable[str], *, pool: str = "10.248.0.0/14") -> str:
    """`wanted` when nothing overlaps it; else the next free one of its size, upwards through its private range, then
    through `pool`. Services own 10.247.0.0/16 and never lose it."""
    subnet = IPv4Network(wanted, strict=False)
    used = [IPv4Network(cidr, strict=False) for cidr in taken if ":" not in cidr]
    used.append(IPv4Network("10.247.0.0/16"))
    for candidate in _candidates(subnet, IPv4Network(pool)):
        if not any(candidate.overlaps(other) for other in used):
            return str(candidate)
    raise NoRoom(f"no free subnet of the size of {wanted} is left on this host")


def routed(table: str) -> list[str]:
    """The subnets the host routes somewhere, from the text of `/proc/net/route`; not the default route."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        address, mask = (int.from_bytes(bytes.fromhex(fields[column]), "little") for column in (1, 7))
        if mask:
            found.append(f"{IPv4Address(address)}/{mask.bit_count()}")
    return found


def _candidates(subnet: IPv4Network, pool: IPv4Network) -> Iterable[IPv4Network]:
    yield subnet
    size = subnet.num_addresses
    for around in (_private_range(subnet), pool):
        start, end = int(around.network_address), int(around.broadcast_address)
        first = int(subnet.network_address) + size if subnet.subnet_of(around) else start
        for address in range(first, end - size + 2, size):
            yield IPv4Network((address, subnet.prefixlen))


def _private_range(subnet: IPv4Network) -> IPv4Network:
    """The RFC 1918 block it lies in, else the subnet itself."""
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"):
        if subnet.subnet_of(IPv4Network(block)):
            return IPv4Network(block)
    return subnet
