"""What the one replica that leads does: the node, its heartbeats, its pods."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from burst.api import Api, ApiError, Unreachable
from burst.heartbeat import RENEW_SECONDS, Heartbeat
from burst.locals import Locals
from burst.mirrors import Mirror
from burst.node import HEARTBEAT_SECONDS, STATUS_SECONDS, Place, VirtualNode
from burst.pods import Pods
from burst.translate import Cluster

RETRY_SECONDS = 5.0

log = logging.getLogger(__name__)


class Leader:
    def __init__(self, cluster_api: Api, cci: Api, cluster: Cluster, place: Place, heartbeat: Heartbeat) -> None:
        self.node = VirtualNode(cluster_api, cci, cluster.namespace, place)
        self.pods = Pods(cluster_api, cci, cluster, place)
        self.heartbeat = heartbeat
        self.locals = Locals(cluster_api)
        self._quotas = Mirror(cci, "resourcequotas", cluster.namespace, changed=lambda before, now: self._measure.set())
        self._measure = asyncio.Event()
        self._told_at = self._beat_at = float("-inf")

    async def run(self) -> None:
        """Until it is cancelled. Nothing is registered in the cluster before CCI has answered."""
        await self._until_done(self._prepare)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._quotas.run())
            tasks.create_task(self.locals.run())
            tasks.create_task(self._measuring())
            tasks.create_task(self._beating())
            tasks.create_task(self.pods.run())

    async def beat(self) -> None:
        """One heartbeat: first the cluster's; only when that went well, CCI's. Raises ApiError."""
        await self.node.beat()
        now = time.monotonic()
        if now - self._beat_at >= RENEW_SECONDS - 1:
            self.node.reachable = await self._beat_cci()
            if self.node.reachable:
                self._beat_at = now
        if now - self._told_at >= STATUS_SECONDS:
            await self.node.tell_again()
            self._told_at = now
        else:
            await self.node.tell()

    async def _beat_cci(self) -> bool:
        try:
            await self.heartbeat.beat(local=self.locals.count)
        except (ApiError, *Unreachable) as error:
            log.warning("CCI does not take the heartbeat: %s", error or type(error).__name__)
            return False
        return True

    async def _prepare(self) -> None:
        await self.heartbeat.beat()
        await self.node.measure()
        await self.node.register()

    async def _beating(self) -> None:
        while True:
            try:
                await self.beat()
            except (ApiError, *Unreachable) as error:
                log.warning("the cluster does not take the heartbeat: %s", error or type(error).__name__)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _measuring(self) -> None:
        while True:
            await self._measure.wait()
            self._measure.clear()
            await self._until_done(self._tell_capacity)

    async def _tell_capacity(self) -> None:
        await self.node.measure()
        await self.node.tell()

    @staticmethod
    async def _until_done(step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await step()
                return
            except (ApiError, *Unreachable) as error:
                log.warning("not ready yet: %s", error or type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
