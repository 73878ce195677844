"""A workload is reached from inside and outside, and no request is lost while it is changed: real pods, real Envoy."""

from __future__ import annotations

import socket
import time

import httpx
import pytest

from tests import manifests
from tests.load import load
from tests.stack import Stack

_SERVE = "mkdir /w; hostname > /w/index.html; httpd -f -p 8080 -h /w & trap 'kill $!; exit' TERM; wait"
"""Ends at once when it is told to, with whatever it was doing: what is under way then is lost."""
_READY = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
HOST = "web.example"


def expose(stack: Stack, namespace: str, *, replicas: int = 2) -> str:
    """A Deployment `web` behind a Service and an Ingress for HOST. The ELB's address, when it serves."""
    container = manifests.container(command=("sh", "-c", _SERVE)) | {
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": _READY,
    }
    web = manifests.deployment(replicas=replicas, containers=[container])
    backend = {"service": {"name": "web", "port": {"name": "http"}}}
    rule = {"host": HOST, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    stack.apply(
        web | {"metadata": {"name": "web", "namespace": namespace}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "web", "namespace": namespace},
            "spec": {"rules": [rule]},
        },
    )
    stack.kubectl("-n", namespace, "rollout", "status", "deploy/web", "--timeout=60s")
    told = "jsonpath={.status.loadBalancer.ingress[0].ip}"
    stack.wait(lambda: stack.kubectl("-n", namespace, "get", "ingress", "web", "-o", told), what="the ELB's address")
    address = stack.kubectl("-n", namespace, "get", "ingress", "web", "-o", told)
    stack.wait(lambda: answers(address), what="the first answer")
    return address


def answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/", headers={"Host": HOST}).status_code == 200
    except httpx.TransportError:
        return False


def answers_now(address: str) -> bool:
    """Asked without a client's own preparations, which take longer than Envoy's start."""
    try:
        with socket.create_connection((address, 80), timeout=5) as line:
            line.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            return line.recv(12) == b"HTTP/1.1 200"
    except OSError:
        return False


@pytest.mark.timeout(300)
def test_no_request_is_lost_while_pods_and_processes_come_and_go(stack: Stack, namespace: str) -> None:
    address = expose(stack, namespace)

    def kubectl(*words: str) -> str:
        return stack.kubectl("-n", namespace, *words)

    def rolled() -> str:
        return kubectl("rollout", "status", "deploy/web", "--timeout=60s")

    with load(address, host=HOST, rate=100) as asked:
        kubectl("rollout", "restart", "deploy/web")
        rolled()
        pods = [one["metadata"] for one in stack.get("pods", "-n", namespace)["items"]]
        kubectl("delete", "pod", next(one["name"] for one in pods if "deletionTimestamp" not in one))
        rolled()
        kubectl("scale", "deploy/web", "--replicas=3")
        rolled()
        stack.kill("manager")
        stack.kill("worker")
        stack.kill("traffic")
        kubectl("scale", "deploy/web", "--replicas=1")
        stack.wait(lambda: len(stack.get("pods", "-n", namespace)["items"]) == 1, seconds=60, what="one pod to be left")
    assert dict(asked.bad) == {}
    assert asked.good > 500


@pytest.mark.timeout(200)
def test_an_envoy_that_is_killed_is_back_within_a_second(stack: Stack, namespace: str) -> None:
    """Within one of three seconds of a machine with other work."""
    address = expose(stack, namespace, replicas=1)
    away = []
    while not away or (min(away) > 1 and len(away) < 3):
        began = time.monotonic()
        stack.kill("envoy")
        while not answers_now(address):
            assert time.monotonic() - began < 15
            time.sleep(0.005)
        away.append(time.monotonic() - began)
    assert min(away) < 1


def test_a_workload_that_nobody_asks_stops_and_is_there_for_the_next_request(stack: Stack, namespace: str) -> None:
    address = expose(stack, namespace, replicas=2)

    def kubectl(*words: str) -> str:
        return stack.kubectl("-n", namespace, *words)

    kubectl("annotate", "deploy/web", "autoscaling.cci.io/scale-to-zero=2s")
    kubectl("wait", "--for=condition=Asleep", "deploy/web", "--timeout=60s")
    kubectl("wait", "--for=delete", "pod", "-l", "app=web", "--timeout=30s")
    assert kubectl("get", "deploy", "web", "--no-headers").split()[1] == "0/0"
    assert httpx.get(f"http://{address}/", headers={"Host": HOST}, timeout=40).status_code == 200
    assert stack.get("deploy", "web", "-n", namespace)["spec"]["replicas"] == 2
    told = kubectl("get", "events")
    assert "No request for 2s: 2 pods stopped; the next request starts them" in told
    stack.wait(lambda: "A request came: 2 pods started" in kubectl("get", "events"), what="the Event")


def test_a_service_is_reached_from_its_own_namespace_alone(stack: Stack, namespace: str) -> None:
    expose(stack, namespace, replicas=1)
    inside = stack.get("service", "web", "-n", namespace)["spec"]["clusterIP"]
    pod = stack.get("pods", "-n", namespace)["items"][0]["metadata"]["name"]
    ask = ("sh", "-c", f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {inside} 80")
    assert pod in stack.kubectl("-n", namespace, "exec", pod, "--", *ask)
    other = f"{namespace}-o"
    stack.kubectl("create", "namespace", other)
    try:
        stack.kubectl("-n", other, "run", "curious", f"--image={manifests.IMAGE}", "--", "sleep", "600")
        stack.kubectl("-n", other, "wait", "--for=condition=Ready", "pod/curious", "--timeout=60s")
        assert pod not in stack.kubectl("-n", other, "exec", "curious", "--", *ask, check=False)
    finally:
        stack.kubectl("delete", "namespace", other, "--wait=false")
