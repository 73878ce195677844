"""Requests that are lost while pods are rolled, through an Ingress: none is the promise.

`python -m benchmarks.rolled_pods [pods] [requests a second] [replicas]`

Half of the requests come over connections that stay open, half over new ones; every pod ends the moment it is told
to. Starts a product of its own. The peer is the same load on the same pods while nothing is rolled.
"""

from __future__ import annotations

import resource
import sys
import time

from tests import manifests
from tests.load import Load, load
from tests.stack import Stack, running_stack

HOST, NAMESPACE = "web.example", "bench"
SERVE = "mkdir /w; hostname > /w/index.html; httpd -f -p 8080 -h /w & trap 'kill $!; exit' TERM; wait"


def main(pods: int = 100, rate: int = 500, replicas: int = 10) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a stall of seconds holds thousands of new connections
    with running_stack() as stack:
        address = expose(stack, replicas=replicas)
        with load(address, host=HOST, rate=rate) as quiet:
            time.sleep(10)
        began, rolled = time.monotonic(), 0
        with load(address, host=HOST, rate=rate) as busy:
            while rolled < pods:
                stack.kubectl("-n", NAMESPACE, "rollout", "restart", "deploy/web")
                stack.kubectl("-n", NAMESPACE, "rollout", "status", "deploy/web", "--timeout=55s")
                rolled += replicas
        _report("nothing is rolled", quiet)
        _report(f"{rolled} pods rolled in {time.monotonic() - began:.0f} s", busy)


def _report(what: str, asked: Load) -> None:
    half, most = asked.percentile(0.5) * 1000, asked.percentile(0.99) * 1000
    print(f"{what:32} {asked.total:8} requests  {asked.bad.total():4} lost  p50 {half:4.0f} ms  p99 {most:5.0f} ms")
    for why, count in asked.bad.most_common(5):
        print(f"    {count} x {why}")


def expose(stack: Stack, *, replicas: int) -> str:
    """The ELB's address, when it serves."""
    ready = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
    container = manifests.container(command=("sh", "-c", SERVE)) | {"readinessProbe": ready}
    container["ports"] = [{"name": "http", "containerPort": 8080}]
    web = manifests.deployment(replicas=replicas, containers=[container])
    stack.kubectl("create", "namespace", NAMESPACE)
    stack.apply(
        web | {"metadata": {"name": "web", "namespace": NAMESPACE}},
        manifests.service(ports=[{"port": 80, "targetPort": "http"}])
        | {"metadata": {"name": "web", "namespace": NAMESPACE}},
        manifests.ingress(host=HOST) | {"metadata": {"name": "web", "namespace": NAMESPACE}},
    )
    stack.kubectl("-n", NAMESPACE, "rollout", "status", "deploy/web", "--timeout=55s")
    told = ("-n", NAMESPACE, "get", "ingress", "web", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}")
    stack.wait(lambda: stack.kubectl(*told), what="the ELB's address")
    address = stack.kubectl(*told)
    stack.wait(lambda: _serves(address), what="the first answer")
    return address


def _serves(address: str) -> bool:
    with load(address, host=HOST, rate=20) as asked:
        time.sleep(0.2)
    return asked.good > 0 and not asked.bad


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
