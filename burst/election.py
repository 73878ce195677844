"""Which of several replicas acts: a Lease in the cluster, as client-go elects. The others answer the webhook."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from burst import times
from burst.api import Api, ApiError, Unreachable

JSON = dict[str, Any]

LEASE = "cci-burst"
DURATION, RENEW_WITHIN, RETRY = 15.0, 10.0, 2.0

log = logging.getLogger(__name__)


class Election:
    """Who holds the Lease is believed as long as it changes within its duration, by this machine's own clock."""

    def __init__(self, cluster: Api, identity: str, *, namespace: str, clock: Callable[[], float] = time.monotonic):
        self._cluster, self.identity, self._namespace, self._clock = cluster, identity, namespace, clock
        self._seen: JSON = {}
        self._seen_at = 0.0
        self._held: JSON | None = None
        """The Lease as it was written last by this one: as long as nobody else wrote it, it need not be read again."""

    async def lead(
        self, act: Callable[[], Awaitable[None]], leave: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Waits for its turn, then runs `act` until it ends or the Lease is lost. Gives the Lease back.

        `leave` is run before that, when this is cancelled while it leads: who has lost the Lease may do nothing more.
        """
        renewed = self._clock()
        while not await self._attempt(RENEW_WITHIN):
            await asyncio.sleep(RETRY)
            renewed = self._clock()
        log.info("%s leads", self.identity)
        acting = asyncio.ensure_future(act())
        told_to_go = False
        try:
            await self._hold(acting, renewed)
        except asyncio.CancelledError:
            told_to_go = True
            raise
        finally:
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)
            if told_to_go and leave is not None:
                await leave()
            await self.resign()
        if not acting.cancelled():
            acting.result()

    async def _hold(self, acting: asyncio.Future[None], renewed: float) -> None:
        """`renewed`: when the attempt began that wrote the Lease. Others wait longer than RENEW_WITHIN from then on."""
        while True:
            done, _ = await asyncio.wait({acting}, timeout=RETRY)
            if done:
                return
            began = self._clock()
            if await self._attempt(renewed + RENEW_WITHIN - began):
                renewed = began
            elif self._clock() - renewed >= RENEW_WITHIN:
                log.warning("the lease is lost: another replica may act now")
                return

    async def _attempt(self, within: float) -> bool:
        """An API that does not answer within so many seconds has not said yes."""
        try:
            async with asyncio.timeout(within):
                return await self.acquire()
        except (ApiError, *Unreachable) as error:
            log.info("the lease cannot be written: %s", error or type(error).__name__)
            return False

    async def acquire(self) -> bool:
        """Takes or prolongs the Lease where it may be. Raises ApiError."""
        now, held = times.now(), self._held
        if held is not None and await self._put(held | {"spec": held["spec"] | {"renewTime": times.micro(now)}}):
            return True
        lease = await self._cluster.find("leases", self._namespace, LEASE)
        if lease is None:
            return await self._create(now)
        spec = lease.get("spec") or {}
        if spec != self._seen:
            self._seen, self._seen_at = spec, self._clock()
        holder = spec.get("holderIdentity")
        ended = self._clock() - self._seen_at > float(spec.get("leaseDurationSeconds") or DURATION)
        if holder and holder != self.identity and not ended:
            return False
        renewed = spec | {"renewTime": times.micro(now), "leaseDurationSeconds": int(DURATION)}
        if holder != self.identity:
            renewed |= {
                "holderIdentity": self.identity,
                "acquireTime": times.micro(now),
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + 1,
            }
        return await self._put(lease | {"spec": renewed})

    async def resign(self) -> None:
        """Another replica may act at once."""
        with suppress(ApiError, *Unreachable):
            lease = await self._cluster.find("leases", self._namespace, LEASE)
            if lease and (lease.get("spec") or {}).get("holderIdentity") == self.identity:
                await self._put(lease | {"spec": lease["spec"] | {"holderIdentity": "", "leaseDurationSeconds": 1}})

    async def _create(self, now: Any) -> bool:
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": LEASE, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self.identity,
                "acquireTime": times.micro(now),
                "renewTime": times.micro(now),
                "leaseDurationSeconds": int(DURATION),
                "leaseTransitions": 0,
            },
        }
        try:
            await self._cluster.create("leases", lease, namespace=self._namespace)
        except ApiError as error:
            if error.conflict:
                return False
            raise
        return True

    async def _put(self, lease: JSON) -> bool:
        """Whether it was still as this one knew it."""
        self._held = None
        try:
            written = await self._cluster.replace("leases", lease, namespace=self._namespace, name=LEASE)
        except ApiError as error:
            if error.conflict or error.not_found:
                return False
            raise
        if (written.get("spec") or {}).get("holderIdentity") == self.identity:
            self._held = written
        return True
