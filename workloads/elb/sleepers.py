"""Workloads that nobody asks stop, and start with the next request, which waits for them (docs/decisions/0012).

Falling asleep: (1) Envoy has it that requests for the workload's Services are held, here; (2) its counters say that
none came meanwhile and none is under way; (3) one write sets the number of pods to 0 and remembers it. Before (3)
nothing is lost when this process dies, after it the objects say everything: whoever reads them holds, and wakes. A
request that comes in between is answered here and ends the attempt, or wakes the workload right behind it.

A request that is held asks `Check` and goes on when Envoy has said that it has the endpoints of a pod that is ready.
All of it runs in one event loop; the database is asked through `Doors`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import grpc
from envoy.config.core.v3 import base_pb2
from envoy.service.auth.v3 import external_auth_pb2, external_auth_pb2_grpc
from envoy.type.v3 import http_status_pb2
from google.rpc import status_pb2  # type: ignore[import-untyped]

from workloads.elb import idle
from workloads.elb.ads import Ads
from workloads.elb.idle import Counts, Sample
from workloads.elb.relay import Relay
from workloads.elb.world import World
from workloads.kinds import sleeping
from workloads.meta import times
from workloads.meta.errors import StatusError
from workloads.meta.keys import Key
from workloads.routing import outside, replies
from workloads.routing.resources import ROUTES

log = logging.getLogger(__name__)

JSON = dict[str, Any]

WAKING = sleeping.LONGEST_WAIT
"""Seconds for which requests wait for a workload that was woken; then it is one without ready pods like any other."""
SETTLE = 0.25
"""Seconds between Envoy's word and the last look: its threads learn a moment later than it says."""
PATIENCE = 5.0
"""Seconds for a step that others take part in."""
GOING = 2.0
"""Seconds for pods that were told to stop to be out, before new ones are asked for."""
LONGEST_PERIOD, SHORTEST_PERIOD = 15.0, 0.1
_UNAVAILABLE, _PERMITTED = 14, 0


class Door(Protocol):
    """What writes Deployments."""

    async def put_to_sleep(self, key: Key, deployment: JSON) -> int | None:
        """The revision of the write; None when the Deployment is no longer what was judged."""

    async def wake(self, key: Key, *, at: str) -> None:
        """Unless it is awake. Raises StatusError."""


@dataclass
class _Attempt:
    """To put a workload to sleep."""

    is_disturbed: bool = False
    is_writing: bool = False
    """From here on its pods may go at any moment."""


@dataclass
class _Queue:
    """Requests that wait for one Service."""

    outcome: asyncio.Future[str]
    """Why they may not go on; "" when they may."""
    waiting: int = 0


@dataclass
class _Idle:
    counts: Counts
    since: float


@dataclass
class _Known:
    """What the world said at the last look: what is published, where the world may be further."""

    services: Mapping[Key, list[Key]] = field(default_factory=dict)
    """By Deployment."""
    sleepers: Mapping[Key, list[Key]] = field(default_factory=dict)
    """Deployments by Service."""
    asleep: frozenset[Key] = frozenset()
    up: frozenset[Key] = frozenset()
    """Services with a pod that is ready and stays."""
    revisions: Mapping[Key, int] = field(default_factory=dict)
    """Of Deployments."""


class Sleepers(external_auth_pb2_grpc.AuthorizationServicer):  # type: ignore[misc]
    """`world` is the one that is published now; `turn` asks for a look at it and for what follows to be published."""

    def __init__(self, table: Ads, door: Door, *, admin: Path, world: Callable[[], World], turn: Callable[[], None]):
        self._table, self._door, self._admin = table, door, admin
        self._world, self._turn = world, turn
        self._relay = Relay(
            admin.with_name("held"), wait=self.wait, places=lambda service, port: world().places(service, port)
        )
        self._known = _Known()
        self._is_loaded = False
        self._going: dict[Key, _Attempt] = {}
        self._waking: dict[Key, float] = {}
        """Until when requests wait for it, at most."""
        self._idle: dict[Key, _Idle] = {}
        self._queues: dict[Key, _Queue] = {}
        self._healthy: set[Key] = set()
        self._without_socket: set[str] = set()
        """Clusters of layer 4 of which that has been said."""
        self._turned = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    # What is held

    def look(self) -> None:
        """Before the world is rendered: tells it what is held."""
        world, now = self._world(), time.monotonic()
        services = {key: world.services_of(key) for key in world.sleepers}
        sleepers: dict[Key, list[Key]] = {}
        for key, found in services.items():
            for service in found:
                sleepers.setdefault(service, []).append(key)
        asleep = frozenset(key for key, obj in world.sleepers.items() if sleeping.is_asleep(obj))
        self._note_the_woken(world, asleep, now)
        up = frozenset(service for service in sleepers if self._is_served(service))
        revisions = {key: int(obj["metadata"]["resourceVersion"]) for key, obj in world.sleepers.items()}
        self._known, self._is_loaded = _Known(services, sleepers, asleep, up, revisions), True
        for key, deadline in list(self._waking.items()):
            if key in asleep or now > deadline or up.issuperset(services.get(key, ())):
                del self._waking[key]
        world.let_go(self._waking.keys())
        held = {service for key in (*asleep, *self._going) for service in services.get(key, ())}
        held |= {one for key in self._waking for one in services.get(key, ()) if one not in up}
        self._healthy &= held
        self._relay.keep(sleepers.keys())
        world.hold({service: self._waiting_at(service) for service in held})

    def _waiting_at(self, service: Key) -> dict[str, str]:
        """Where connections of layer 4 wait. A port for which there is no socket has none: connections to it are
        refused while it sleeps, and nobody else is held up by it."""
        found = {}
        for port, cluster in self._world().tcp(service).items():
            try:
                found[cluster] = self._relay.path(service, port, cluster)
            except OSError as error:
                if cluster not in self._without_socket:
                    log.error("connections to port %s of %s cannot wait for its pods: %s", port, service, error)
                self._without_socket.add(cluster)
        return found

    def _note_the_woken(self, world: World, asleep: frozenset[Key], now: float) -> None:
        """An earlier process may have woken some: their annotation says when."""
        if self._is_loaded:
            woken = self._known.asleep - asleep
            self._waking |= {key: now + WAKING for key in woken if key in world.sleepers}
            return
        for key, obj in world.sleepers.items():
            since = _seconds_since(sleeping.woken(obj))
            if key not in asleep and since < WAKING:
                self._waking[key] = now + WAKING - since

    def _is_served(self, service: Key) -> bool:
        world = self._world()
        return world.is_ready(service) and (service in self._healthy or not world.is_checked(service))

    async def published(self) -> None:
        """What `look` said has been published."""
        async with self._turned:
            self._turned.notify_all()

    def _is_open(self, service: Key) -> bool:
        """Whether a request for it may go on, as soon as Envoy has what was published: there is a pod, or nobody is on
        the way any more and Envoy says so itself. Nobody knows before the world has been read."""
        known = self._known
        sleepers = known.sleepers.get(service, ())
        if not self._is_loaded:
            return False
        if any(key in known.asleep or (key in self._going and self._going[key].is_writing) for key in sleepers):
            return False
        return service in known.up or not any(key in self._waking for key in sleepers)

    # Requests that wait

    async def Check(self, request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        try:
            service = Key.parse(request.attributes.context_extensions[outside.HELD])
        except ValueError:
            log.error("a request is held for nobody: %s", request.attributes.context_extensions)
            return _PASS
        refusal = await self.wait(service)
        return _denied(refusal) if refusal else _PASS

    async def wait(self, service: Key) -> str:
        """Until a request for the Service may go on: "", or why it may not."""
        queue = self._queues.get(service)
        if queue is None:
            queue = self._queues[service] = _Queue(asyncio.get_running_loop().create_future())
            self._begin(self._serve(service, queue), f"wake {service}")
        name = f"Service {service.namespace}/{service.name}"
        if queue.waiting >= sleeping.MOST_WAITING:
            return f"{name} is being started, and {queue.waiting} requests wait for it already. Try again in a moment."
        queue.waiting += 1
        try:
            async with asyncio.timeout(sleeping.LONGEST_WAIT):
                return await asyncio.shield(queue.outcome)
        except TimeoutError:
            return (
                f"{name} is being started, and no pod of it was ready within {sleeping.LONGEST_WAIT} seconds. "
                "If it is yours: see the events of its pods."
            )
        finally:
            queue.waiting -= 1

    async def _serve(self, service: Key, queue: _Queue) -> None:
        """Wakes whoever sleeps behind it, until requests may go on or nobody waits any more."""
        refusal = ""
        try:
            await self._opened(service, queue)
        except StatusError as error:
            log.warning("%s cannot be woken: %s", service, error.message)
            refusal = (
                f"Service {service.namespace}/{service.name} was asleep and could not be started. "
                "If it is yours: wake its Deployment, and see what is said to that."
            )
        except Exception:
            log.exception("%s cannot be woken", service)
            refusal = f"Service {service.namespace}/{service.name} was asleep and could not be started."
        finally:
            del self._queues[service]
            queue.outcome.set_result(refusal)

    async def _opened(self, service: Key, queue: _Queue) -> None:
        while True:
            for key in self._known.sleepers.get(service, ()):
                if key in self._going:
                    self._going[key].is_disturbed = True
            if self._is_open(service) and await self._table.shown(self._table.snapshot.number, seconds=PATIENCE):
                return
            await self._wake(service)
            async with self._turned:
                if not self._is_open(service):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._turned.wait(), 1.0)
            await self._ask_for_health(service)
            if not queue.waiting:
                return

    async def _wake(self, service: Key) -> None:
        known = self._known
        asleep = [key for key in known.sleepers.get(service, ()) if key in known.asleep]
        if not asleep:
            return
        with suppress(TimeoutError):  # pods of others may be behind it, too
            async with asyncio.timeout(GOING), self._turned:
                await self._turned.wait_for(lambda: service not in self._known.up)
        for key in asleep:
            await self._door.wake(key, at=times.format_micro(datetime.now(UTC)))
        self._turn()

    async def _ask_for_health(self, service: Key) -> None:
        """Where the proxy itself asks pods how they are, a new one is served when it has answered."""
        world = self._world()
        if not world.is_ready(service) or not world.is_checked(service) or service in self._healthy:
            return
        await self._table.shown(self._table.snapshot.number, seconds=PATIENCE)
        with suppress(idle.Away):
            if (await idle.health(self._admin)).healthy(world.routed(service)):
                self._healthy.add(service)
                self._turn()

    # Falling asleep

    async def run(self) -> None:
        """For ever: looks who is idle."""
        while True:
            await asyncio.sleep(self._pause())
            candidates = self._candidates()
            if self._waking:
                self._turn()
            if not candidates:
                self._idle.clear()
                continue
            try:
                sample = await idle.sample(self._admin)
            except idle.Away as error:
                log.info("nobody falls asleep: Envoy does not say who is asked: %s", error)
                self._idle.clear()
                continue
            for key in self._idle_for_long(candidates, sample):
                self._going[key] = _Attempt()
                self._begin(self._put_to_sleep(key, candidates[key], self._idle.pop(key).counts), f"sleep {key}")

    def _pause(self) -> float:
        """Seconds; who has been idle for nearly long enough is looked at when it is."""
        now, world = time.monotonic(), self._world()
        pause = LONGEST_PERIOD if world.sleepers else 1.0
        for key, obj in world.sleepers.items():
            wished = sleeping.after(obj) or sleeping.LONGEST
            pause = min(pause, wished / 10)
            if key in self._idle:
                pause = min(pause, self._idle[key].since + wished - now)
        return max(pause, SHORTEST_PERIOD)

    def _candidates(self) -> dict[Key, JSON]:
        """Deployments that are awake and up, and that a request could wake."""
        known, world = self._known, self._world()
        found = {}
        for key, obj in world.sleepers.items():
            services = known.services.get(key, ())
            rests = key in known.asleep or key in self._going or key in self._waking or not obj["spec"].get("replicas")
            if rests or sleeping.after(obj) is None or "deletionTimestamp" in obj["metadata"]:
                continue
            if any(map(world.tcp, services)) and any(map(world.is_ready, services)):
                found[key] = obj
        return found

    def _idle_for_long(self, candidates: Mapping[Key, JSON], sample: Sample) -> list[Key]:
        now, found = time.monotonic(), []
        for key in self._idle.keys() - candidates.keys():
            del self._idle[key]
        for key, obj in candidates.items():
            counts = self._counts(key, sample)
            known = self._idle.get(key)
            if known is None or known.counts != counts or counts.under_way:
                self._idle[key] = _Idle(counts, now)
            elif now - known.since >= (sleeping.after(obj) or sleeping.LONGEST):
                found.append(key)
        return found

    def _counts(self, key: Key, sample: Sample) -> Counts:
        world = self._world()
        services = self._known.services.get(key, ())
        routed = {name for service in services for name in world.routed(service)}
        own = {name for service in services for name in world.clusters(service)} - routed
        return sample.of(own=own, routed=routed)

    async def _put_to_sleep(self, key: Key, deployment: JSON, counts: Counts) -> None:
        attempt = self._going[key]
        try:
            if not await self._is_held(key):
                return
            await asyncio.sleep(SETTLE)
            if not await self._is_still_idle(key, counts) or attempt.is_disturbed:
                return
            attempt.is_writing = True
            revision = await self._door.put_to_sleep(key, deployment)
            if revision is not None:
                await self._has_seen(key, revision)
        except (idle.Away, StatusError) as error:
            log.warning("%s does not fall asleep: %s", key, error)
        except Exception:
            log.exception("%s may not have fallen asleep: what was written is read", key)
        finally:
            del self._going[key]
            self._turn()

    async def _is_held(self, key: Key) -> bool:
        """Envoy has it that requests for it wait."""
        services = set(self._known.services.get(key, ()))
        self._turn()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE), self._turned:
                await self._turned.wait_for(lambda: services <= self._world().held)
        if not services <= self._world().held or not await self._table.shown(
            self._table.snapshot.number, seconds=PATIENCE
        ):
            log.warning("%s does not fall asleep: Envoy does not say that requests for it are held", key)
            return False
        rejected = {name for type, name in self._table.rejected if type == ROUTES}
        if refused := rejected & {name for service in services for name in self._world().tables(service)}:
            log.warning("%s does not fall asleep: Envoy rejects %s", key, ", ".join(sorted(refused)))
        return not refused

    async def _is_still_idle(self, key: Key, counts: Counts) -> bool:
        sample = await idle.sample(self._admin)
        now = self._counts(key, sample)
        world = self._world()
        reading = {name for one in self._known.services.get(key, ()) for name in world.buffering(one)}
        return now == counts and not now.under_way and not sample.being_read(reading)

    async def _has_seen(self, key: Key, revision: int) -> None:
        """The world knows what was written."""

        def knows() -> bool:
            return self._known.revisions.get(key, revision) >= revision

        self._turn()
        async with self._turned:
            await self._turned.wait_for(knows)

    def _begin(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _seconds_since(stamp: str) -> float:
    try:
        return max(0.0, (datetime.now(UTC) - times.parse(stamp)).total_seconds())
    except ValueError:
        return float("inf")


_PASS = external_auth_pb2.CheckResponse(
    status=status_pb2.Status(code=_PERMITTED), ok_response=external_auth_pb2.OkHttpResponse()
)


def _denied(why: str) -> Any:
    headers: Iterable[tuple[str, str]] = (
        ("Retry-After", replies.RETRY_AFTER),
        ("Content-Type", "text/html; charset=utf-8"),
    )
    return external_auth_pb2.CheckResponse(
        status=status_pb2.Status(code=_UNAVAILABLE),
        denied_response=external_auth_pb2.DeniedHttpResponse(
            status=http_status_pb2.HttpStatus(code=503),
            headers=[
                base_pb2.HeaderValueOption(
                    header=base_pb2.HeaderValue(key=name, value=value),
                    append_action=base_pb2.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
                )
                for name, value in headers
            ],
            body=replies.asleep(why),
        ),
    )
