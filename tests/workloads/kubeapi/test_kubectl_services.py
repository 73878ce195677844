"""What kubectl's own verbs make of Services: create, expose, get, describe. No controller runs here."""

from __future__ import annotations

import orjson
import pytest

from tests import manifests


@pytest.fixture
def shop_kubectl(kubectl):
    kube = kubectl("1.33")
    kube("create", "namespace", "shop")
    return lambda *words, **rest: kube.run("-n", "shop", *words, **rest)


def made(answer):
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_it_creates_exposes_and_describes_services(shop_kubectl):
    kube = shop_kubectl
    created = kube("create", "service", "clusterip", "api", "--tcp=80:8080")
    assert "service/api created" in made(created) and "Warning" not in created.stderr
    made(kube("create", "service", "externalname", "away", "--external-name=example.com"))
    made(kube("create", "service", "loadbalancer", "public", "--tcp=443:8443"))
    made(kube("apply", "-f", "-", stdin=orjson.dumps(manifests.deployment("web")).decode()))
    assert "service/web exposed" in made(kube("expose", "deployment", "web", "--port=80", "--target-port=8080"))
    rows = {line.split()[0]: line.split()[1:-1] for line in made(kube("get", "services")).splitlines()}
    assert rows["NAME"] == ["TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)"]
    assert rows["away"] == ["ExternalName", "<none>", "example.com", "<none>"]
    assert rows["public"][2:] == ["<pending>", "443/TCP"]
    assert "app=web" in made(kube("describe", "service", "web"))
    assert "service/web" in made(kube("get", "all"))
    assert "selector updated" in made(kube("set", "selector", "service", "web", "app=other"))


def test_it_is_told_why_there_is_no_node_port(shop_kubectl):
    refused = shop_kubectl("create", "service", "nodeport", "web", "--tcp=80:80")
    assert refused.returncode != 0
    assert "NodePort is not offered: there are no nodes to reach; use type LoadBalancer" in refused.stderr


def test_it_creates_and_describes_ingresses(shop_kubectl):
    kube = shop_kubectl
    created = kube("create", "ingress", "web", "--rule=shop.example.com/*=web:80,tls=cert")
    assert "ingress.networking.k8s.io/web created" in made(created)
    assert made(kube("get", "ingress")).splitlines()[1].split()[:4] == ["web", "cce", "shop.example.com", "80,"]
    assert "shop.example.com" in made(kube("describe", "ingress", "web"))
    old = {
        "apiVersion": "extensions/v1beta1",
        "kind": "Ingress",
        "metadata": {"name": "old"},
        "spec": {"rules": [{"http": {"paths": [{"backend": {"serviceName": "web", "servicePort": 80}}]}}]},
    }
    assert "created" in made(kube("apply", "-f", "-", stdin=orjson.dumps(old).decode()))
    made(kube("apply", "-f", "-", stdin=orjson.dumps(old).decode()))
    shown = orjson.loads(made(kube("get", "ingresses.v1.networking.k8s.io", "old", "-o", "json")))
    assert shown["spec"]["rules"][0]["http"]["paths"][0]["pathType"] == "ImplementationSpecific"
    assert made(kube("get", "ingressclass")).splitlines()[1].split()[:2] == ["cce", "cci.io/elb"]


def test_events_are_one_list_under_two_groups(api, shop):
    regarding = {"kind": "Pod", "name": "one", "namespace": shop}
    new = {
        "metadata": {"name": "a"},
        "regarding": regarding,
        "note": "It began",
        "reason": "Began",
        "action": "Beginning",
        "type": "Normal",
        "eventTime": "2026-01-01T12:00:00.000000Z",
        "reportingController": "example.com/tests",
        "reportingInstance": "tests-1",
    }
    place = f"/apis/events.k8s.io/v1/namespaces/{shop}/events"
    assert api.make(place, new)["note"] == "It began"
    (core,) = api.read(f"/api/v1/namespaces/{shop}/events", fieldSelector="involvedObject.name=one")["items"]
    assert core["message"] == "It began" and core["involvedObject"] == regarding
    (listed,) = api.read(place, fieldSelector="regarding.name=one")["items"]
    assert listed["regarding"] == regarding and listed["apiVersion"] == "events.k8s.io/v1"
    series = {"series": {"count": 2, "lastObservedTime": "2026-01-01T12:01:00.000000Z"}}
    changed = api.change(f"{place}/a", series)
    assert changed.status_code == 200 and changed.json()["series"]["count"] == 2


def test_who_elects_a_leader_agrees_by_a_lease(api, shop):
    place = f"/apis/coordination.k8s.io/v1/namespaces/{shop}/leases"
    lease = api.make(place, {"metadata": {"name": "leader"}, "spec": {"holderIdentity": "a"}})
    lease["spec"]["holderIdentity"] = "b"
    assert api.put(f"{place}/leader", json=lease).status_code == 200
    assert api.put(f"{place}/leader", json=lease).status_code == 409


def test_whoever_uses_endpoints_hears_of_their_successor(api, shop):
    said = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
    place = f"/api/v1/namespaces/{shop}/endpoints"
    assert api.post(place, json={"metadata": {"name": "web"}, "subsets": []}).headers["warning"] == said
    assert api.get(f"{place}/web").headers["warning"] == api.get(place).headers["warning"] == said
    assert api.get(place, params={"watch": "true", "timeoutSeconds": "1"}).headers["warning"] == said
    assert "warning" not in api.get(f"/apis/discovery.k8s.io/v1/namespaces/{shop}/endpointslices").headers
