"""What a pod is called, and whom it asks what others are called: hostname, subdomain, hostAliases, DNS. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from workloads.meta import causes, names
from workloads.meta.errors import Cause

JSON = dict[str, Any]

DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
MAX_NAMESERVERS = 3
MAX_SEARCHES = 32
MAX_SEARCH_CHARACTERS = 2048

_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def validate(spec: JSON, field: str) -> list[Cause]:
    """All that is wrong with the names of the pod specification standing at `field`."""
    found = []
    for name in ("hostname", "subdomain"):
        if text := spec.get(name):
            found += [causes.invalid(f"{field}.{name}", text, problem) for problem in names.dns_label(text)]
    for index, alias in enumerate(spec.get("hostAliases") or []):
        found += _alias(alias, f"{field}.hostAliases[{index}]")
    if spec.get("dnsPolicy") not in DNS_POLICIES:
        found.append(causes.unsupported(f"{field}.dnsPolicy", spec.get("dnsPolicy"), DNS_POLICIES))
    return found + _dns(spec, f"{field}.dnsConfig")


def _alias(alias: JSON, field: str) -> list[Cause]:
    found = _address(alias.get("ip", ""), f"{field}.ip")
    for index, name in enumerate(alias.get("hostnames") or []):
        found += [causes.invalid(f"{field}.hostnames[{index}]", name, text) for text in names.dns_subdomain(name)]
    return found


def _dns(spec: JSON, field: str) -> list[Cause]:
    config, alone = spec.get("dnsConfig"), spec.get("dnsPolicy") == "None"
    if alone and config is None:
        return [causes.required(field, "must provide `dnsConfig` when `dnsPolicy` is None")]
    config = config or {}
    if alone and not config.get("nameservers"):
        rule = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        return [causes.required(f"{field}.nameservers", rule)]
    found = _nameservers(config.get("nameservers") or [], f"{field}.nameservers")
    found += _searches(config.get("searches") or [], f"{field}.searches")
    for index, option in enumerate(config.get("options") or []):
        if not option.get("name"):
            found.append(causes.required(f"{field}.options[{index}]", "must not be empty"))
    return found


def _nameservers(servers: list[str], field: str) -> list[Cause]:
    found = []
    if len(servers) > MAX_NAMESERVERS:
        found.append(causes.invalid(field, servers, f"must not have more than {MAX_NAMESERVERS} nameservers"))
    for index, server in enumerate(servers):
        found += _address(server, f"{field}[{index}]")
    return found


def _searches(searches: list[str], field: str) -> list[Cause]:
    found = []
    if len(searches) > MAX_SEARCHES:
        found.append(causes.invalid(field, searches, f"must not have more than {MAX_SEARCHES} search paths"))
    if len(" ".join(searches)) > MAX_SEARCH_CHARACTERS:
        rule = f"must not have more than {MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list"
        found.append(causes.invalid(field, searches, rule))
    for index, search in enumerate(searches):
        if search != ".":
            problems = names.search_domain(search.removesuffix("."))
            found += [causes.invalid(f"{field}[{index}]", search, text) for text in problems]
    return found


def _address(text: str, field: str) -> list[Cause]:
    try:
        ip_address(text)
    except ValueError:
        return [causes.invalid(field, text, _ADDRESS)]
    return [causes.invalid(field, text, _ADDRESS)] if "%" in text else []
