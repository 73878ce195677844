"""However many readers there are, the console makes its pages in a fixed number of threads."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async

from console.lanes import Lanes


class House:
    """An application that asks for its thread twice a request, as Django does inside a context of its own."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self.gate = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext():
            first = await sync_to_async(threading.get_ident)()
            await self.gate.wait()
            self.seen.append((first, await sync_to_async(threading.get_ident)()))


async def visit(lanes: Lanes, *, visitors: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(visitors):
            group.create_task(lanes({"type": "http"}, None, None))  # type: ignore[arg-type]


async def test_a_hundred_requests_at_once_share_the_lanes_evenly() -> None:
    house = House()
    lanes = Lanes(house, count=4)
    visits = asyncio.create_task(visit(lanes, visitors=100))
    await asyncio.sleep(0)
    house.gate.set()
    await visits

    threads = [first for first, _ in house.seen]
    assert sorted(threads.count(thread) for thread in set(threads)) == [25, 25, 25, 25]


async def test_a_request_stays_on_its_lane() -> None:
    house = House()
    house.gate.set()
    await visit(Lanes(house, count=4), visitors=20)

    assert all(first == second for first, second in house.seen)


async def test_the_threads_stay_for_the_next_requests() -> None:
    house = House()
    house.gate.set()
    lanes = Lanes(house, count=1)
    await visit(lanes, visitors=1)
    await visit(lanes, visitors=1)

    assert len({first for first, _ in house.seen}) == 1


async def test_a_request_that_fails_gives_its_lane_back() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError

    lanes = Lanes(broken, count=1)
    for _ in range(2):
        outcome = await asyncio.gather(lanes({"type": "http"}, None, None), return_exceptions=True)  # type: ignore[arg-type]
        assert isinstance(outcome[0], LookupError)
    assert [lane.callers for lane in lanes._lanes] == [0]
