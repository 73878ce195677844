"""`kubectl rollout` in all its words against the running product: history, pause, failure, undo; and orphans that a new
Deployment takes in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests import manifests
from tests.stack import Stack

Kubectl = Callable[..., str]
NOWHERE = "127.0.0.1:9/nowhere:1"


@pytest.fixture
def kubectl(stack: Stack, namespace: str) -> Kubectl:
    def run(*words: str, check: bool = True) -> str:
        return stack.kubectl("-n", namespace, *words, check=check)

    return run


@pytest.fixture
def web(stack: Stack, namespace: str, kubectl: Kubectl) -> str:
    """Deployment `web`, two pods up, that gives a rollout ten seconds to get on."""
    manifest = manifests.deployment(replicas=2)
    manifest["spec"]["progressDeadlineSeconds"] = 10
    stack.apply(manifest | {"metadata": {"name": "web", "namespace": namespace}})
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    return "deployment/web"


def names(stack: Stack, namespace: str, kind: str) -> set[str]:
    return {item["metadata"]["name"] for item in stack.get(kind, "-n", namespace)["items"]}


def test_a_broken_image_is_told_the_old_pods_serve_on_and_undo_takes_it_back(
    stack: Stack, namespace: str, kubectl: Kubectl, web: str
) -> None:
    before = names(stack, namespace, "pods")
    kubectl("set", "image", web, f"app={NOWHERE}")

    told = kubectl("rollout", "status", web, "--timeout=60s", check=False)
    assert 'deployment "web" exceeded its progress deadline' in told
    serving = [pod for pod in stack.get("pods", "-n", namespace)["items"] if pod["metadata"]["name"] in before]
    assert [pod["status"]["phase"] for pod in serving] == ["Running"] * 2

    kubectl("rollout", "undo", web, "--to-revision=1")
    kubectl("rollout", "status", web, "--timeout=60s")
    assert before <= names(stack, namespace, "pods")
    assert [line.split()[0] for line in kubectl("rollout", "history", web).splitlines()[2:] if line] == ["2", "3"]
    assert NOWHERE in kubectl("rollout", "history", web, "--revision=2")


def test_a_paused_deployment_waits_for_resume(stack: Stack, namespace: str, kubectl: Kubectl, web: str) -> None:
    kubectl("rollout", "pause", web)
    kubectl("set", "env", web, "COLOUR=green")
    kubectl("scale", web, "--replicas=3")
    kubectl("wait", "--for=jsonpath={.status.readyReplicas}=3", web, "--timeout=60s")
    assert len(names(stack, namespace, "replicasets")) == 1

    kubectl("rollout", "resume", web)
    kubectl("rollout", "status", web, "--timeout=60s")
    environments = [pod["spec"]["containers"][0].get("env") for pod in stack.get("pods", "-n", namespace)["items"]]
    assert [{"name": "COLOUR", "value": "green"}] in environments
    assert len(names(stack, namespace, "replicasets")) == 2


def test_orphaned_pods_run_on_and_a_new_deployment_takes_them_in(
    stack: Stack, namespace: str, kubectl: Kubectl, web: str
) -> None:
    before = names(stack, namespace, "pods")
    kubectl("delete", web, "--cascade=orphan")
    assert names(stack, namespace, "deployments") == set()
    stack.apply(manifests.deployment(replicas=2) | {"metadata": {"name": "web", "namespace": namespace}})

    kubectl("rollout", "status", web, "--timeout=60s")
    assert names(stack, namespace, "pods") == before
    assert len(names(stack, namespace, "replicasets")) == 1
