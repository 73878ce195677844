"""List, then follow. kubectl's `-w` and the browser's page read the same log in the same order.

A process has one `Hub` an event loop: it tails the log (doorbell, and a slow tick for lost bells) and fans out to any
number of followers through bounded queues. A follower that does not read is cut off with Expired and lists again.

A follower listens first, reads history second and drops what it was sent already: no gap, no double.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Collection

from iam.identities import Identity
from workloads.meta.errors import Expired
from workloads.watch.hub import Follower, Hub, close
from workloads.watch.interest import Interest, Sighting, WatchEvent

__all__ = ["WatchEvent", "close", "follow", "follow_many"]

BOOKMARK_SECONDS = 60.0


def follow(
    identity: Identity,
    kinds: Collection[str],
    *,
    since: int,
    namespace: str | None = None,
    name: str | None = None,
    label_selector: str = "",
    field_selector: str = "",
    bookmarks: bool = False,
    timeout: float | None = None,
) -> AsyncGenerator[WatchEvent, None]:
    """Changes with a greater revision than `since`, of the identity's account only, until `timeout` seconds have gone.

    Raises BadRequest on a bad selector, at once; and while it is read: Expired when `since` is no place in the log or
    the follower was too slow, Unavailable when the log cannot be read. With `bookmarks`, one about every minute and
    one at the end. Close it (`contextlib.aclosing`) when you stop before its end.
    """
    return _one_by_one(
        follow_many(
            identity,
            kinds,
            since=since,
            namespace=namespace,
            name=name,
            label_selector=label_selector,
            field_selector=field_selector,
            bookmarks=bookmarks,
            timeout=timeout,
        )
    )


def follow_many(
    identity: Identity,
    kinds: Collection[str],
    *,
    since: int,
    namespace: str | None = None,
    name: str | None = None,
    label_selector: str = "",
    field_selector: str = "",
    bookmarks: bool = False,
    timeout: float | None = None,
    at_once: Callable[[WatchEvent], bool] | None = None,
) -> AsyncGenerator[list[WatchEvent], None]:
    """`follow` for whoever hands events on: all that have come, at once. `at_once` is offered a change while the reader
    waits and has nothing else to read; what it takes (it says so) is not given here."""
    interest = Interest.of(
        identity.account,
        kinds,
        namespace=namespace,
        name=name,
        label_selector=label_selector,
        field_selector=field_selector,
    )
    return _follow(interest, since=since, bookmarks=bookmarks, timeout=timeout, at_once=at_once)


async def _one_by_one(batches: AsyncGenerator[list[WatchEvent], None]) -> AsyncGenerator[WatchEvent, None]:
    async with contextlib.aclosing(batches):
        async for events in batches:
            for event in events:
                yield event


async def _follow(
    interest: Interest,
    *,
    since: int,
    bookmarks: bool,
    timeout: float | None,
    at_once: Callable[[WatchEvent], bool] | None = None,
) -> AsyncGenerator[list[WatchEvent], None]:
    """History, then what is heard, with a bookmark whenever one is due and at the end."""
    hub, pace, last = Hub.of_this_loop(), _Pace(bookmarks=bookmarks, timeout=timeout), since
    async with hub.listening(interest) as follower:
        async with contextlib.aclosing(_history(hub, follower, since)) as history:
            async for events in history:
                last = events[-1].revision
                yield events
        if at_once is not None:
            follower.at_once = lambda event: event.revision <= since or at_once(event)
        while not (ended := follower.ended or pace.over):
            events = await follower.next(timeout=pace.patience)
            if events and events[0].revision <= since:
                events = [event for event in events if event.revision > since]
            if events:
                last = events[-1].revision
                yield events
            if pace.bookmark_is_due():
                last = max(last, hub.position) if follower.caught_up else last
                yield [_bookmark(last)]
        if ended and bookmarks:
            yield [_bookmark(max(last, hub.position) if follower.caught_up else last)]


def _bookmark(revision: int) -> WatchEvent:
    return WatchEvent("BOOKMARK", revision=revision, key=None, data=b"")


async def _history(hub: Hub, follower: Follower, since: int) -> AsyncGenerator[list[WatchEvent], None]:
    """What happened between `since` and the moment the follower began to listen."""
    if since > follower.heard_from and since > await hub.head():
        raise Expired(f"too large resource version: {since}; the newest is {hub.position}")
    place = since
    while place < follower.heard_from:
        entries = await hub.page(place, follower.interest)
        seen = [follower.interest.view(Sighting(entry)) for entry in entries if entry.revision <= follower.heard_from]
        events = [event for event in seen if event is not None]
        if events:
            yield events
        if not entries or entries[-1].revision > follower.heard_from:
            return
        place = entries[-1].revision


class _Pace:
    """When the next bookmark is due and when the watch is over, by the event loop's clock."""

    def __init__(self, *, bookmarks: bool, timeout: float | None) -> None:
        self._now = asyncio.get_running_loop().time
        self._end = None if timeout is None else self._now() + timeout
        self._bookmark = self._now() + BOOKMARK_SECONDS if bookmarks else None

    @property
    def over(self) -> bool:
        return self._end is not None and self._now() >= self._end

    @property
    def patience(self) -> float | None:
        """How long to wait for a change."""
        marks = [mark for mark in (self._end, self._bookmark) if mark is not None]
        return max(0.0, min(marks) - self._now()) if marks else None

    def bookmark_is_due(self) -> bool:
        """True once for each."""
        if self._bookmark is None or self._now() < self._bookmark:
            return False
        self._bookmark = self._now() + BOOKMARK_SECONDS
        return True
