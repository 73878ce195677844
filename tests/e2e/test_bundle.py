"""What `helm template | kubectl apply -f -` brings: one text of many kinds, installed, compared, upgraded, pruned and
taken away by kubectl alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests import manifests
from tests.stack import Stack

JSON = dict[str, Any]
NAMESPACE = "charts"
LABELS = {"app.kubernetes.io/instance": "shop", "app.kubernetes.io/managed-by": "Helm"}
SELECTOR = "app.kubernetes.io/instance=shop"
HOOK = {"helm.sh/hook": "post-install", "helm.sh/hook-delete-policy": "before-hook-creation"}
SERVES = 'mkdir -p /www; echo "$GREETING" > /www/index.html; exec httpd -f -p 8080 -h /www'
PARTS = {
    "serviceaccount/shop",
    "configmap/shop",
    "secret/shop",
    "service/shop",
    "deployment.apps/shop",
    "ingress.networking.k8s.io/shop",
    "horizontalpodautoscaler.autoscaling/shop",
    "job.batch/shop-migrate",
}
ALL = ("pod", "service", "deployment.apps", "replicaset.apps", "horizontalpodautoscaler.autoscaling", "job.batch")
"""What `kubectl get all` is of."""


def bundle(*, greeting: str = "hello", replicas: int = 1, without: str = "") -> str:
    """As charts write it: YAML with comments, and documents with nothing in them."""
    parts = [part for part in _parts(greeting, replicas) if part["kind"] != without]
    for part in parts:
        part["metadata"]["labels"] = {**part["metadata"].get("labels", {}), **LABELS}
    texts = (f"# Source: shop/templates/{part['kind'].lower()}.yaml\n{yaml.safe_dump(part)}" for part in parts)
    return "---\n" + "---\n".join(texts) + "---\n# nothing of this template is enabled\n"


def _parts(greeting: str, replicas: int) -> list[JSON]:
    job = manifests.job("shop-migrate", backoffLimit=1)
    job["metadata"]["annotations"] = HOOK
    web = manifests.deployment("shop", replicas=replicas, containers=[_container(greeting)], serviceAccountName="shop")
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "shop"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"}, "data": {"GREETING": greeting}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop"}, "data": {"PASSWORD": "b3Blbg=="}},
        manifests.service("shop", ports=[{"name": "http", "port": 80, "targetPort": "http"}]),
        web,
        manifests.ingress("shop"),
        manifests.autoscaler("shop", target="shop", least=replicas, most=3),
        job,
    ]


def _container(greeting: str) -> JSON:
    probe = {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1}
    return manifests.container(command=("sh", "-c", SERVES)) | {
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": "CHECKSUM", "value": greeting}],
        "envFrom": [{"configMapRef": {"name": "shop"}}, {"secretRef": {"name": "shop"}}],
        "readinessProbe": probe,
        "livenessProbe": probe | {"periodSeconds": 10},
    }


def kubectl(stack: Stack, *words: str, stdin: str = "") -> str:
    return stack.kubectl("-n", NAMESPACE, *words, stdin=stdin)


def applied(stack: Stack, text: str, *words: str) -> dict[str, str]:
    """part -> what became of it."""
    said = kubectl(stack, "apply", "-f", "-", *words, stdin=text)
    return dict(line.split(" ", 1) for line in said.splitlines())


def differs(stack: Stack, text: str) -> subprocess.CompletedProcess[str]:
    words = stack.kubectl_command("-n", NAMESPACE, "diff", "-f", "-")
    return subprocess.run(words, input=text, capture_output=True, text=True, timeout=60)


def page(stack: Stack) -> str:
    """What a pod of the chart shows to another one."""
    (pod,) = stack.get("pods", "-n", NAMESPACE, "-l", "app=shop", "--field-selector=status.phase=Running")["items"]
    address = f"http://{pod['status']['podIP']}:8080/"
    return kubectl(stack, "exec", "deploy/shop", "--", "wget", "-qO-", address)


@pytest.fixture(scope="module")
def installed(stack: Stack) -> Iterator[dict[str, str]]:
    """The chart as it is the first time, running; what kubectl said of its parts."""
    stack.kubectl("create", "namespace", NAMESPACE)
    said = applied(stack, bundle())
    kubectl(stack, "rollout", "status", "deployment/shop", "--timeout=60s")
    kubectl(stack, "wait", "--for=condition=Complete", "job/shop-migrate", "--timeout=60s")
    yield said
    stack.kubectl("delete", "namespace", NAMESPACE, "--wait=false", check=False)


def test_a_chart_is_installed_and_runs(stack: Stack, installed: dict[str, str]) -> None:
    assert installed == dict.fromkeys(PARTS, "created")
    assert page(stack) == "hello\n"
    kubectl(stack, "wait", "--for=jsonpath={.subsets[0].addresses[0].ip}", "endpoints/shop", "--timeout=30s")
    listed = kubectl(stack, "get", "all", "-o", "name").split()
    assert {name.rpartition("/")[0] for name in listed} == set(ALL)


def test_the_same_chart_again_changes_nothing(stack: Stack, installed: dict[str, str]) -> None:
    before = [part["metadata"]["resourceVersion"] for part in _kept(stack)]
    assert applied(stack, bundle()) == dict.fromkeys(PARTS, "unchanged")
    same = differs(stack, bundle())
    assert (same.returncode, same.stdout, same.stderr) == (0, "", "")
    assert [part["metadata"]["resourceVersion"] for part in _kept(stack)] == before


def _kept(stack: Stack) -> list[JSON]:
    """Parts that no controller writes to meanwhile."""
    kinds = "serviceaccounts,configmaps,secrets,services,ingresses"
    return list(stack.get(kinds, "-n", NAMESPACE, "-l", SELECTOR)["items"])


def test_a_difference_is_shown_and_an_upgrade_rolls_out(stack: Stack, installed: dict[str, str]) -> None:
    newer = bundle(greeting="good day")
    shown = differs(stack, newer)
    assert shown.returncode == 1 and "+  GREETING: good day" in shown.stdout
    assert page(stack) == "hello\n"

    changed = {part for part, said in applied(stack, newer).items() if said != "unchanged"}
    assert changed == {"configmap/shop", "deployment.apps/shop"}
    kubectl(stack, "rollout", "status", "deployment/shop", "--timeout=60s")
    stack.wait(
        lambda: len(stack.get("pods", "-n", NAMESPACE, "-l", "app=shop")["items"]) == 1, what="the old pod to go"
    )
    assert page(stack) == "good day\n"
    assert "2" in kubectl(stack, "rollout", "history", "deployment/shop")
    applied(stack, bundle())
    kubectl(stack, "rollout", "status", "deployment/shop", "--timeout=60s")


def test_what_a_chart_no_longer_has_is_pruned(stack: Stack, installed: dict[str, str]) -> None:
    said = applied(stack, bundle(without="Ingress"), "--prune", "-l", SELECTOR)
    assert said["ingress.networking.k8s.io/shop"] == "pruned"
    assert stack.get("ingresses", "-n", NAMESPACE)["items"] == []
    assert applied(stack, bundle(), "--prune", "-l", SELECTOR) == {
        **dict.fromkeys(PARTS, "unchanged"),
        "ingress.networking.k8s.io/shop": "created",
    }


def test_a_chart_is_taken_over_by_server_side_apply(stack: Stack, installed: dict[str, str]) -> None:
    said = applied(stack, bundle(), "--server-side", "--field-manager=helm", "--force-conflicts")
    assert said == dict.fromkeys(PARTS, "serverside-applied")
    config = stack.get("configmap", "shop", "-n", NAMESPACE, "--show-managed-fields")
    owners = {entry["manager"]: entry["fieldsV1"] for entry in config["metadata"]["managedFields"]}
    assert "f:GREETING" in owners["helm"]["f:data"]
    applied(stack, bundle())


def test_every_kind_that_can_be_listed_is_listed_by_label(stack: Stack, installed: dict[str, str]) -> None:
    """As `helm list`-like tools look for what is theirs."""
    kinds = kubectl(stack, "api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    assert {"pods", "deployments.apps", "networks.networking.cci.io"} <= set(kinds)
    listable = [kind for kind in kinds if not kind.endswith("metrics.k8s.io")]
    found = kubectl(stack, "get", ",".join(listable), "-l", SELECTOR, "-o", "name", "--ignore-not-found").split()
    assert set(found) >= PARTS


def test_a_chart_is_deleted_with_all_that_it_made(stack: Stack, installed: dict[str, str]) -> None:
    kubectl(stack, "delete", "-f", "-", "--timeout=60s", stdin=bundle())
    stack.wait(lambda: not stack.get("pods", "-n", NAMESPACE)["items"], what="the pods to be gone")
    assert _kept(stack) == []
    assert stack.get("replicasets,jobs,endpoints", "-n", NAMESPACE)["items"] == []
