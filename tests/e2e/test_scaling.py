"""Pods that work hard become more, and fewer when they rest: real containers, real figures, the real kubectl."""

from __future__ import annotations

import pytest

from tests import manifests
from tests.stack import Stack

BUSY = ("sh", "-c", "while [ ! -e /tmp/calm ]; do :; done; exec sleep 3600")
QUICK = '{"spec":{"behavior":{"scaleDown":{"stabilizationWindowSeconds":0}}}}'


@pytest.mark.timeout(300)
def test_load_makes_pods_and_calm_takes_them(stack: Stack, namespace: str) -> None:
    web = manifests.deployment(replicas=1, containers=[manifests.container(command=BUSY)])
    stack.apply(web | {"metadata": {"name": "web", "namespace": namespace}})

    def kubectl(*words: str, check: bool = True) -> str:
        return stack.kubectl("-n", namespace, *words, check=check)

    def wait_for_pods(number: int) -> None:
        # one watch, instead of a kubectl ten times a second that takes the CPU from what is measured
        for _ in range(3):
            done = kubectl(
                "wait", f"--for=jsonpath={{.spec.replicas}}={number}", "deploy/web", "--timeout=50s", check=False
            )
            if "condition met" in done:
                return
        raise AssertionError(kubectl("describe", "hpa", "web") + stack.tail())

    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    kubectl("autoscale", "deployment", "web", "--min=1", "--max=2", "--cpu-percent=20")
    kubectl("patch", "hpa", "web", "--type=merge", "-p", QUICK)
    wait_for_pods(2)
    assert "web-" in kubectl("top", "pod", "-l", "app=web")
    assert "SuccessfulRescale" in kubectl("describe", "hpa", "web")
    assert "cpu: " in kubectl("get", "hpa", "web")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    for pod in kubectl("get", "pods", "-l", "app=web", "-o", "name").split():
        kubectl("exec", pod, "--", "touch", "/tmp/calm")
    wait_for_pods(1)
