"""One tail serves all followers, keeps none of them waiting for another, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from django.db import OperationalError

from tests.workloads.watch.writers import create, elsewhere, rest, started, take
from workloads import watch
from workloads.meta.errors import Expired, Unavailable
from workloads.store import changes, doorbell
from workloads.watch import hub

pytestmark = pytest.mark.django_db(transaction=True)


def tails() -> list[threading.Thread]:
    """The threads in which a hub reads the log."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("watch")]


async def test_a_follower_that_does_not_read_is_cut_off_and_the_others_are_not(alice, monkeypatch):
    monkeypatch.setattr(hub, "QUEUE_LENGTH", 3)
    slow, quick = (watch.follow(alice, ["Pod"], since=0) for _ in range(2))
    async with aclosing(slow), aclosing(quick):
        await create("first")
        await asyncio.gather(take(slow, 1), take(quick, 1))
        for number in range(5):
            row = await create(f"pod-{number}")
            [seen] = await take(quick, 1)
            assert seen.revision == row.revision

        with pytest.raises(Expired, match="too slow"):
            await take(slow, 1)


async def test_large_objects_fill_neither_the_memory_nor_a_queue(alice, monkeypatch):
    monkeypatch.setattr(hub, "MEMORY_BYTES", 5000)
    monkeypatch.setattr(hub, "QUEUE_BYTES", 5000)
    slow, quick = (watch.follow(alice, ["Pod"], since=0) for _ in range(2))
    async with aclosing(slow), aclosing(quick):
        rows = [await create("first")]
        await asyncio.gather(take(slow, 1), take(quick, 1))
        for number in range(8):
            rows.append(await create(f"pod-{number}", note="x" * 1000))
            await take(quick, 1)

        with pytest.raises(Expired, match="too slow"):
            await take(slow, 1)
        assert sum(len(entry.data) for entry in hub.Hub.of_this_loop()._memory) <= 5000
        again = watch.follow(alice, ["Pod"], since=0, timeout=0.01)
        assert [event.revision for event in await rest(again)] == [row.revision for row in rows]


async def test_an_event_reaches_two_thousand_followers(alice):
    watches = [watch.follow(alice, ["Pod"], since=0) for _ in range(2000)]
    first = [asyncio.create_task(anext(events)) for events in watches]
    await asyncio.sleep(0.1)

    row = await create("web")

    async with asyncio.timeout(20):
        seen = await asyncio.gather(*first)
    assert {event.revision for event in seen} == {row.revision}
    await asyncio.gather(*[events.aclose() for events in watches])


async def test_each_change_comes_once_and_in_order_by_whichever_way(alice):
    """Every third is not taken on the short way, as by a connection that is full."""
    told, taken = [], []

    def at_once(event):
        if event.revision % 3 == 0:
            return False
        taken.append(event.revision)
        told.append(event.revision)
        return True

    async with aclosing(watch.follow_many(alice, ["Pod"], since=0, at_once=at_once)) as batches:
        rows = [await create("first")]
        told += [event.revision for event in await anext(batches)]
        reading = asyncio.create_task(_read_on(batches, told))
        for number in range(9):
            rows.append(await create(f"pod-{number}"))
            async with asyncio.timeout(5):
                while told[-1] != rows[-1].revision:
                    await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert told == [row.revision for row in rows]
    assert len(taken) == 6


async def _read_on(batches, told):
    async for events in batches:
        told += [event.revision for event in events]


async def test_a_lost_bell_is_made_up_for_by_the_tick(alice, monkeypatch):
    monkeypatch.setattr(doorbell, "ring", lambda: None)
    monkeypatch.setattr(hub, "TICK_SECONDS", 0.05)
    async with started(watch.follow(alice, ["Pod"], since=0)) as first:
        row = await create("web")

        async with asyncio.timeout(5):
            assert (await first).revision == row.revision


async def test_a_bell_is_answered_before_the_tick(alice, monkeypatch):
    monkeypatch.setattr(hub, "TICK_SECONDS", 60)
    async with started(watch.follow(alice, ["Pod"], since=0)) as first:
        await create("web")

        async with asyncio.timeout(5):
            assert (await first).type == "ADDED"


async def test_a_database_that_fails_for_a_while_loses_nothing(alice, monkeypatch):
    monkeypatch.setattr(hub, "TICK_SECONDS", 0.02)
    after, failures = changes.after, iter(range(5))

    def failing(*args, **how):
        if next(failures, None) is not None:
            raise OperationalError("the database system is shutting down")
        return after(*args, **how)

    async with started(watch.follow(alice, ["Pod"], since=0)) as first:
        monkeypatch.setattr(changes, "after", failing)
        row = await create("web")

        async with asyncio.timeout(5):
            assert (await first).revision == row.revision


async def test_what_was_trimmed_unread_is_no_gap_but_the_end_of_the_watch(alice, monkeypatch):
    monkeypatch.setattr(doorbell, "ring", lambda: None)
    monkeypatch.setattr(hub, "TICK_SECONDS", 2.0)  # long enough to write and trim meanwhile
    async with aclosing(watch.follow(alice, ["Pod"], since=0)) as events:
        first = asyncio.create_task(take(events, 1))
        await asyncio.sleep(0.1)
        for name in ("a", "b", "c"):
            await create(name)
        await elsewhere(lambda: changes.trim(keep=1, older_than=datetime.max.replace(tzinfo=UTC)))
        with pytest.raises(Expired):
            await first

    row = await create("d")
    [seen] = await rest(watch.follow(alice, ["Pod"], since=row.revision - 1, timeout=0.01))
    assert seen.revision == row.revision


async def test_a_database_that_does_not_answer_is_said_to_be_unavailable(alice, monkeypatch):
    def away():
        raise OperationalError("connection refused")

    monkeypatch.setattr(hub, "START_SECONDS", 0.05)
    monkeypatch.setattr(changes, "head", away)

    with pytest.raises(Unavailable):
        await rest(watch.follow(alice, ["Pod"], since=0))


async def test_the_last_follower_to_leave_ends_the_tail_and_its_thread(alice):
    first, second = (watch.follow(alice, ["Pod"], since=0) for _ in range(2))
    await create("web")
    await take(first, 1)
    await take(second, 1)

    await first.aclose()
    [tail] = tails()
    await second.aclose()
    tail.join(5)

    assert tails() == []
    assert asyncio.get_running_loop() not in hub._hubs


async def test_a_cancelled_reader_leaves_nothing_behind(alice):
    async with started(watch.follow(alice, ["Pod"], since=0)):
        assert len(tails()) == 1

    assert asyncio.get_running_loop() not in hub._hubs


async def test_a_shutdown_ends_every_watch(alice):
    watches = [asyncio.create_task(rest(watch.follow(alice, ["Pod"], since=0))) for _ in range(3)]
    await asyncio.sleep(0.1)

    await watch.close()

    async with asyncio.timeout(5):
        assert await asyncio.gather(*watches) == [[], [], []]


async def test_a_watch_can_begin_again_after_the_hub_has_ended(alice):
    row = await create("web")

    for _ in range(3):
        seen = await rest(watch.follow(alice, ["Pod"], since=0, timeout=0.01))
        assert [event.revision for event in seen] == [row.revision]
