"""Writes for tests of the watch: from a thread of their own, as in a web process, and awaited."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from tests.threads import apart
from tests.workloads.store.drafts import draft
from workloads.store import objects
from workloads.watch import WatchEvent

_T = TypeVar("_T")


async def elsewhere(action: Callable[[], _T]) -> _T:
    return await asyncio.to_thread(apart, action)


async def create(name: str, **facts: Any) -> objects.Row:
    return await elsewhere(lambda: objects.insert(draft(name, **_in_json(facts))))


async def change(row: objects.Row, **facts: Any) -> objects.Row:
    again = draft(row.key.name, account=row.key.account, namespace=row.key.namespace, uid=row.uid, **_in_json(facts))
    return await elsewhere(lambda: objects.update(again, expected_revision=row.revision))


async def delete(row: objects.Row, **facts: Any) -> int:
    last = draft(row.key.name, account=row.key.account, namespace=row.key.namespace, uid=row.uid, **_in_json(facts))
    return await elsewhere(lambda: objects.remove(last, expected_revision=row.revision))


async def take(events: AsyncIterator[WatchEvent], count: int) -> list[WatchEvent]:
    """The next events, none of which may take long."""
    async with asyncio.timeout(20):
        return [await anext(events) for _ in range(count)]


async def rest(events: AsyncIterator[WatchEvent]) -> list[WatchEvent]:
    """All events until the watch ends."""
    async with asyncio.timeout(20):
        return [event async for event in events]


@contextlib.asynccontextmanager
async def started(events: AsyncIterator[WatchEvent]) -> AsyncIterator[asyncio.Task[WatchEvent]]:
    """The watch is being listened to; the task ends with its first event."""
    first = asyncio.create_task(anext(events))  # type: ignore[arg-type]
    await asyncio.sleep(0.1)
    try:
        yield first
    finally:
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
        await events.aclose()  # type: ignore[attr-defined]


def _in_json(facts: dict[str, Any]) -> dict[str, Any]:
    """A phase is in the object as well, where field selectors look."""
    return {**facts, "status": {"phase": facts["phase"]}} if "phase" in facts else facts
