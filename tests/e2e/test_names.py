"""Services are found by their names, from pods of their own namespace."""

from __future__ import annotations

from tests import manifests
from tests.stack import Stack

ASK = "cat /etc/resolv.conf; nslookup -type=a web.$SPACE.svc.cluster.local; ping -c1 -W1 web.$SPACE; sleep 1000"


def test_a_pod_finds_a_service_by_its_name(stack: Stack, namespace: str) -> None:
    def kubectl(*words: str) -> str:
        return stack.kubectl("-n", namespace, *words)

    agent = stack.data / "logs" / "agent.log"
    stack.wait(lambda: "pods reach DNS at" in agent.read_text(), what="names to be answered")
    stack.apply(manifests.service("web") | {"metadata": {"name": "web", "namespace": namespace}})
    address = kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    app = manifests.container(command=("sh", "-c", ASK)) | {"env": [{"name": "SPACE", "value": namespace}]}
    stack.apply(manifests.pod("asks", containers=[app]) | {"metadata": {"name": "asks", "namespace": namespace}})
    kubectl("wait", "--for=condition=Ready", "pod/asks", "--timeout=30s")
    stack.wait(lambda: f"PING web.{namespace} ({address})" in kubectl("logs", "asks"), what="the name's address")
    said = kubectl("logs", "asks")
    assert f"search {namespace}.svc.cluster.local svc.cluster.local cluster.local" in said
    assert f"Address: {address}" in said
