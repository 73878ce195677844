"""Envoy's configuration over one stream: the delta form of its aggregated discovery service (ADS).

A change goes out as what has changed and nothing else, and in the order that leaves no gap: clusters, their endpoints,
then certificates, listeners and routes that lead to them, then what nobody leads to any more. Each step waits until
Envoy has said that it has the one before, for a while.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import grpc
import orjson
from envoy.service.auth.v3 import external_auth_pb2_grpc
from envoy.service.discovery.v3 import ads_pb2_grpc, discovery_pb2
from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as Anything

import workloads.elb.types  # noqa: F401  (what resources are made of)
from workloads.routing.resources import CLUSTER, ENDPOINTS, LISTENER, ROUTES, SECRET, Resources

log = logging.getLogger(__name__)

JSON = dict[str, Any]
Name = tuple[str, str]

SAY_AGAIN_SECONDS = 5.0
PATIENCE_SECONDS = 2.0
"""For so long a step waits for Envoy's word on the one before."""
_REMOVED_LAST = (CLUSTER, ENDPOINTS)


@dataclass(frozen=True)
class Resource:
    version: str
    body: Anything


@dataclass(frozen=True)
class Snapshot:
    """What Envoy is to have, as of a revision of the log."""

    revision: int = 0
    number: int = 0
    """Of what was published so far: one revision may be told more than once, differently."""
    resources: Mapping[Name, Resource] = field(default_factory=dict)


class Ads(ads_pb2_grpc.AggregatedDiscoveryServiceServicer):  # type: ignore[misc]
    """All of it runs in one event loop."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self.is_loaded = False
        """Something was published: until then Envoy keeps what an earlier process told it."""
        self.rejected: dict[Name, str] = {}
        """What Envoy would not have, and why; it goes on with what it had."""
        self.sent = 0
        """Resources, to all Envoys together."""
        self._streams: set[_Stream] = set()
        self._kept: dict[Name, tuple[JSON, Resource | None]] = {}
        """What was published, and what it became: None for what is no resource of Envoy's."""
        self._progress = asyncio.Condition()

    @property
    def connected(self) -> int:
        return len(self._streams)

    @property
    def reached(self) -> int:
        """The revision that every Envoy has all of. Without one: nobody could serve anything older."""
        if not self.is_loaded:
            return 0
        return min((stream.reached for stream in self._streams), default=self.snapshot.revision)

    def publish(self, resources: Resources, revision: int) -> None:
        kept: dict[Name, tuple[JSON, Resource | None]] = {}
        for name, said in resources.items():
            before = self._kept.get(name)
            kept[name] = before if before is not None and before[0] is said else (said, self._made(name, said))
        self._kept = kept
        made = {name: resource for name, (_, resource) in kept.items() if resource is not None}
        self._show(revision, made)

    def pass_by(self, revision: int) -> None:
        """The log has gone on, and nothing follows from it here."""
        self._show(revision, self.snapshot.resources)

    async def wait_for(self, revision: int, *, seconds: float) -> int:
        """Until every Envoy has all of `revision`, or for so long. Returns what is reached."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._progress:
                await self._progress.wait_for(lambda: self.reached >= revision)
        return self.reached

    async def shown(self, number: int, *, seconds: float) -> bool:
        """Whether there is an Envoy, and every one has all that was published up to `number`; waits so long for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._progress:
                await self._progress.wait_for(lambda: self._has_shown(number))
        return self._has_shown(number)

    async def progress(self) -> None:
        """Until an Envoy has said something, or has gone."""
        async with self._progress:
            await self._progress.wait()

    def taken(self, name: Name) -> bool:
        """Whether there is an Envoy, and every one has said that it has this as it was published last."""
        return bool(self._streams) and name not in self.rejected and all(one.has_taken(name) for one in self._streams)

    def _has_shown(self, number: int) -> bool:
        return bool(self._streams) and min(stream.shown for stream in self._streams) >= number

    async def DeltaAggregatedResources(
        self, requests: AsyncIterator[Any], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Any]:
        stream = _Stream(self)
        self._streams.add(stream)
        log.info("Envoy asks for its configuration")
        reader = asyncio.create_task(stream.read(requests))
        try:
            async for response in stream.responses():
                yield response
        finally:
            reader.cancel()
            self._streams.discard(stream)
            await self.told()

    async def told(self) -> None:
        async with self._progress:
            self._progress.notify_all()

    def _show(self, revision: int, resources: Mapping[Name, Resource]) -> None:
        self.snapshot, self.is_loaded = Snapshot(revision, self.snapshot.number + 1, resources), True
        self.rejected = {name: why for name, why in self.rejected.items() if name in self._kept}
        for stream in self._streams:
            stream.wake.set()

    def _made(self, name: Name, said: JSON) -> Resource | None:
        """None for what is no resource of Envoy's, which is our mistake: the rest is served."""
        try:
            body = json_format.ParseDict({"@type": name[0], **said}, Anything())
        except json_format.ParseError as error:
            log.error("%s is not a resource of Envoy's: %s", name, error)
            self.rejected[name] = str(error)
            return None
        return Resource(hashlib.sha256(orjson.dumps(said)).hexdigest()[:16], body)


@dataclass
class _Subscription:
    """What a stream wants of one type, and what it has: versions by name."""

    everything: bool = False
    begun: bool = False
    """Something was sent: who wants everything is also told that there is nothing."""
    names: set[str] = field(default_factory=set)
    has: dict[str, str] = field(default_factory=dict)

    def wants(self, name: str) -> bool:
        return self.everything or name in self.names


class _Stream:
    """One Envoy."""

    def __init__(self, ads: Ads) -> None:
        self.wake = asyncio.Event()
        self.reached = 0
        self.shown = 0
        """The number of the last snapshot that it has all of."""
        self._ads = ads
        self._subscriptions: dict[str, _Subscription] = {}
        self._pending: dict[str, tuple[str, list[str]]] = {}
        """By nonce: what was sent and not answered yet."""
        self._heard = asyncio.Event()
        self._numbers = itertools.count(1)
        self._over = False

    def has_taken(self, name: Name) -> bool:
        resource, subscription = self._ads.snapshot.resources.get(name), self._subscriptions.get(name[0])
        if resource is None or subscription is None or subscription.has.get(name[1]) != resource.version:
            return False
        return not any(name[0] == type and name[1] in names for type, names in self._pending.values())

    async def read(self, requests: AsyncIterator[Any]) -> None:
        try:
            async for request in requests:
                self._take(request)
        finally:
            self._over = True
            self.wake.set()
            self._heard.set()

    async def responses(self) -> AsyncIterator[Any]:
        while not self._over:
            await self._woken()
            if not self._ads.is_loaded:
                continue
            snapshot = self._ads.snapshot
            clusters = self._additions(snapshot, (CLUSTER,))
            for response in clusters:
                yield response
            if clusters:
                await self._asked_for_endpoints(snapshot)
            for response in self._additions(snapshot, (ENDPOINTS,)):
                yield response
            await self._settle()
            for response in self._additions(snapshot, (SECRET, LISTENER, ROUTES)):
                yield response
            await self._settle()
            for response in self._removals(snapshot, (LISTENER, ROUTES, SECRET)):
                yield response
            await self._settle()
            for response in self._removals(snapshot, _REMOVED_LAST):
                yield response
            await self._settle()
            if not self._pending:
                self.reached = max(self.reached, snapshot.revision)
                self.shown = max(self.shown, snapshot.number)
                await self._ads.told()
            elif not self._over:
                log.warning("Envoy does not say whether it has revision %s", snapshot.revision)
                self._pending.clear()
                self.wake.set()

    async def _woken(self) -> None:
        """When there is something to say; what was rejected is said again now and then: an address that could not be
        had may be free."""
        try:
            async with asyncio.timeout(SAY_AGAIN_SECONDS if self._ads.rejected else None):
                await self.wake.wait()
        except TimeoutError:
            for type, name in self._ads.rejected:
                self._of(type).has.pop(name, None)
        self.wake.clear()

    async def _asked_for_endpoints(self, snapshot: Snapshot) -> None:
        """Envoy asks for a new cluster's endpoints when it has the cluster, and has the cluster when it has them: it
        says so only then."""
        asked = self._of(ENDPOINTS).names
        wanted = _names(snapshot.resources, CLUSTER)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not self._over and wanted - asked - _names(self._ads.rejected, CLUSTER):
                    self._heard.clear()
                    await self._heard.wait()

    def _additions(self, snapshot: Snapshot, types: Iterable[str]) -> list[Any]:
        found = []
        for type in types:
            if type not in self._subscriptions:
                continue
            subscription = self._subscriptions[type]
            new = {
                name: resource
                for (of, name), resource in snapshot.resources.items()
                if of == type and subscription.wants(name) and subscription.has.get(name) != resource.version
            }
            if new or (subscription.everything and not subscription.begun):
                found.append(self._response(type, new, ()))
        return found

    def _removals(self, snapshot: Snapshot, types: Iterable[str]) -> list[Any]:
        found = []
        for type in types:
            if type not in self._subscriptions:
                continue
            has = self._subscriptions[type].has
            gone = [name for name in has if (type, name) not in snapshot.resources]
            if gone:
                found.append(self._response(type, {}, gone))
        return found

    def _response(self, type: str, new: Mapping[str, Resource], gone: Iterable[str]) -> Any:
        nonce, removed = str(next(self._numbers)), list(gone)
        subscription = self._of(type)
        subscription.begun, has = True, subscription.has
        has |= {name: resource.version for name, resource in new.items()}
        for name in removed:
            del has[name]
        self._pending[nonce] = type, [*new, *removed]
        self._ads.sent += len(new)
        made = [
            discovery_pb2.Resource(name=name, version=resource.version, resource=resource.body)
            for name, resource in new.items()
        ]
        return discovery_pb2.DeltaDiscoveryResponse(
            type_url=type, resources=made, removed_resources=removed, nonce=nonce, system_version_info=nonce
        )

    async def _settle(self) -> None:
        """Until Envoy has answered all that was sent, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self._pending and not self._over:
                    self._heard.clear()
                    await self._heard.wait()

    def _take(self, request: Any) -> None:
        first = request.type_url not in self._subscriptions
        subscription = self._of(request.type_url)
        if first:
            subscription.has = dict(request.initial_resource_versions)
            subscription.everything = not request.resource_names_subscribe and request.type_url in (CLUSTER, LISTENER)
        for name in request.resource_names_subscribe:
            subscription.everything |= name == "*"
            subscription.names.add(name)
            if not first:
                subscription.has.pop(name, None)  # asked for again: sent again
        for name in request.resource_names_unsubscribe:
            subscription.names.discard(name)
            subscription.has.pop(name, None)
        if request.response_nonce:
            self._answered(request)
        if first or request.resource_names_subscribe:
            self.wake.set()
        self._heard.set()

    def _answered(self, request: Any) -> None:
        type, names = self._pending.pop(request.response_nonce, (request.type_url, []))
        if not request.HasField("error_detail"):
            for name in names:
                self._ads.rejected.pop((type, name), None)
            return
        why = request.error_detail.message
        if why not in self._ads.rejected.values():
            log.error("Envoy rejects its configuration and goes on with what it had: %s", why)
        accused = [name for name in names if name in why] or names
        for name in names:
            if name not in accused:
                self._ads.rejected.pop((type, name), None)
        for name in accused:
            self._ads.rejected[type, name] = why

    def _of(self, type: str) -> _Subscription:
        return self._subscriptions.setdefault(type, _Subscription())


def _names(of: Iterable[Name], type: str) -> set[str]:
    return {name for one, name in of if one == type}


async def serve(
    ads: Ads, place: str, held: external_auth_pb2_grpc.AuthorizationServicer | None = None
) -> grpc.aio.Server:
    """On a Unix socket; `held` is asked about requests that wait. Started; the caller stops it."""
    options = [
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
        # Envoy asks every few seconds whether we are there; gRPC would take that for an attack and hang up
        ("grpc.http2.min_ping_interval_without_data_ms", 1000),
        ("grpc.http2.max_ping_strikes", 0),
    ]
    server = grpc.aio.server(options=options)
    ads_pb2_grpc.add_AggregatedDiscoveryServiceServicer_to_server(ads, server)
    if held is not None:
        external_auth_pb2_grpc.add_AuthorizationServicer_to_server(held, server)
    server.add_insecure_port(f"unix:{place}")
    await server.start()
    return server
