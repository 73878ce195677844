"""A cluster, CCI and the add-on between them, in one event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from burst import names
from burst.api import Api
from burst.node import Place
from burst.pods import Pods
from burst.translate import Cluster
from tests.burst.fakeapi import FakeApi, serving
from tests.burst.pods import CLUSTER_ID

JSON = dict[str, Any]
CCI_NAMESPACE = f"cce-burst-{CLUSTER_ID}"
PLACE = Place("10.0.0.9", 10250)


class World:
    def __init__(self, cluster: FakeApi, cci: FakeApi, cluster_api: Api, cci_api: Api) -> None:
        self.cluster, self.cci = cluster, cci
        self.cluster_api, self.cci_api = cluster_api, cci_api
        self.pods = self.fresh()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """The add-on, as new."""
        self.pods = self.fresh()
        self._running = asyncio.create_task(self.pods.run())

    async def kill(self) -> None:
        """As kill -9 does: nothing is put in order."""
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def until(self, seen: Callable[[], Any], within: float = 5.0) -> Any:
        """What `seen` returns as soon as it is something."""
        deadline = time.monotonic() + within
        while not (found := seen()):
            assert time.monotonic() < deadline, "it does not come about"
            await asyncio.sleep(0.002)
        return found

    def there(self, name: str = "shop-web") -> JSON | None:
        """The pod in CCI."""
        return self.cci.objects.get(("pods", CCI_NAMESPACE, name))

    def pod(self, name: str = "web", namespace: str = "shop") -> JSON | None:
        """The pod in the cluster."""
        return self.cluster.objects.get(("pods", namespace, name))

    def status(self, name: str = "web") -> JSON:
        return ((self.pod(name) or {}).get("status")) or {}

    def events(self) -> list[tuple[str, str]]:
        return [(event["reason"], event["message"]) for event in self.cluster.named("events").values()]

    def run_there(self, name: str = "shop-web", **status: Any) -> None:
        """CCI starts its pod."""
        container = {"name": "main", "ready": True, "restartCount": 0, "state": {"running": {}}, "image": "nginx:1.27"}
        told = {
            "phase": "Running",
            "podIP": "10.1.0.7",
            "podIPs": [{"ip": "10.1.0.7"}],
            "startTime": "2026-11-27T07:00:00Z",
            "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-27T07:00:01Z"},
                {"type": "PodScheduled", "status": "True"},
            ],
            "containerStatuses": [container],
        }
        self.cci.change("pods", CCI_NAMESPACE, name, status=told | status)

    def fresh(self) -> Pods:
        """By the loop's own clock, which may not wait (`hurried`)."""
        clock = asyncio.get_running_loop().time
        return Pods(self.cluster_api, self.cci_api, Cluster(CLUSTER_ID), PLACE, clock=clock)


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    cluster, cci = FakeApi(), FakeApi()
    cci.put("namespaces", {"metadata": {"name": CCI_NAMESPACE}})
    cluster.put("nodes", {"metadata": {"name": names.NODE}})
    async with serving(cluster) as cluster_api, serving(cci) as cci_api:
        made = World(cluster, cci, cluster_api, cci_api)
        try:
            yield made
        finally:
            await made.kill()
