"""What a pod's containers read in /etc/hosts and /etc/resolv.conf, as the kubelet writes them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from workloads.runtimes.base import AliasSpec, DnsSpec

MAX_NAMESERVERS = 3
"""More than these no resolver asks."""
MAX_SEARCHES, MAX_SEARCH_CHARACTERS = 32, 2048
"""Domains, and all of them with the spaces between."""
CLUSTER_OPTIONS = {"ndots": "5"}
EMBEDDED = "127.0.0.11"
"""Docker's own server in every network that is not the default one. It knows whom the host asks."""
NETWORKS = f"nameserver {EMBEDDED}\noptions ndots:0\n"

_LOCAL = """\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""
_ALIASES = "\n# Entries added by HostAliases.\n"
_SERVICES = "\n# Services of every namespace.\n"


def hosts(ip: str, names: Iterable[str], aliases: Iterable[AliasSpec], services: Iterable[AliasSpec] = ()) -> str:
    """`names` are the pod's own, the longest first. What the pod says itself of a name counts before `services`."""
    said, served = _lines(aliases), _lines(services)
    return (
        _LOCAL
        + "\t".join((ip, *names))
        + "\n"
        + (_ALIASES + said if said else "")
        + (_SERVICES + served if served else "")
    )


def resolv(dns: DnsSpec, networks: str) -> str:
    """`networks` is what the pod's network would have it ask: the same file, as the runtime made it."""
    servers, searches, options = ([], [], {}) if dns.alone else _read(networks)
    if dns.cluster:
        servers, searches, options = [dns.cluster], [*dns.domains, *searches], CLUSTER_OPTIONS
    servers = list(dict.fromkeys([*servers, *dns.nameservers]))[:MAX_NAMESERVERS]
    searches = _fitting(dict.fromkeys([*searches, *dns.searches]))
    options = {**options, **dict(dns.options)}
    lines = [f"search {' '.join(searches)}\n"] if searches else []
    lines += [f"nameserver {server}\n" for server in servers]
    if options:
        lines.append(f"options {' '.join(_option(name, value) for name, value in options.items())}\n")
    return "".join(lines)


def omitted(dns: DnsSpec) -> list[str]:
    """What the kubelet says when a pod names more servers than are asked, or more domains than are looked in."""
    first = [] if dns.alone else [dns.cluster or EMBEDDED]
    servers, searches = list(dict.fromkeys([*first, *dns.nameservers])), [*dict.fromkeys([*dns.domains, *dns.searches])]
    found = []
    if len(servers) > MAX_NAMESERVERS:
        opening = "Nameserver limits were exceeded, some nameservers have been omitted"
        found.append(f"{opening}, the applied nameserver line is: {' '.join(servers[:MAX_NAMESERVERS])}")
    if (fitting := _fitting(searches)) != searches:
        opening = "Search Line limits were exceeded, some search paths have been omitted"
        found.append(f"{opening}, the applied search line is: {' '.join(fitting)}")
    return found


def _fitting(searches: Iterable[str]) -> list[str]:
    found = list(searches)[:MAX_SEARCHES]
    while len(" ".join(found)) > MAX_SEARCH_CHARACTERS:
        found.pop()
    return found


def _lines(aliases: Iterable[AliasSpec]) -> str:
    return "".join("\t".join((alias.ip, *alias.names)) + "\n" for alias in aliases)


def _read(text: str) -> tuple[list[str], list[str], dict[str, str]]:
    servers: list[str] = []
    searches: list[str] = []
    options: dict[str, str] = {}
    for line in text.splitlines():
        word, *rest = line.split() or [""]
        if word == "nameserver":
            servers += rest[:1]
        if word == "search":
            searches = rest
        if word == "options":
            options |= {name: value for name, _, value in (option.partition(":") for option in rest)}
    return servers, searches, options


def _option(name: str, value: str) -> str:
    return f"{name}:{value}" if value else name
