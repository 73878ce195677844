"""Network: the rules of its range, and that it is chosen once."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from workloads.kinds import networks, registry, schemas
from workloads.kinds.base import Facts

KIND = registry.kind("Network")


def network(**spec: Any) -> dict[str, Any]:
    obj: dict[str, Any] = {"metadata": {"name": "default-network", "namespace": "shop"}, "spec": spec}
    KIND.default(obj)
    return obj


def test_a_network_begins_initializing_with_its_only_type() -> None:
    obj = network(cidr="192.168.0.0/24")
    KIND.prepare(obj, None)
    assert obj["spec"]["networkType"] == "underlay_neutron"
    assert obj["status"] == {"state": "Initializing"}
    assert KIND.facts(obj) == Facts(phase="Initializing")
    assert KIND.field_selectors["status.state"](obj) == "Initializing"
    KIND.prepare(obj, obj)
    assert obj["status"] == {"state": "Initializing"}


@pytest.mark.parametrize("cidr", ["192.168.0.0/24", "10.0.0.0/16", "172.16.5.0/28", "10.246.0.0/16", "10.248.0.0/16"])
def test_a_range_may_be(cidr: str) -> None:
    assert networks.cidr_problem(cidr) == ""
    assert KIND.validate(network(cidr=cidr), None) == []


@pytest.mark.parametrize(
    ("cidr", "sentence"),
    [
        ("", "must be an IPv4 range such as 192.168.0.0/24"),
        ("x/24", "must be an IPv4 range"),
        ("fd00::/64", "must be an IPv4 range"),
        ("192.168.0.0/33", "must be an IPv4 range"),
        ("192.168.0.1/24", "did you mean 192.168.0.0/24?"),
        ("192.168.0.0", "did you mean 192.168.0.0/32?"),
        ("192.168.0.0/255.255.255.0", "did you mean 192.168.0.0/24?"),
        ("10.247.0.0/16", "overlaps 10.247.0.0/16, which belongs to Services; choose another range"),
        ("10.247.5.0/24", "belongs to Services"),
        ("10.0.0.0/8", "belongs to Services"),
        ("8.8.8.0/24", "must lie in a private range: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16"),
        ("172.16.0.0/12", "the prefix length must be from 16 to 28"),
        ("192.168.0.0/29", "the prefix length must be from 16 to 28"),
    ],
)
def test_a_range_may_not_be(cidr: str, sentence: str) -> None:
    assert sentence in networks.cidr_problem(cidr)
    (cause,) = KIND.validate(network(cidr=cidr), None)
    assert cause.field == "spec.cidr"


def test_free_addresses_are_two_to_the_rest_less_six() -> None:
    assert networks.free_addresses("192.168.0.0/24") == 250
    assert networks.free_addresses("192.168.0.0/28") == 10
    assert networks.free_addresses("192.168.0.0/32") == 0
    with pytest.raises(ValueError, match="x"):
        networks.free_addresses("x")


def test_there_is_one_type_and_there_are_two_dns_servers() -> None:
    obj = network(networkType="overlay", dnsServers=["192.168.0.2", "dns", "1.1.1.1"])
    assert [cause.field for cause in KIND.validate(obj, None)] == [
        "spec.networkType",
        "spec.dnsServers",
        "spec.dnsServers[1]",
    ]


def test_a_network_is_chosen_once() -> None:
    old = network(cidr="192.168.0.0/24", attachedVPC="a")
    new = copy.deepcopy(old)
    assert KIND.validate(new, old) == []
    new["spec"].update(cidr="192.168.1.0/24", subnetID="s")
    del new["spec"]["attachedVPC"]
    found = KIND.validate(new, old)
    assert [cause.field for cause in found] == ["spec.attachedVPC", "spec.cidr", "spec.subnetID"]
    assert "field is immutable; delete the namespace and request a new one" in found[0].message


def test_the_row_kubectl_prints_shows_the_range_in_use() -> None:
    obj = network(cidr="192.168.0.0/24", attachedVPC="vpc-1")
    obj["metadata"]["creationTimestamp"] = "1970-01-01T00:00:00Z"
    assert [column.cell(obj, 5.0) for column in KIND.columns] == [
        "default-network",
        "",
        "192.168.0.0/24",
        "5s",
        "vpc-1",
        "",
    ]
    obj["status"] = {"state": "Active", "cidr": "192.168.1.0/24", "message": "192.168.0.0/24 was taken"}
    assert [column.cell(obj, 5.0) for column in KIND.columns] == [
        "default-network",
        "Active",
        "192.168.1.0/24",
        "5s",
        "vpc-1",
        "192.168.0.0/24 was taken",
    ]


def test_its_schema_is_strict_like_kubernetes_own() -> None:
    obj = network(cidr="192.168.0.0/24", cird="x")
    obj["spec"]["dnsServers"] = "1.1.1.1"
    found = schemas.check(KIND, obj)
    assert found.unknown == ("spec.cird",)
    assert found.mismatches[0].cause.field == "spec.dnsServers"
