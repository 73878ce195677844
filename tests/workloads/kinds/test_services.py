"""Services, Endpoints and EndpointSlices: rules, words and columns as Kubernetes has them."""

from __future__ import annotations

from typing import Any

import pytest

from tests import manifests
from workloads.kinds import registry
from workloads.meta.errors import Cause

JSON = dict[str, Any]
NOW = 0.0


def completed(kind: str, obj: JSON) -> JSON:
    obj["metadata"].setdefault("namespace", "shop")
    registry.kind(kind).default(obj)
    registry.kind(kind).prepare(obj, None)
    return obj


def causes_of(kind: str, obj: JSON) -> dict[str, str]:
    found: list[Cause] = registry.kind(kind).validate(completed(kind, obj), None)
    return {cause.field: cause.message for cause in found}


def cells(kind: str, obj: JSON, *, wide: bool = False) -> list[Any]:
    columns = [column for column in registry.kind(kind).columns if wide or not column.priority]
    return [column.cell(completed(kind, obj), NOW) for column in columns if column.name != "Age"]


@pytest.mark.parametrize(
    ("spec", "field", "sentence"),
    [
        ({"type": "NodePort"}, "spec.type", "NodePort is not offered: there are no nodes to reach; use type LoadBal"),
        ({"ports": [{"port": 80, "nodePort": 30000}]}, "spec.ports[0].nodePort", "NodePort is not offered"),
        ({"type": "Odd"}, "spec.type", 'Unsupported value: "Odd"'),
        ({"ports": []}, "spec.ports", "Required value"),
        ({"ports": [{"port": 0}]}, "spec.ports[0].port", "must be between 1 and 65535, inclusive"),
        ({"ports": [{"port": 80}, {"port": 81, "name": "b"}]}, "spec.ports[0].name", "Required value"),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]}, "spec.ports[1].name", "Duplicate value"),
        ({"ports": [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]}, "spec.ports[1]", "Duplicate value"),
        ({"ports": [{"port": 80, "targetPort": "a--b"}]}, "spec.ports[0].targetPort", "consecutive hyphens"),
        ({"ports": [{"port": 80, "protocol": "SCTP"}]}, "spec.ports[0].protocol", 'supported values: "TCP", "UDP"'),
        ({"selector": {"a b": "c"}}, "spec.selector", "name part must consist of"),
        ({"sessionAffinity": "Cookie"}, "spec.sessionAffinity", 'supported values: "ClientIP", "None"'),
        ({"type": "ExternalName"}, "spec.externalName", "Required value"),
        ({"type": "ExternalName", "externalName": "A"}, "spec.externalName", "RFC 1123 subdomain"),
        ({"type": "LoadBalancer", "clusterIP": "None"}, "spec.clusterIPs[0]", "may not be set to 'None'"),
        ({"clusterIP": "x"}, "spec.clusterIPs[0]", "must be a valid IP address"),
        ({"clusterIP": "10.247.1.1", "clusterIPs": ["10.247.1.2"]}, "spec.clusterIPs", "must match `clusterIP`"),
        ({"ipFamilies": ["IPv6"]}, "spec.ipFamilies[0]", "not configured on this cluster"),
        ({"ipFamilyPolicy": "RequireDualStack"}, "spec.ipFamilyPolicy", "not configured for dual-stack services"),
        ({"externalIPs": ["1.2.3.4"]}, "spec.externalIPs", "use type LoadBalancer"),
        ({"loadBalancerClass": "elb"}, "spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'"),
        ({"externalTrafficPolicy": "Local"}, "spec.externalTrafficPolicy", "externally-accessible services"),
        ({"type": "LoadBalancer", "loadBalancerIP": "1.2.3.4"}, "spec.loadBalancerIP", "kubernetes.io/elb.id"),
    ],
)
def test_a_service_may_not_ask_for(spec: JSON, field: str, sentence: str) -> None:
    assert sentence in causes_of("Service", manifests.service(**spec))[field]


def test_a_service_name_begins_with_a_letter() -> None:
    assert "a DNS-1035 label must consist of" in causes_of("Service", manifests.service("1web"))["metadata.name"]


def test_services_are_printed_as_kubectl_knows_them() -> None:
    web = manifests.service(clusterIP="10.247.0.20", ports=[{"port": 80, "name": "a"}, {"port": 53, "protocol": "UDP"}])
    assert cells("Service", web, wide=True) == ["web", "ClusterIP", "10.247.0.20", "<none>", "80/TCP,53/UDP", "app=web"]
    named = manifests.service(type="ExternalName", externalName="example.com", ports=[])
    assert cells("Service", named) == ["web", "ExternalName", "<none>", "example.com", "<none>"]
    balanced = manifests.service(type="LoadBalancer", clusterIP="10.247.0.20")
    assert cells("Service", balanced)[3] == "<pending>"


def endpoints(*ips: str, port: int = 80) -> JSON:
    subset = {"addresses": [{"ip": ip} for ip in ips], "ports": [{"port": port}]}
    return {"metadata": {"name": "web"}, "subsets": [subset]}


def test_endpoints_are_addresses_of_machines_elsewhere() -> None:
    assert causes_of("Endpoints", endpoints("10.0.0.1")) == {}
    for ip, rule in (("127.0.0.1", "loopback"), ("169.254.1.1", "link-local"), ("0.0.0.0", "unspecified"), ("x", "va")):  # noqa: S104
        assert rule in causes_of("Endpoints", endpoints(ip))["subsets[0].addresses[0].ip"]
    assert "must specify `addresses`" in causes_of("Endpoints", endpoints())["subsets[0]"]


def test_endpoints_are_printed_three_at_a_time() -> None:
    assert cells("Endpoints", endpoints("10.0.0.1")) == ["web", "10.0.0.1:80"]
    many = endpoints(*(f"10.0.0.{number}" for number in range(1, 6)))
    assert cells("Endpoints", many)[1] == "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more..."
    assert cells("Endpoints", {"metadata": {"name": "web"}})[1] == "<none>"


def a_slice(*addresses: str, type: str = "IPv4", **rest: Any) -> JSON:
    one = {"addresses": list(addresses)}
    return {"metadata": {"name": "web-x"}, "addressType": type, "endpoints": [one], "ports": [{"port": 80}], **rest}


def test_slices_obey_their_type() -> None:
    assert causes_of("EndpointSlice", a_slice("10.0.0.1")) == {}
    assert "must be an IPv4 address" in causes_of("EndpointSlice", a_slice("fd00::1"))["endpoints[0].addresses[0]"]
    assert "Unsupported value" in causes_of("EndpointSlice", a_slice("10.0.0.1", type="IPv5"))["addressType"]
    assert "at least 1 address" in causes_of("EndpointSlice", a_slice())["endpoints[0].addresses"]


def test_slices_are_printed_as_kubectl_knows_them() -> None:
    assert cells("EndpointSlice", a_slice("10.0.0.1")) == ["web-x", "IPv4", "80", "10.0.0.1"]
    assert cells("EndpointSlice", a_slice("10.0.0.1", ports=[], endpoints=[])) == [
        "web-x",
        "IPv4",
        "<unset>",
        "<unset>",
    ]
