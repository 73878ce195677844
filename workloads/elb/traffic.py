"""The process `manage.py traffic`: follows the log, keeps Envoy as the objects say, answers questions for names."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import orjson
from django.conf import settings
from django.db import close_old_connections, connection

from workloads.elb import ads, dns, doors, naps
from workloads.elb.complaints import Complaints
from workloads.elb.sleepers import Sleepers
from workloads.elb.world import JSON, KINDS, Home, World
from workloads.kinds import sleeping
from workloads.kinds.networks import SERVICES
from workloads.meta.keys import Key
from workloads.runtimes import routes
from workloads.store import changes, doorbell, objects
from workloads.store.changes import Entry, Tip

log = logging.getLogger(__name__)
T = TypeVar("T")

TICK_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
"""So long Envoy may take over a listener, or be away, before an ELB is said not to have it."""
AGAIN_SECONDS = 1.0
_AT_ONCE = 500


def run(folder: Path) -> None:
    """Until SIGTERM. `folder` is where the sockets are made."""
    asyncio.run(_run(folder))


async def _run(folder: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if problem := routes.make_local(str(SERVICES)):
        log.warning("Services have no addresses that pods reach: %s", problem)
    table = ads.Ads()
    place = folder / "ads.sock"
    place.unlink(missing_ok=True)
    follower = Follower(table, admin=folder / "envoy.sock")
    server = await ads.serve(table, str(place), follower.sleepers)
    duties = [
        asyncio.create_task(follower.follow(), name="follow"),
        asyncio.create_task(follower.hear(), name="hear"),
        asyncio.create_task(follower.sleepers.run(), name="sleepers"),
        asyncio.create_task(doors.serve(table, folder / "traffic.sock"), name="doors"),
    ]
    if settings.DNS:
        answering = dns.serve(Directory(follower), address=settings.DNS, stop=stop, ready=follower.loaded)
        duties.append(asyncio.create_task(answering, name="dns"))
    stopped = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({*duties, stopped}, return_when=asyncio.FIRST_COMPLETED)
    failed = [duty for duty in duties if duty.done()]
    for duty in duties:
        duty.cancel()
    await asyncio.gather(*duties, return_exceptions=True)
    await server.stop(grace=0.2)
    for duty in failed:
        duty.result()


class Follower:
    """Keeps a world and publishes what follows from it. The database is asked from one thread."""

    def __init__(self, table: ads.Ads, *, admin: Path) -> None:
        self.world = World()
        self.loaded = asyncio.Event()
        self._ads = table
        self._complaints = Complaints()
        self._waits: dict[Key, float] = {}
        """ELBs of which Envoy has not taken every listener, and since when."""
        self._place: Tip | None = None
        self._wake = asyncio.Event()
        self._database = ThreadPoolExecutor(1, thread_name_prefix="traffic-database")
        door = Door(self._database)
        self.sleepers = Sleepers(table, door, admin=admin, world=lambda: self.world, turn=self._wake.set)

    async def follow(self) -> None:
        """For ever. A database that is away is waited for: Envoy goes on with what it has."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._wake.set)

        with doorbell.listen(wake):
            while True:
                try:
                    await self._turn()
                except Exception:
                    log.exception("the log cannot be followed; tried again in %s s", AGAIN_SECONDS)
                    await loop.run_in_executor(self._database, connection.close)
                    await asyncio.sleep(AGAIN_SECONDS)

    async def hear(self) -> None:
        """For ever: what Envoy has taken is said at once where somebody waits for it."""
        while True:
            await self._ads.progress()
            if self._waits:
                self._wake.set()

    async def _turn(self) -> None:
        self._wake.clear()
        await self._catch_up()
        await self._complain()
        if self._wake.is_set():
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), TICK_SECONDS)

    async def _complain(self) -> None:
        about = {self.world.owner(resource): why for resource, why in self._ads.rejected.items()}
        known = {key: why for key, why in about.items() if key is not None}
        served = self._served(known) if self.loaded.is_set() else {}
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._database, self._complaints.say, known)
        await loop.run_in_executor(self._database, self._complaints.serve, served)

    def _served(self, rejected: Mapping[Key, str]) -> dict[Key, JSON]:
        """What Envoy has of each ELB; not of one that is in between."""
        now, waits, found = time.monotonic(), dict[Key, float](), dict[Key, JSON]()
        for key, listeners in self.world.elb_listeners().items():
            taken = sorted(port for port, resource in listeners.items() if self._ads.taken(resource))
            if len(taken) < len(listeners) and key not in rejected:
                waits[key] = self._waits.get(key, now)
                if now - waits[key] < PATIENCE_SECONDS:
                    continue
            said: JSON = {"serves": taken} if listeners else {}
            found[key] = said | ({"rejected": rejected[key]} if key in rejected else {})
        self._waits = waits
        return found

    async def _catch_up(self) -> None:
        loop = asyncio.get_running_loop()
        news = False
        while True:
            place = self._place
            entries = None if place is None else await loop.run_in_executor(self._database, _behind, place)
            if entries is None:
                self.world, self._place = await loop.run_in_executor(self._database, _load)
                news = True
                self.loaded.set()
                continue
            self.world.follow(entries)
            if entries:
                last, news = entries[-1], True
                self._place = Tip(last.revision, last.uid, last.at)
            if len(entries) < _AT_ONCE:
                break
        if self._place is None:
            return
        self.sleepers.look()
        if self.world.render():
            self._ads.publish(self.world.resources, self._place.revision)
        elif news:
            self._ads.pass_by(self._place.revision)
        await self.sleepers.published()


class Door:
    """By which workloads are put to sleep and woken. The database is asked from the follower's thread."""

    def __init__(self, database: ThreadPoolExecutor) -> None:
        self._database = database

    async def put_to_sleep(self, key: Key, deployment: JSON) -> int | None:
        return await self._ask(partial(naps.put_to_sleep, key, deployment))

    async def wake(self, key: Key, *, at: str) -> None:
        await self._ask(partial(naps.wake, key, at=at))

    async def _ask(self, work: Callable[[], T]) -> T:
        def asked() -> T:
            close_old_connections()
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._database, asked)


class Directory:
    """Of names: who is there now. The follower makes its world anew when the log has run away from it."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    def home(self, ip: str) -> Home | None:
        return self._follower.world.home(ip)

    def service(self, account: str, namespace: str, name: str) -> JSON | None:
        return self._follower.world.service(account, namespace, name)

    def services(self, account: str, namespace: str) -> list[JSON]:
        return self._follower.world.services(account, namespace)

    def slices(self, account: str, namespace: str, name: str) -> list[JSON]:
        return self._follower.world.slices(account, namespace, name)

    def resolvers(self, account: str, namespace: str) -> list[str]:
        return self._follower.world.resolvers(account, namespace)


def _behind(place: Tip) -> list[Entry] | None:
    close_old_connections()
    if place == changes.NOTHING:
        return changes.after(0, limit=_AT_ONCE)
    return changes.behind(place, limit=_AT_ONCE)


def _load() -> tuple[World, Tip]:
    """Everything there is. What changes meanwhile is behind the place and is followed next."""
    close_old_connections()
    place, world = changes.tip(), World()
    for kind in KINDS:
        sieve = [sleeping.SIEVE] if kind == "Deployment" else []
        for row in objects.scan(kind, deleting=True if kind == "Pod" else None, containing=sieve).rows:
            world.put(row.key, orjson.loads(row.data))
    log.info("%s objects decide where traffic goes, as of revision %s", world.size, place.revision)
    return world, place
