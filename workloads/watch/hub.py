"""Tails the log once for all followers of an event loop.

The database is read in one thread of the hub's own, so the loop never waits for it. The hub begins with its first
follower and ends with its last; nothing is left running that nobody listens to.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from weakref import WeakKeyDictionary

from django.db import connection

from workloads.meta.errors import Expired, Unavailable
from workloads.store import changes, doorbell
from workloads.store.changes import Entry
from workloads.watch.interest import Interest, Sighting, WatchEvent

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
START_SECONDS = 10.0
"""How long a follower waits for a database that does not answer."""
QUEUE_LENGTH = 1000
"""Events a follower may be behind before it is cut off."""
QUEUE_BYTES = 64 * 1024 * 1024
MEMORY_LENGTH = 2000
"""Newest entries kept at hand: who has just listed need not ask the database for what came since."""
MEMORY_BYTES = 32 * 1024 * 1024
"""Objects may be large, and whoever writes them does not choose how much of them is kept here."""
PAGE = 500

_T = TypeVar("_T")


async def close() -> None:
    """Ends every watch of this event loop, as at the end of its time. For the server's shutdown."""
    hub = _hubs.get(asyncio.get_running_loop())
    if hub is not None:
        await hub.close()


class Follower:
    """One reader's bounded queue. `heard_from` is the revision behind which it has heard everything."""

    def __init__(self, interest: Interest) -> None:
        self.interest = interest
        self.heard_from = 0
        self.ended = False
        self.at_once: Callable[[WatchEvent], bool] | None = None
        """Offered what comes while the reader waits; tells whether it has taken it."""
        self._lost = False
        self._events: list[WatchEvent] = []
        self._bytes = 0
        self._waiting: asyncio.Future[None] | None = None

    @property
    def caught_up(self) -> bool:
        return not self._events

    async def next(self, *, timeout: float | None) -> list[WatchEvent]:
        """What has come since the last time, at once. Empty when nothing came in time, or the hub has ended. Raises
        Expired when the reader was too slow."""
        if not self._events and not self._lost and not self.ended:
            await self._wait(timeout)
        if self._lost:
            raise Expired("too slow: too many changes are waiting to be read; list again and watch from there")
        events, self._events, self._bytes = self._events, [], 0
        return events

    def hear(self, sighting: Sighting, *, alone: bool = False) -> None:
        """Never waits: who has no room left is cut off. What comes `alone` need not wake the reader; of several, it
        reads as many as it can together."""
        event = self.interest.view(sighting)
        if event is None or self._lost:
            return
        if alone and self._is_waited_for and self.at_once is not None and self.at_once(event):
            return
        if len(self._events) >= QUEUE_LENGTH or self._bytes > QUEUE_BYTES:
            self.cut_off()
            return
        self._events.append(event)
        self._bytes += len(event.data)
        self._wake()

    @property
    def _is_waited_for(self) -> bool:
        return self._waiting is not None and not self._events

    def cut_off(self) -> None:
        self._lost = True
        self._events.clear()
        self._wake()

    def end(self) -> None:
        self.ended = True
        self._wake()

    async def _wait(self, timeout: float | None) -> None:
        """A bare future and timer: a thousand of these wake at once."""
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        timer = None if timeout is None else loop.call_later(timeout, self._wake)
        try:
            await self._waiting
        finally:
            self._waiting = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class Hub:
    """`position` is the revision up to which every follower has been told."""

    @classmethod
    def of_this_loop(cls) -> Hub:
        loop = asyncio.get_running_loop()
        if loop not in _hubs:
            _hubs[loop] = cls()
        return _hubs[loop]

    def __init__(self) -> None:
        self.position = 0
        self._loop = asyncio.get_running_loop()
        self._followers: defaultdict[tuple[str, str], set[Follower]] = defaultdict(set)
        self._count = 0
        self._memory: deque[Entry] = deque()
        self._memory_bytes = 0
        self._remembers_from = 0
        self._bell = asyncio.Event()
        self._begun = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="watch")
        self._tail: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def listening(self, interest: Interest) -> AsyncIterator[Follower]:
        """A follower that hears everything from now on. The first one starts the hub, the last one ends it."""
        follower = Follower(interest)
        self._enter(follower)
        try:
            await self._beginning()
            yield follower
        finally:
            self._leave(follower)
            if not self._count:
                await self.close()

    async def head(self) -> int:
        """The log's newest revision, which may be ahead of what the hub has read."""
        return await self._read(changes.head)

    async def page(self, since: int, interest: Interest) -> list[Entry]:
        """Entries behind `since`, from memory or the database, among them all of interest up to the last one.
        Raises Expired when some are gone."""
        if since >= self._remembers_from:
            return [entry for entry in self._memory if entry.revision > since]
        return await self._read(lambda: _page(since, interest))

    async def close(self) -> None:
        """Ends the followers that are left, then the thread and its connection."""
        if _hubs.get(self._loop) is self:
            del _hubs[self._loop]
        for followers in self._followers.values():
            for follower in followers:
                follower.end()
        tail, self._tail = self._tail, None
        if tail is None:
            return
        tail.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await tail
        await self._loop.run_in_executor(self._thread, _hang_up)
        self._thread.shutdown(wait=False)

    def _enter(self, follower: Follower) -> None:
        for kind in follower.interest.kinds:
            self._followers[follower.interest.account, kind].add(follower)
        self._count += 1
        follower.heard_from = self.position
        if self._tail is None:
            self._tail = asyncio.create_task(self._run(), name="watch")

    def _leave(self, follower: Follower) -> None:
        for kind in follower.interest.kinds:
            place = (follower.interest.account, kind)
            self._followers[place].discard(follower)
            if not self._followers[place]:
                del self._followers[place]
        self._count -= 1

    async def _beginning(self) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._begun.wait()
        except TimeoutError:
            raise Unavailable("the log of changes cannot be read at the moment", retry_after=5) from None

    async def _run(self) -> None:
        """Reads on at every bell and every tick; a database that fails is asked again at the next."""
        with doorbell.listen(self._wake):
            while True:
                self._bell.clear()
                try:
                    await self._catch_up()
                except Exception:
                    log.exception("the log could not be read; trying again")
                    await asyncio.sleep(TICK_SECONDS)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_SECONDS):
                        await self._bell.wait()

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._bell.set)

    async def _catch_up(self) -> None:
        if not self._begun.is_set():
            self._begin(await self._read(changes.head))
        while entries := await self._next():
            for entry in entries:
                self._tell(entry, alone=len(entries) == 1)
            if len(entries) < PAGE:
                return
            await asyncio.sleep(0)  # lets followers read before their queues are full

    async def _next(self) -> list[Entry]:
        try:
            return await self._read(lambda: _behind(self.position))
        except Expired:
            log.warning("the log was trimmed beyond %s while nobody read it; every watch starts over", self.position)
            self._lose(await self._read(changes.head))
            return []

    def _lose(self, head: int) -> None:
        self._memory.clear()
        self._memory_bytes = 0
        self._begin(head)
        for follower in {follower for followers in self._followers.values() for follower in followers}:
            follower.cut_off()

    def _begin(self, head: int) -> None:
        self.position = self._remembers_from = head
        for followers in self._followers.values():
            for follower in followers:
                follower.heard_from = head
        self._begun.set()

    def _tell(self, entry: Entry, *, alone: bool) -> None:
        self.position = entry.revision
        self._remember(entry)
        sighting = Sighting(entry)
        for follower in tuple(self._followers.get((entry.key.account, entry.key.kind), ())):
            try:
                follower.hear(sighting, alone=alone)
            except Exception:
                log.exception("a follower of %s was cut off", entry.key)
                follower.cut_off()

    def _remember(self, entry: Entry) -> None:
        self._memory.append(entry)
        self._memory_bytes += _size(entry)
        while len(self._memory) > MEMORY_LENGTH or self._memory_bytes > MEMORY_BYTES:
            forgotten = self._memory.popleft()
            self._memory_bytes -= _size(forgotten)
            self._remembers_from = forgotten.revision

    async def _read(self, question: Callable[[], _T]) -> _T:
        return await self._loop.run_in_executor(self._thread, _asked, question)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def _asked(question: Callable[[], _T]) -> _T:
    """In the hub's thread. A connection that failed is not used again."""
    try:
        return question()
    except Exception:
        _hang_up()
        raise


def _hang_up() -> None:
    """Closes this thread's connection."""
    connection.close()


def _size(entry: Entry) -> int:
    return len(entry.data) + len(entry.previous or b"")


def _behind(position: int) -> list[Entry]:
    """The next entries. Raises Expired when some are gone, as after a process had been stopped for long."""
    entries = changes.after(position, limit=PAGE)
    if entries and entries[0].revision > position + 1 and position < changes.floor():
        raise Expired(f"the log now begins behind {position}")
    return entries


def _page(since: int, interest: Interest) -> list[Entry]:
    entries = changes.after(since, kinds=interest.kinds, account=interest.account, limit=PAGE)
    floor = changes.floor()  # asked last: what was trimmed meanwhile may be missing
    if since < floor:
        raise Expired(f"too old resource version: {since} ({floor})")
    return entries
