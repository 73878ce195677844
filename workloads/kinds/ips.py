"""IP addresses in manifests: how they are read, and which of them nobody may send traffic to. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from workloads.meta import causes
from workloads.meta.errors import Cause

RULE = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_LINK_LOCAL_MULTICAST = (ip_network("224.0.0.0/24"), ip_network("ff02::/10", strict=False))


def parsed(text: str) -> IPv4Address | IPv6Address | None:
    """None when `text` is no address; one with a zone (`fe80::1%eth0`) is none."""
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def problem(text: str) -> str:
    """As a sentence; "" when `text` is an address."""
    return "" if parsed(text) else RULE


def endpoint_causes(text: str, field: str) -> list[Cause]:
    """What is wrong with `text` as the address of an endpoint: it must be one, and of a machine elsewhere."""
    address = parsed(text)
    if address is None:
        return [causes.invalid(field, text, RULE)]
    found = []
    if address.is_unspecified:
        found.append(causes.invalid(field, text, "may not be unspecified (0.0.0.0 or ::)"))
    if address.is_loopback:
        found.append(causes.invalid(field, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)"))
    if address.is_link_local:
        found.append(causes.invalid(field, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"))
    if any(address in network for network in _LINK_LOCAL_MULTICAST):
        rule = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        found.append(causes.invalid(field, text, rule))
    return found
