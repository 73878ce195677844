"""Ingresses: Kubernetes' rules and columns, the old shape both ways; Leases; Events of both groups."""

from __future__ import annotations

from typing import Any

import pytest

from tests import manifests
from workloads.kinds import eventversions, ingressversions, registry
from workloads.meta.errors import BadRequest, Invalid

JSON = dict[str, Any]
KIND = registry.kind("Ingress")


def completed(obj: JSON) -> JSON:
    obj["metadata"]["namespace"] = "shop"
    KIND.default(obj)
    KIND.prepare(obj, None)
    return obj


def causes_of(obj: JSON) -> dict[str, str]:
    return {cause.field: cause.message for cause in KIND.validate(completed(obj), None)}


def with_path(**changes: Any) -> JSON:
    obj = manifests.ingress()
    obj["spec"]["rules"][0]["http"]["paths"][0] |= changes
    return obj


def service(**port: Any) -> JSON:
    return {"service": {"name": "web", "port": port}}


PATH = "spec.rules[0].http.paths[0]"


@pytest.mark.parametrize(
    ("obj", "field", "sentence"),
    [
        (manifests.ingress(rules=[]), "spec", "either `defaultBackend` or `rules` must be specified"),
        (manifests.ingress(host="1.2.3.4"), "spec.rules[0].host", "must be a DNS name, not an IP address"),
        (manifests.ingress(host="a_b"), "spec.rules[0].host", "RFC 1123 subdomain"),
        (manifests.ingress(host="a.*.com"), "spec.rules[0].host", "a wildcard DNS-1123 subdomain must start with"),
        (with_path(path="x"), f"{PATH}.path", "must be an absolute path"),
        (with_path(path="/a//b"), f"{PATH}.path", "must not contain '//'"),
        (with_path(path="/a/.."), f"{PATH}.path", "cannot end with '/..'"),
        (with_path(pathType=None), f"{PATH}.pathType", "pathType must be specified"),
        (with_path(pathType="Regex"), f"{PATH}.pathType", "Unsupported value"),
        (with_path(backend={}), f"{PATH}.backend", "resource or service backend is required"),
        (with_path(backend=service()), f"{PATH}.backend", "port name or number is required"),
        (with_path(backend=service(name="a", number=1)), f"{PATH}.backend", "cannot set both port name & port number"),
        (with_path(backend=service(number=70000)), f"{PATH}.backend.service.port.number", "between 1 and 65535"),
        (manifests.ingress(tls=[{"hosts": ["A"]}]), "spec.tls[0].hosts[0]", "RFC 1123 subdomain"),
    ],
)
def test_an_ingress_may_not_ask_for(obj: JSON, field: str, sentence: str) -> None:
    assert sentence in causes_of(obj)[field]


@pytest.mark.parametrize("host", ["", "shop.example.com", "*.example.com"])
def test_an_ingress_may_be_for(host: str) -> None:
    assert causes_of(manifests.ingress(host=host)) == {}


def test_annotations_that_choose_an_elb_are_checked() -> None:
    obj = manifests.ingress()
    obj["metadata"]["annotations"] = {
        "kubernetes.io/elb.port": "99999",
        "kubernetes.io/elb.ip": "x",
        "kubernetes.io/elb.class": "alb",
    }
    found = causes_of(obj)
    assert "between 1 and 65535" in found["metadata.annotations[kubernetes.io/elb.port]"]
    assert "must be a valid IP address" in found["metadata.annotations[kubernetes.io/elb.ip]"]
    assert 'supported values: "elb"' in found["metadata.annotations[kubernetes.io/elb.class]"]


def test_an_ingress_without_a_class_has_the_only_one() -> None:
    assert completed(manifests.ingress())["spec"]["ingressClassName"] == "cce"
    noted = manifests.ingress()
    noted["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "cce"}
    assert "ingressClassName" not in completed(noted)["spec"]


def test_ingresses_are_printed_as_kubectl_knows_them() -> None:
    obj = completed(manifests.ingress(tls=[{"hosts": ["shop.example.com"]}]))
    obj["status"] = {"loadBalancer": {"ingress": [{"ip": "127.77.0.1"}]}}
    cells = [column.cell(obj, 0.0) for column in KIND.columns if column.name != "Age"]
    assert cells == ["web", "cce", "shop.example.com", "127.77.0.1", "80, 443"]
    assert [column.name for column in KIND.columns] == ["Name", "Class", "Hosts", "Address", "Ports", "Age"]


OLD = {
    "apiVersion": "extensions/v1beta1",
    "kind": "Ingress",
    "metadata": {"name": "web"},
    "spec": {
        "backend": {"serviceName": "rest", "servicePort": "http"},
        "rules": [
            {
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "backend": {"serviceName": "web", "servicePort": 80},
                            "property": {"ingress.beta.kubernetes.io/url-match-mode": "STARTS_WITH"},
                        }
                    ]
                }
            }
        ],
    },
}


def test_the_old_shape_is_read_and_shown() -> None:
    new = ingressversions.from_v1beta1(OLD)["spec"]
    assert new["defaultBackend"] == {"service": {"name": "rest", "port": {"name": "http"}}}
    assert new["rules"][0]["http"]["paths"] == [{"path": "/", "pathType": "Prefix", "backend": service(number=80)}]
    shown = ingressversions.to_v1beta1({**OLD, "apiVersion": "networking.k8s.io/v1", "spec": new})
    assert shown["apiVersion"] == "extensions/v1beta1"
    assert shown["spec"]["backend"] == {"serviceName": "rest", "servicePort": "http"}
    assert shown["spec"]["rules"][0]["http"]["paths"][0]["backend"] == {"serviceName": "web", "servicePort": 80}


def test_a_match_mode_that_is_not_offered_is_refused() -> None:
    path = {"backend": {"serviceName": "a"}, "property": {ingressversions.MATCH_MODE: "REGEX"}}
    with pytest.raises(BadRequest, match='"REGEX" is not one of STARTS_WITH, EQUAL_TO'):
        ingressversions.from_v1beta1({"spec": {"rules": [{"http": {"paths": [path]}}]}})


def event(**changes: Any) -> JSON:
    return {
        "metadata": {"name": "a", "namespace": "shop"},
        "regarding": {"kind": "Pod", "name": "one", "namespace": "shop"},
        "note": "It began",
        "reason": "Began",
        "action": "Beginning",
        "type": "Normal",
        "eventTime": "2026-01-01T12:00:00.000000Z",
        "reportingController": "example.com/tests",
        "reportingInstance": "tests-1",
        **changes,
    }


def test_an_event_says_the_same_in_both_groups() -> None:
    stored = eventversions.from_new(event())
    assert stored["involvedObject"]["name"] == "one"
    assert (stored["message"], stored["reportingComponent"]) == ("It began", "example.com/tests")
    assert (
        eventversions.to_new({"kind": "Event", **stored})
        == {"apiVersion": "events.k8s.io/v1", "kind": "Event"} | event()
    )


def test_a_new_event_of_the_new_group_is_complete() -> None:
    with pytest.raises(Invalid) as refused:
        eventversions.from_new(event(action="", eventTime=None, type="Odd"))
    assert {cause.field for cause in refused.value.causes} == {"action", "eventTime", "type"}
    assert eventversions.from_new(event(action="", eventTime=None, deprecatedCount=2))["count"] == 2


def test_leases_are_checked_and_printed() -> None:
    kind = registry.kind("Lease")
    lease = {
        "metadata": {"name": "l"},
        "spec": {"holderIdentity": "a", "leaseDurationSeconds": 0, "leaseTransitions": -1},
    }
    assert [cause.field for cause in kind.validate(lease, None)] == [
        "spec.leaseDurationSeconds",
        "spec.leaseTransitions",
    ]
    assert [column.cell(lease, 0.0) for column in kind.columns[:2]] == ["l", "a"]
