"""A workload that may sleep, before a real Envoy: its pod is a server that starts and stops as it is told to."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.workloads.elb.asking import endpoints, eventually, get, ingress, path, service
from tests.workloads.elb.proxies import Proxy, pod
from workloads.kinds import sleeping
from workloads.meta.keys import Key

JSON = dict[str, Any]


@dataclass
class Web:
    """A Deployment of one pod behind an Ingress; `number` is its own in the proxy."""

    proxy: Proxy
    number: int = 1
    name: str = "web"
    starts_in: float | None = 0.1
    """Seconds; None: it never does."""
    _starts: int = 0
    _pods: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def key(self) -> Key:
        return Key("acme", "Deployment", "shop", self.name)

    @property
    def host(self) -> str:
        return f"{self.name}.example"

    @property
    def address(self) -> str:
        return self.proxy.address(1)

    @property
    def place(self) -> str:
        """Each start has an address of its own, as a pod has: the one before may still be leaving."""
        return self.proxy.address(131 + 3 * self.number + self._starts % 3)

    def expose(self, **annotations: str) -> None:
        """`annotations` are the Ingress'."""
        self.proxy.put("ELB", "default", metadata={"namespace": ""}, spec={"address": self.address}, status={})
        service(self.proxy, self.name, 10 + self.number, self.place, selector={"app": self.name})
        ingress(self.proxy, self.name, (self.host, [path(self.name)]), annotations=annotations)
        self.proxy.naps.pods[self.key] = self

    def begin(self, *, after: str, **annotations: str) -> None:
        self._pods.enter_context(pod(self.name, self.place))
        self.expose(**annotations)
        self.deploy(after=after)

    def deploy(self, *, after: str, replicas: int = 1) -> None:
        self.proxy.put(
            "Deployment",
            self.name,
            metadata={"annotations": {sleeping.AFTER: after}, "resourceVersion": str(self.proxy.revision + 1)},
            spec={"replicas": replicas, "template": {"metadata": {"labels": {"app": self.name}}}},
        )

    async def stop(self) -> None:
        """As pods leave: out of the proxy, what is under way has a moment, then it ends."""
        leaving, self._pods = self._pods, contextlib.ExitStack()
        self._endpoints()
        await self.proxy.tell()
        await self.proxy.table.wait_for(self.proxy.revision, seconds=5)
        await asyncio.sleep(0.05)
        leaving.close()

    async def start(self) -> None:
        if self.starts_in is None:
            return
        await asyncio.sleep(self.starts_in)
        self._starts += 1
        self._pods.enter_context(pod(self.name, self.place))
        self._endpoints(self.place)
        await self.proxy.tell()

    def _endpoints(self, *places: str) -> None:
        endpoints(_Quiet(self.proxy), self.name, *places)

    @property
    def is_asleep(self) -> bool:
        obj = self.proxy.world.sleepers.get(self.key)
        return obj is not None and sleeping.is_asleep(obj)

    def falls_asleep(self, *, seconds: float = 10) -> bool:
        return bool(eventually(lambda: self.is_asleep, True, seconds=seconds))

    def get(self, **more: Any) -> httpx.Response:
        return get(self.address, host=self.host, timeout=20, **more)

    def close(self) -> None:
        self._pods.close()


@dataclass
class _Quiet:
    """Puts into the world without telling anybody: for what is done in the proxy's own loop."""

    proxy: Proxy

    def put(self, kind: str, name: str, **parts: Any) -> JSON:
        return self.proxy.silently(kind, name, **parts)
