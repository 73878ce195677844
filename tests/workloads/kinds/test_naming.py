"""Names of a pod and whom it asks for others': refused in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from workloads.kinds import naming

JSON = dict[str, Any]
DNS = "spec.dnsConfig"


def causes(**spec: Any) -> list[tuple[str, str]]:
    found = naming.validate({"dnsPolicy": "ClusterFirst", **spec}, "spec")
    return [(cause.field, cause.message) for cause in found]


@pytest.mark.parametrize(
    "spec",
    [
        {"hostname": "web", "subdomain": "shop", "setHostnameAsFQDN": True},
        {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["db", "db.example.com"]}, {"ip": "::1"}]},
        {"dnsPolicy": "Default"},
        {"dnsPolicy": "ClusterFirstWithHostNet", "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]}},
        {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1", "8.8.8.8", "2606:4700::1"]}},
        {"dnsConfig": {"searches": ["example.com.", ".", "_tcp.example.com"]}},
    ],
)
def test_what_kubernetes_takes_is_taken(spec: JSON) -> None:
    assert causes(**spec) == []


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({"subdomain": "a.b"}, "spec.subdomain", "a lowercase RFC 1123 label must"),
        ({"hostAliases": [{"ip": "db"}]}, "spec.hostAliases[0].ip", "must be a valid IP address, (e.g. 10.9.8.7"),
        (
            {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["ok", "A"]}]},
            "spec.hostAliases[0].hostnames[1]",
            "a lowercase RFC 1123 subdomain must",
        ),
        ({"dnsPolicy": "Host"}, "spec.dnsPolicy", '"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"'),
        ({"dnsPolicy": "None"}, DNS, "must provide `dnsConfig` when `dnsPolicy` is None"),
        (
            {"dnsPolicy": "None", "dnsConfig": {"searches": ["a"]}},
            f"{DNS}.nameservers",
            "must provide at least one DNS nameserver when `dnsPolicy` is None",
        ),
        (
            {"dnsConfig": {"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]}},
            f"{DNS}.nameservers",
            "must not have more than 3 nameservers",
        ),
        ({"dnsConfig": {"nameservers": ["dns"]}}, f"{DNS}.nameservers[0]", "must be a valid IP address"),
        (
            {"dnsConfig": {"searches": [f"a{number}" for number in range(33)]}},
            f"{DNS}.searches",
            "must not have more than 32 search paths",
        ),
        (
            {"dnsConfig": {"searches": [".".join(["a" * 60] * 4) + f"{number}" for number in range(9)]}},
            f"{DNS}.searches",
            "must not have more than 2048 characters (including spaces) in the search list",
        ),
        ({"dnsConfig": {"searches": ["a b"]}}, f"{DNS}.searches[0]", "'-', '_' or '.'"),
        ({"dnsConfig": {"options": [{"value": "1"}]}}, f"{DNS}.options[0]", "must not be empty"),
    ],
)
def test_what_is_out_of_rule_names_field_and_rule(spec: JSON, field: str, words: str) -> None:
    ((where, said),) = causes(**spec)
    assert where == field
    assert words in said
