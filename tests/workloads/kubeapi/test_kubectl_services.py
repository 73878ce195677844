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
    assert "service/api created" in made(created) and "no traffic is routed to Services yet" in created.stderr
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
