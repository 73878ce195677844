"""How fast a pod starts through the whole product: from the API's answer to the started container.

    python -m benchmarks.pod_start [rounds]

A product of its own is started for it. A bare pod is created over the Kubernetes API, in a namespace with a warm pool
and in one without; beside it, in turns, `docker run -d` and the bare Docker API start the same image. Aims: 0.5 of
`docker run -d` with the pool, 1.2 of the bare API without.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import yaml

from benchmarks import raw_docker
from benchmarks.figures import RAW, RUN, RUN_RETURNS, report, take_turns
from scripts.images import build_busybox
from tests import manifests
from tests.stack import Stack, running_stack
from workloads.meta import times

WARM, COLD = "bench-warm", "bench-cold"
KIND = {WARM: "product, warm pool", COLD: "product, no pool"}
POOL = 2


def main(rounds: int = 20) -> None:
    image = build_busybox()
    with running_stack() as stack, kube_api(stack) as api:
        product = Product(stack, api, image=image)
        for namespace, size in ((WARM, POOL), (COLD, 0)):
            product.make_namespace(namespace, pool=size)
        product.wait_for_pool()
        raw = raw_docker.RawApi(pause=raw_docker.pause_image(), image=image, network=product.network(COLD))
        run = raw_docker.DockerRun(image)
        contenders = {
            RUN: run.once,
            RAW: raw.pod,
            KIND[WARM]: lambda: product.pod(WARM),
            KIND[COLD]: lambda: product.pod(COLD),
        }
        try:
            took = take_turns(contenders, rounds=rounds, between=lambda: _tidy(product))
        finally:
            raw_docker.sweep()
    requested = {f"{name}, from the request on": seconds for name, seconds in product.requested.items()}
    report({RUN_RETURNS: run.until_return, **took, **requested}, peers=(RUN_RETURNS, RUN, RAW))


@dataclass
class Product:
    stack: Stack
    api: httpx.Client
    image: str
    requested: dict[str, list[float]] = field(default_factory=dict)
    """The same pods, measured from before the request was sent."""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def make_namespace(self, name: str, *, pool: int) -> None:
        namespace = manifests.namespace(name)
        namespace["metadata"]["annotations"]["network.cci.io/warm-pool-size"] = str(pool)
        self._post("/api/v1/namespaces", namespace)
        self.stack.wait(lambda: self._networks(name) and self._is_active(name), what=f"the network of {name}")

    def pod(self, namespace: str) -> float:
        """Seconds from the API's answer to the container's start."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        pod = manifests.pod(f"one-{next(self.numbers)}")
        asked = time.time()
        self._post(path, pod)
        accepted = time.time()
        name = f"{path}/{pod['metadata']['name']}"
        self.stack.wait(lambda: self._lifecycle(name).get("startedAt"), what=f"{name} to start")
        started = times.parse(self._lifecycle(name)["startedAt"]).timestamp()
        self.requested.setdefault(KIND[namespace], []).append(started - asked)
        self.api.delete(name, params={"gracePeriodSeconds": "0"})
        self.stack.wait(lambda: self.api.get(name).status_code == 404, what=f"{name} to go")
        return started - accepted

    def wait_for_pool(self) -> None:
        """Until a pod would find the pool full."""
        ready = ("name=^/cci-warm-", "status=running")
        self.stack.wait(lambda: len(self.stack.containers(*ready)) >= POOL, what="the warm pool")

    def network(self, namespace: str) -> str:
        """The bridge's name on the host."""
        return raw_docker.docker("network", "ls", "--filter", f"name=cci-{namespace}-", "--format", "{{.Name}}")

    def _networks(self, namespace: str) -> list[dict[str, Any]]:
        path = f"/apis/networking.cci.io/v1beta1/namespaces/{namespace}/networks"
        items: list[dict[str, Any]] = self.api.get(path).raise_for_status().json()["items"]
        return items

    def _is_active(self, namespace: str) -> bool:
        return all((one.get("status") or {}).get("state") == "Active" for one in self._networks(namespace))

    def _lifecycle(self, path: str) -> dict[str, str]:
        lifecycle: dict[str, str] = self.api.get(path).raise_for_status().json().get("status", {}).get("lifecycle", {})
        return lifecycle

    def _post(self, path: str, manifest: dict[str, Any]) -> None:
        answer = self.api.post(path, json=manifest)
        assert answer.status_code == 201, answer.text


def _tidy(product: Product) -> None:
    raw_docker.sweep()
    product.wait_for_pool()


@contextmanager
def kube_api(stack: Stack) -> Iterator[httpx.Client]:
    """The Kubernetes API, with the token a kubeconfig carries."""
    user = yaml.safe_load(stack.kubeconfig().read_text())["users"][0]["user"]
    address = f"https://127.0.0.1:{stack.api_port}"
    headers = {"Authorization": f"Bearer {user['token']}"}
    # the installation is our own and a minute old
    with httpx.Client(base_url=address, headers=headers, verify=False, timeout=30) as client:  # noqa: S501
        yield client


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
