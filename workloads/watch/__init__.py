"""List, then follow. kubectl's `-w` and the browser's page read the same log in the same order.

A process has one `Hub` an event loop: it tails the log (doorbell, and a slow tick for lost bells) and fans out to any
number of followers through bounded queues. A follower that does not read is cut off with Expired and lists again.

A follower listens first, reads history second and drops what it was sent already: no gap, no double.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection

from iam.identities import Identity
from workloads.meta.errors import Expired
from workloads.watch.hub import Follower, Hub, close
from workloads.watch.interest import Interest, Sighting, WatchEvent

__all__ = ["WatchEvent", "close", "follow"]

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
    interest = Interest.of(
        identity.account,
        kinds,
        namespace=namespace,
        name=name,
        label_selector=label_selector,
        field_selector=field_selector,
    )
    return _follow(interest, since=since, bookmarks=bookmarks, timeout=timeout)


async def _follow(
    interest: Interest, *, since: int, bookmarks: bool, timeout: float | None
) -> AsyncGenerator[WatchEvent, None]:
    hub = Hub.of_this_loop()
    pace = _Pace(bookmarks=bookmarks, timeout=timeout)
    async with hub.listening(interest) as follower:
        last = since
        async for event in _changes(hub, follower, since, pace):
            if event is not None:
                last = event.revision
                yield event
            elif bookmarks:
                last = max(last, hub.position) if follower.caught_up else last
                yield WatchEvent("BOOKMARK", revision=last, key=None, data=b"")


async def _changes(hub: Hub, follower: Follower, since: int, pace: _Pace) -> AsyncGenerator[WatchEvent | None, None]:
    """History, then what is heard; None when it is time for a bookmark, the last one at the end."""
    async with contextlib.aclosing(_history(hub, follower, since)) as history:
        async for event in history:
            yield event
    while not pace.over:
        heard = await follower.next(timeout=pace.patience)
        if heard is not None and heard.revision > since:
            yield heard
        if pace.bookmark_is_due():
            yield None
        if follower.ended:
            return
    yield None


async def _history(hub: Hub, follower: Follower, since: int) -> AsyncGenerator[WatchEvent, None]:
    """What happened between `since` and the moment the follower began to listen."""
    if since > follower.heard_from and since > await hub.head():
        raise Expired(f"too large resource version: {since}; the newest is {hub.position}")
    place = since
    while place < follower.heard_from:
        entries = await hub.page(place, follower.interest)
        for entry in entries:
            if entry.revision > follower.heard_from:
                return
            event = follower.interest.view(Sighting(entry))
            if event is not None:
                yield event
        if not entries:
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
